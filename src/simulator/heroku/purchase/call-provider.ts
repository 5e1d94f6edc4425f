import { setTimeout as sleep } from "node:timers/promises";
import type { Platform } from "../model/platform.ts";
import type { ProviderCall, ProviderReply } from "./provider-call.ts";
import { blameDifferences } from "./repeats.ts";
import { send } from "./send.ts";

const MOST_REPEATS = 50;

/**
 * Calls the provider as the platform does, and as the fault switches say: late, several times at once (the answers are
 * compared), or again after the answer was lost. Never throws; no answer is a reply too.
 */
export async function callProvider(platform: Platform, call: ProviderCall): Promise<ProviderReply> {
  await pause(platform, platform.faults.take("delay") ?? 0);
  if (platform.faults.take("drop_answer") !== undefined) return callTwice(platform, call);
  const times = Math.min(Math.max(platform.faults.take("repeat") ?? 1, 1), MOST_REPEATS);
  const body = call.body?.();
  const replies = await Promise.all(Array.from({ length: times }, () => send(platform, call, body)));
  blameDifferences(platform, call, replies);
  return firstOf(replies);
}

/** The platform never sees the first answer; the second has to say the same. */
async function callTwice(platform: Platform, call: ProviderCall): Promise<ProviderReply> {
  const lost = await send(platform, call, call.body?.());
  platform.journal.note(`The answer of exchange ${lost.exchange} was dropped; the call is sent again.`);
  const reply = await send(platform, call, call.body?.());
  blameDifferences(platform, call, [lost, reply]);
  return reply;
}

function firstOf(replies: readonly ProviderReply[]): ProviderReply {
  const [first] = replies;
  if (first === undefined) throw new RangeError("a call is sent at least once");
  return first;
}

async function pause(platform: Platform, ms: number): Promise<void> {
  if (ms > 0) await sleep(ms, undefined, { signal: platform.stopping }).catch(() => undefined);
}

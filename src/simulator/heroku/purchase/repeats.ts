import { isDeepStrictEqual } from "node:util";
import type { Platform } from "../model/platform.ts";
import type { ProviderCall, ProviderReply } from "./provider-call.ts";

/** The same call was sent several times: every answer has to mean the same. What differs is reported. */
export function blameDifferences(platform: Platform, call: ProviderCall, replies: readonly ProviderReply[]): void {
  const [first, ...others] = replies;
  if (first === undefined) return;
  for (const other of others) {
    const difference = differenceOf(call, first, other);
    if (difference === undefined) continue;
    const sentence = `The same ${call.method}, sent again, was answered differently: ${difference}.`;
    platform.journal.blame("repeat_differs", sentence, other.exchange);
  }
}

function differenceOf(call: ProviderCall, one: ProviderReply, other: ProviderReply): string | undefined {
  if (meaning(call, one) !== meaning(call, other)) return `${spell(one)} and ${spell(other)}`;
  if (call.method === "DELETE") return undefined;
  if (!isDeepStrictEqual(one.json?.["id"], other.json?.["id"])) return "the id is another";
  if (one.status === other.status && !isDeepStrictEqual(one.json?.["config"], other.json?.["config"])) {
    return "the config vars are others";
  }
  return undefined;
}

/** Done now or done later is no difference (the work may end in between); gone is gone however it is said. */
function meaning(call: ProviderCall, { status }: ProviderReply): string {
  if (status >= 200 && status < 300) return "accepted";
  if (call.method === "DELETE" && (status === 404 || status === 410)) return "accepted";
  return String(status);
}

function spell({ status, failure }: ProviderReply): string {
  return failure === undefined ? String(status) : "no answer";
}

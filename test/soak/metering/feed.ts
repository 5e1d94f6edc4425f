import { setTimeout as sleep } from "node:timers/promises";
import type { Random } from "../random.ts";
import { type Item, itemFor, type Sent } from "./item.ts";
import type { World } from "./world.ts";

/** The vendor's product as it meters: it remembers what was acknowledged, and asks again for what it got no answer. */
export interface Feed {
  /** By tenant and id. */
  readonly sent: ReadonlyMap<string, Sent>;
  /** What no sender should ever be answered. */
  readonly offences: readonly string[];
  readonly counts: { readonly events: number; readonly resends: number; readonly refused: number };
  /** Sends nothing new, and ends when everything has had an answer. Answers what has not. */
  finish(): Promise<number>;
}

type Receipt = { readonly id: string | null; readonly status: string; readonly code?: string };

const PAUSE_MS = [20, 250] as const;
const MOST_OPEN = 30;
const FINISHES_WITHIN_MS = 120_000;

export function startFeed(world: World, random: Random): Feed {
  const sent = new Map<string, Sent>();
  const offences: string[] = [];
  const open = new Set<readonly Sent[]>();
  const counts = { events: 0, resends: 0, refused: 0 };
  let number = 0;
  let finishing = false;

  const send = async (batch: readonly Sent[]): Promise<boolean> => {
    const receipts = await post(world, batch).catch(() => undefined);
    if (receipts === undefined) return false;
    if (receipts.length !== batch.length) offences.push(`${batch.length} events got ${receipts.length} receipts.`);
    for (const [place, one] of batch.entries()) {
      const said = take(one, receipts[place]);
      if (said !== undefined) offences.push(said);
    }
    counts.refused += receipts.filter(({ status }) => status === "refused").length;
    return true;
  };

  const once = async (batch: readonly Sent[]): Promise<void> => {
    for (const one of batch) one.tries += 1;
    counts.events += batch.length;
    if (await send(batch)) open.delete(batch);
    else open.add(batch);
  };

  const again = async (): Promise<void> => {
    for (const batch of [...open]) {
      counts.resends += batch.length;
      await once(batch);
    }
  };

  const makeBatch = async (): Promise<readonly Sent[]> => {
    const tenants = await world.looker.look<{ id: string }>(
      "select id from tenants where state <> 'failed' order by id",
    );
    if (tenants.length === 0) return [];
    const now = await world.now();
    const known = [...sent.values()];
    const batch = Array.from({ length: random.chance(0.2) ? 1 + random.below(80) : 1 + random.below(8) }, () => {
      number += 1;
      return itemFor({ random, now, number, known, tenant: random.pick(tenants).id });
    });
    // One id twice in a batch is judged in its order: that is for another test.
    return batch.filter((one, place) => batch.findIndex(({ item }) => item.id === one.item.id) === place);
  };

  const keep = (batch: readonly Sent[]): void => {
    for (const one of batch) if (!one.isForeign) sent.set(`${one.item.tenant} ${one.item.id}`, one);
  };

  const run = async (): Promise<void> => {
    while (!finishing) {
      await sleep(PAUSE_MS[0] + random.below(PAUSE_MS[1]));
      if (open.size >= MOST_OPEN) {
        await again();
        continue;
      }
      const batch = await makeBatch();
      keep(batch);
      if (batch.length > 0) await once(batch);
      if (random.chance(0.3)) await again();
    }
  };
  const running = run().catch((fault: unknown) => void offences.push(`The feed broke: ${String(fault)}`));

  return {
    sent,
    offences,
    counts,
    finish: async () => {
      finishing = true;
      await running;
      const until = performance.now() + FINISHES_WITHIN_MS;
      while (open.size > 0 && performance.now() < until) {
        await again();
        if (open.size > 0) await sleep(200);
      }
      return open.size;
    },
  };
}

/** Notes an answer; says what is wrong with it. */
function take(one: Sent, receipt: Receipt | undefined): string | undefined {
  const { status = "no receipt", code = "" } = receipt ?? {};
  const was = one.answer;
  if (status === "accepted" || status === "duplicate") one.answer = "accepted";
  else if (was !== "accepted") one.answer = "refused";
  const fault = faultOf(one, was, status, code);
  return fault === undefined ? undefined : `${one.item.id} of ${one.item.tenant} ${fault}`;
}

function faultOf(one: Sent, was: Sent["answer"], status: string, code: string): string | undefined {
  const isKnown = was === "accepted";
  if (status === "accepted") return isKnown ? "was accepted twice." : undefined;
  if (status === "duplicate") return isKnown || one.tries > 1 ? undefined : "was new and called a duplicate.";
  if (isKnown) return `had been accepted and was then ${status}: ${code}.`;
  return one.mayRefuse.has(code) ? undefined : `was ${status}: ${code}.`;
}

const ANSWER_WITHIN_MS = 20_000;

/** Undefined when nobody can say what became of it. */
async function post({ front, productSecret }: World, batch: readonly Sent[]): Promise<readonly Receipt[] | undefined> {
  const items = batch.map(({ item }): Item => item);
  const answer = await fetch(`${front.origin}/v1/usage`, {
    method: "POST",
    headers: { authorization: `Bearer ${productSecret}`, "content-type": "application/json" },
    body: JSON.stringify(items.length === 1 ? items[0] : items),
    signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
  });
  const body = (await answer.json()) as { receipts?: readonly Receipt[] };
  return answer.status === 200 ? body.receipts : undefined;
}

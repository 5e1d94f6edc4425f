import { amountOf, sumOf, textOf } from "./amount.ts";
import type { Feed } from "./feed.ts";
import { leap } from "./time.ts";
import type { World } from "./world.ts";

/** What a scenario was made of. */
export interface Tally {
  readonly tenants: number;
  readonly purchases: number;
  readonly events: number;
  readonly resends: number;
  readonly acknowledged: number;
  /** Exact. */
  readonly units: string;
  readonly unitsBilled: number;
  readonly records: number;
  readonly calls: number;
  readonly recordsSent: number;
  readonly verdicts: Readonly<Record<string, number>>;
}

export async function tallyOf({ looker, ask, log }: World, feed: Feed): Promise<Tally> {
  const tenants = await looker.look("select from tenants");
  const verdicts = await looker.look<{ verdict: string; count: number }>(
    "select coalesce(verdict, state) as verdict, count(*)::int from usage_records group by 1 order by 1",
  );
  const acknowledged = [...feed.sent.values()].filter(({ answer }) => answer === "accepted");
  const { billed } = await ask<{ billed: readonly { quantity: number }[] }>("/_aws/ledger");
  return {
    tenants: tenants.length,
    purchases: (await ask<readonly unknown[]>("/_aws/purchases")).length,
    events: feed.counts.events,
    resends: feed.counts.resends,
    acknowledged: acknowledged.length,
    units: textOf(sumOf(acknowledged, ({ item }) => amountOf(item.quantity))),
    unitsBilled: billed.reduce((sum, { quantity }) => sum + quantity, 0),
    records: verdicts.reduce((sum, { count }) => sum + count, 0),
    calls: log.calls,
    recordsSent: log.records,
    verdicts: Object.fromEntries(verdicts.map(({ verdict, count }) => [verdict, count])),
  };
}

const TABLES =
  "tenants, usage_events, usage_keys_0, usage_keys_1, usage_lots, usage_paces, aws_messages, aws_tokens, aws_rounds";

/** The next scenario begins with nothing; only time goes on. */
export async function clear(world: World): Promise<void> {
  const now = await world.now();
  await world.tell("/_reset", {});
  await leap(world, now);
  await world.looker.look(`truncate ${TABLES} cascade`);
  world.log.clear();
}

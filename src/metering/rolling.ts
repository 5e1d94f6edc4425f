import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";

/** A limit of a plan for a calendar month. */
export interface UsageLimit {
  readonly plan: string;
  readonly dimension: string;
  readonly limit: number;
}

interface UsageJobOptions {
  readonly clock: Clock;
  readonly limits: readonly UsageLimit[];
}

const SWEEP_EVERY_MS = 60_000;
/** Old attempts that go in one sweep: what one worker may send in a minute. */
const ATTEMPTS = 15_000;
/**
 * The time up to which hours are closed and records end, in SQL: none of that can be undone, so a clock of ours that has
 * jumped ahead of the database's is not believed. A clock that is turned by hand has nothing to be held against.
 */
export function nowSql(clock: Clock, parameter: string): string {
  return clock.real ? `least(${parameter}::timestamptz, clock_timestamp())` : parameter;
}

/** However large the open hours are. */
const MOMENT_MS = 25;
const REST = 20;

/** `work`, which rests for twenty times as long as it took when that was more than a moment; unless it is urgent. */
export function restful(work: () => Promise<boolean>, momentMs: number): (urgent?: boolean) => Promise<boolean> {
  let restUntil = 0;
  return async (urgent = false) => {
    const startedAt = performance.now();
    if (!urgent && startedAt < restUntil) return false;
    const worked = await work();
    const tookMs = performance.now() - startedAt;
    restUntil = tookMs > momentMs ? performance.now() + tookMs * REST : 0;
    return worked;
  };
}

/**
 * One round: makes and drops days, seals what time or the end of a tenant has closed, sums what came since the last one, and
 * raises the alerts that customers asked for.
 * Any number of workers may run it; one at a time sums.
 */
export function usageJob(store: Store, { clock, limits }: UsageJobOptions): () => Promise<boolean> {
  let sweptAt = Number.NEGATIVE_INFINITY;
  const limitsJson = JSON.stringify(limits);
  const raise = restful(
    () => answers(store, "select raise_usage_alerts($1, $2) as yes", [limitsJson, clock.now()]),
    MOMENT_MS,
  );
  const roll = restful(() => answers(store, "select roll_usage($1, $2) as yes", [limitsJson, clock.now()]), MOMENT_MS);

  return async () => {
    const now = clock.now();
    if (Math.abs(now.getTime() - sweptAt) >= SWEEP_EVERY_MS) {
      await store.throughDoor({ text: `select sweep_usage(${nowSql(clock, "$1")})`, values: [now] });
      await store.throughDoor({
        text: `select forget_usage_attempts(${nowSql(clock, "$1")}, $2)`,
        values: [now, ATTEMPTS],
      });
      sweptAt = now.getTime();
    }
    const moved = await answers(store, `select move_usage_gate(${nowSql(clock, "$1")}) as yes`, [now]);
    const rolled = await roll(moved);
    return (await raise(rolled)) || rolled || moved;
  };
}

async function answers(store: Store, text: string, values: readonly unknown[]): Promise<boolean> {
  const [row] = await store.throughDoor<{ yes: boolean }>({ text, values });
  return row?.yes ?? false;
}

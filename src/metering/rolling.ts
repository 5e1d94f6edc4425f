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
/** A sum that took longer than a moment is followed by a rest of twenty times as long, however large the open hours are. */
const MOMENT_MS = 25;
const REST = 20;

/**
 * One round: makes and drops days, seals what time or the end of a tenant has closed, and sums what came since the last one.
 * Any number of workers may run it; one at a time sums.
 */
export function usageJob(store: Store, { clock, limits }: UsageJobOptions): () => Promise<boolean> {
  let sweptAt = Number.NEGATIVE_INFINITY;
  let restUntil = 0;

  return async () => {
    const now = clock.now();
    if (Math.abs(now.getTime() - sweptAt) >= SWEEP_EVERY_MS) {
      await store.throughDoor({ text: "select sweep_usage($1)", values: [now] });
      sweptAt = now.getTime();
    }
    const moved = await answers(store, "select move_usage_gate($1) as yes", [now]);
    const startedAt = performance.now();
    if (!moved && startedAt < restUntil) return false;
    const rolled = await answers(store, "select roll_usage($1, $2) as yes", [JSON.stringify(limits), now]);
    const tookMs = performance.now() - startedAt;
    restUntil = tookMs > MOMENT_MS ? performance.now() + tookMs * REST : 0;
    return moved || rolled;
  };
}

async function answers(store: Store, text: string, values: readonly unknown[]): Promise<boolean> {
  const [row] = await store.throughDoor<{ yes: boolean }>({ text, values });
  return row?.yes ?? false;
}

import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";

const EVERY_MS = 60_000;

/**
 * Keeps the small tables behind the pictures and the views for analysts: a look each minute, and at once again while there
 * is more to sum. Any number of workers may run it; one at a time sums.
 */
export function pictureJob(store: Store, clock: Clock): () => Promise<boolean> {
  let lookedAt = Number.NEGATIVE_INFINITY;
  return async () => {
    const now = clock.now();
    if (Math.abs(now.getTime() - lookedAt) < EVERY_MS) return false;
    const more = await rollPictures(store, now);
    if (!more) await countRevenue(store, now);
    lookedAt = more ? Number.NEGATIVE_INFINITY : now.getTime();
    return more;
  };
}

/** One bounded step. Answers whether there is more to do at once. */
export async function rollPictures(store: Store, now: Date): Promise<boolean> {
  const [row] = await store.throughDoor<{ more: boolean }>({ text: "select roll_pictures($1) as more", values: [now] });
  return row?.more ?? false;
}

/** Counts who pays for what, once an hour however often it is called. */
export async function countRevenue(store: Store, now: Date): Promise<void> {
  await store.throughDoor({ text: "select count_revenue($1)", values: [now] });
}

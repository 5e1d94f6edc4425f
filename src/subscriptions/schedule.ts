const MINUTE = 60;
const HOUR = 60 * MINUTE;

/** Seconds after each failed attempt, as Standard Webhooks recommends: ten attempts in three days. */
const WAITS: readonly number[] = [
  5,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];
/** Of each wait so much is left to chance, so that what failed together does not come back together. */
const CHANCE = 0.2;
const LONGEST_ASKED = 24 * HOUR;

/** Whether `attempt`, counted from 1, was the last. */
export const isLastAttempt = (attempt: number): boolean => attempt > WAITS.length;

/**
 * Seconds until the next attempt. A receiver may ask for a longer wait of at most a day; asking for a shorter one would
 * spend the attempts before it is well again.
 */
export function waitAfter(attempt: number, asked = 0, chance: () => number = Math.random): number {
  const full = WAITS[Math.min(attempt, WAITS.length) - 1] ?? 0;
  return Math.max(full * (1 - CHANCE * chance()), Math.min(asked, LONGEST_ASKED));
}

/** Seconds of a `Retry-After`: a number, or a moment (RFC 9110); 0 for what is neither. */
export function secondsOf(retryAfter: string | undefined, now: Date): number {
  if (retryAfter === undefined) return 0;
  if (/^\d{1,9}$/.test(retryAfter)) return Number(retryAfter);
  const until = Date.parse(retryAfter);
  return Number.isNaN(until) ? 0 : Math.max(0, (until - now.getTime()) / 1_000);
}

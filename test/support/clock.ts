import type { Clock } from "../../src/clock.ts";

export interface TestClock extends Clock {
  advance(ms: number): void;
}

export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** A clock that stands still until it is turned. */
export function testClock(start = "2026-03-01T12:00:00.000Z"): TestClock {
  let now = Date.parse(start);
  return {
    now: () => new Date(now),
    ready: () => true,
    advance: (ms) => {
      now += ms;
    },
  };
}

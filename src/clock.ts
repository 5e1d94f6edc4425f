import { setTimeout as sleep } from "node:timers/promises";

/** The source of all business time. Durations between two instants of one process may use `performance.now()`. */
export interface Clock {
  now(): Date;
  /** False until a followed clock has answered for the first time; the system clock is always ready. */
  ready(): boolean;
  /** It means to tell the real time, so other clocks may be held against it; absent of a clock that is turned by hand. */
  readonly real?: true;
}

export const systemClock: Clock = { now: () => new Date(), ready: () => true, real: true };

export interface FollowedClock extends Clock {
  stop(): void;
}

const ASK_EVERY_MS = 150;
const ASK_TIMEOUT_MS = 2_000;

/**
 * Follows the clock at `url`, whose GET answers JSON with `now` (ISO 8601). It is asked at least every 200 ms; between
 * two answers time runs on at the real rate. While it does not answer, the last known distance is kept.
 */
export function followClock(url: string): FollowedClock {
  let ahead: number | undefined;
  let stopped = false;

  const ask = async (): Promise<void> => {
    const response = await fetch(url, { signal: AbortSignal.timeout(ASK_TIMEOUT_MS) });
    const body: unknown = await response.json();
    const now = typeof body === "object" && body !== null && "now" in body ? Date.parse(String(body.now)) : Number.NaN;
    if (!Number.isNaN(now)) ahead = now - Date.now();
  };

  const follow = async (): Promise<void> => {
    while (!stopped) {
      await ask().catch(() => undefined);
      await sleep(ASK_EVERY_MS, undefined, { ref: false });
    }
  };
  void follow();

  return {
    now: () => new Date(Date.now() + (ahead ?? 0)),
    ready: () => ahead !== undefined,
    stop: () => {
      stopped = true;
    },
  };
}

/** Calls that may be made at once, and how many come back a second (AWS: ten, for an account and region). */
const CALLS_PER_SECOND = 10;

export interface CallRate {
  /** Whether one more call fits; if so, it is counted. */
  take(region: string): boolean;
}

/** A token bucket for each region. It runs in real time, whatever the simulator's clock says: the quota does too. */
export function createCallRate(): CallRate {
  const buckets = new Map<string, { tokens: number; at: number }>();
  return {
    take: (region) => {
      const at = performance.now();
      const last = buckets.get(region) ?? { tokens: CALLS_PER_SECOND, at };
      const grown = last.tokens + ((at - last.at) / 1000) * CALLS_PER_SECOND;
      const tokens = Math.min(grown, CALLS_PER_SECOND);
      const fits = tokens >= 1;
      buckets.set(region, { tokens: fits ? tokens - 1 : tokens, at });
      return fits;
    },
  };
}

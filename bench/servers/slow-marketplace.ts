import { setTimeout as sleep } from "node:timers/promises";
import type { ReportBatch, UsageReporting } from "../../src/metering/reporting.ts";
import { createCallRate } from "../../src/simulator/aws/wire/call-rate.ts";

/** What came, and between which moments (of `performance.now()`). */
export interface Seen {
  calls: number;
  records: number;
  throttled: number;
  firstAt: number;
  lastAt: number;
}

/** As long as AWS takes to answer from within its region, about. */
const ANSWER_MS = 80;
export const CALLS_PER_SECOND = 10;

/** Takes every record, after a while, and refuses calls by the simulator's measure of AWS's quota. */
export function slowMarketplace(): UsageReporting & { readonly seen: Seen } {
  const rate = createCallRate();
  const seen: Seen = { calls: 0, records: 0, throttled: 0, firstAt: 0, lastAt: 0 };

  const report = async ({ records }: ReportBatch) => {
    const now = performance.now();
    seen.firstAt ||= now;
    seen.lastAt = now;
    seen.calls += 1;
    const taken = rate.take("us-east-1");
    if (taken) seen.records += records.length;
    else seen.throttled += 1;
    await sleep(ANSWER_MS);
    if (!taken) return { kind: "throttled" } as const;
    const verdicts = new Map(records.map(({ key }) => [key, { kind: "billed", id: key } as const]));
    return { kind: "answered", verdicts } as const;
  };
  return {
    seen,
    most: { records: 25, bytes: 900_000, callsPerSecond: CALLS_PER_SECOND },
    rules: { windowHours: 24, monthGraceHours: 6 },
    heartbeats: false,
    report,
  };
}

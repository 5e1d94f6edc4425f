import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";
import type { ReportingByMarketplace } from "./billing.ts";
import { type Claim, claimAgain, claimBatch, type Settled, settleBatch } from "./outbox.ts";
import { call, halves, outcomeOf } from "./report-batch.ts";
import type { ReportRecord, UsageReporting } from "./reporting.ts";

export interface ReporterOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly reporting: () => ReportingByMarketplace;
  /** Told of each record that reached its end. */
  readonly settled: (settled: readonly Settled[]) => void;
  /** Told when a marketplace refuses our settings. */
  readonly misconfigured: (marketplace: string, lot: string, fault: string) => void;
}

/** How many batches one process may have under way: enough that the quota governs, and not how long an answer takes. */
export const REPORT_LANES = 16;
/** While the first lane finds nothing to send, the others do not look. */
const BUSY_MS = 2_000;

/** One round of a lane: takes a batch, sends it, writes down what came of it. True when there was one. */
export type ReportRound = (lane: number) => Promise<boolean>;

export function createReporter(options: ReporterOptions): ReportRound {
  let busyUntil = 0;
  return async (lane) => {
    if (lane > 0 && performance.now() >= busyUntil) return false;
    const sending = sendingOnly(options.reporting());
    if (sending.size === 0) return false;
    const claim = await claimBatch(options.store, sending, options.clock.now());
    if (claim === undefined) return false;
    busyUntil = performance.now() + BUSY_MS;
    const usage = sending.get(claim.marketplace);
    if (usage !== undefined) await sendBatch(options, usage, claim);
    return true;
  };
}

/** In a dry run nothing is even claimed. */
function sendingOnly(reporting: ReportingByMarketplace): ReportingByMarketplace {
  return new Map([...reporting].filter(([, { mode }]) => mode !== "dry"));
}

/** Sends a batch that is claimed. One with a bad record in it is halved until that one stands alone. */
async function sendBatch(options: ReporterOptions, usage: UsageReporting, claim: Claim): Promise<void> {
  const { store, clock, settled, misconfigured } = options;
  if (usage.mode === "shadow") {
    settled(await settleBatch(store, claim, () => ({ kind: "shadow" }), undefined, clock.now()));
    return;
  }
  if (claim.waitMs > 0) await sleep(claim.waitMs);
  const outcome = outcomeOf(await call(usage, claim), claim);
  if (outcome.alarm !== undefined) misconfigured(claim.marketplace, claim.lot, outcome.alarm);
  settled(await settleBatch(store, claim, outcome.resultOf, outcome.requestId, clock.now()));
  if (!outcome.halve) return;
  for (const half of halves(claim.records)) await sendHalf(options, usage, claim, half);
}

async function sendHalf(
  options: ReporterOptions,
  usage: UsageReporting,
  whole: Claim,
  records: readonly ReportRecord[],
): Promise<void> {
  const { store, clock } = options;
  const claim = await claimAgain(store, whole, records, usage.most.callsPerSecond, clock.now());
  if (claim !== undefined) await sendBatch(options, usage, claim);
}

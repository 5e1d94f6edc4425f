import type { Store } from "../isolation/isolation.ts";
import type { ReportingByMarketplace } from "./billing.ts";
import type { ReportBatch, ReportRecord } from "./reporting.ts";

/** Longer than the wait for a place in the pace, a call and its settlement together. */
const LEASE_MS = 30_000;
/** A batch whose place in the pace is further away is not taken yet. */
const MOST_WAIT_MS = 5_000;
/** The share of the quota that is used: calls that leave evenly arrive a little unevenly. */
const SHARE_OF_QUOTA = 0.98;

interface RecordKey {
  readonly tenant: string;
  readonly hour: string;
  readonly dimension: string;
}

interface RecordJson extends RecordKey {
  readonly billing_reference: string;
  readonly stamped_at: string;
  readonly units: number;
  readonly allocations: ReportRecord["allocations"];
}

interface BatchJson {
  readonly lease: string;
  readonly lot: string;
  readonly marketplace: string;
  readonly wait_ms: number;
  readonly records: readonly RecordJson[];
}

/** Records that are ours for a while, written down as being sent. */
export interface Claim extends ReportBatch {
  readonly lease: string;
  readonly marketplace: string;
  /** Until the call's place in the pace. */
  readonly waitMs: number;
}

/** What an attempt came to for one record, as `settle_usage` takes it. */
export interface Result {
  readonly kind:
    | "billed"
    | "shadow"
    | "held_another"
    | "not_subscribed"
    | "not_taken"
    | "throttled"
    | "unknown"
    | "misconfigured"
    | "split"
    | "refused"
    | "too_old";
  readonly id?: string;
  readonly fault?: string;
}

/** A record that reached its end. */
export interface Settled {
  readonly verdict: string;
  readonly tenant: string;
  readonly units: number;
}

const LONGEST_FAULT = 500;

/** The next batch that may be sent, with its attempts committed; undefined when nothing is due. */
export async function claimBatch(
  store: Store,
  reporting: ReportingByMarketplace,
  now: Date,
): Promise<Claim | undefined> {
  const most = [...reporting].map(
    ([
      marketplace,
      {
        most: { records, bytes, callsPerSecond },
      },
    ]) => ({
      ...{ marketplace, records, bytes },
      calls_per_second: callsPerSecond * SHARE_OF_QUOTA,
    }),
  );
  const [row] = await store.throughDoor<{ batch: BatchJson | null }>({
    text: "select claim_usage($1, $2, $3, $4) as batch",
    values: [JSON.stringify(most), MOST_WAIT_MS, now, leaseEnd(now)],
  });
  return claimOf(row?.batch);
}

/** One more attempt with part of a batch; undefined when none of it is ours any more, or the pace has no place for it. */
export async function claimAgain(
  store: Store,
  { lease }: Claim,
  records: readonly ReportRecord[],
  callsPerSecond: number,
  now: Date,
): Promise<Claim | undefined> {
  const [row] = await store.throughDoor<{ batch: BatchJson | null }>({
    text: "select resend_usage($1, $2, $3, $4, $5, $6) as batch",
    values: [
      lease,
      JSON.stringify(records.map(keyOf)),
      callsPerSecond * SHARE_OF_QUOTA,
      MOST_WAIT_MS,
      now,
      leaseEnd(now),
    ],
  });
  return claimOf(row?.batch);
}

/** Writes down what an attempt came to, for those of its records that are still ours. The second time nothing happens. */
export async function settleBatch(
  store: Store,
  { lease, records }: Claim,
  resultOf: (record: ReportRecord) => Result,
  requestId: string | undefined,
  now: Date,
): Promise<readonly Settled[]> {
  const results = records.map((record) => {
    const { fault, ...result } = resultOf(record);
    return { ...keyOf(record), ...result, ...(fault === undefined ? {} : { fault: fault.slice(0, LONGEST_FAULT) }) };
  });
  const [row] = await store.throughDoor<{ settled: Settled[] }>({
    text: "select settle_usage($1, $2, $3, $4) as settled",
    values: [lease, JSON.stringify(results), requestId ?? null, now],
    repeatable: true,
  });
  return row?.settled ?? [];
}

function leaseEnd(now: Date): Date {
  return new Date(now.getTime() + LEASE_MS);
}

function claimOf(batch: BatchJson | null | undefined): Claim | undefined {
  if (!batch) return undefined;
  const { lease, lot, marketplace, wait_ms: waitMs, records } = batch;
  return { lease, lot, marketplace, waitMs, records: records.map(recordOf) };
}

function recordOf(row: RecordJson): ReportRecord {
  const hour = new Date(row.hour);
  return {
    key: JSON.stringify([row.tenant, hour.toISOString(), row.dimension]),
    billingReference: row.billing_reference,
    dimension: row.dimension,
    hour,
    stampedAt: new Date(row.stamped_at),
    units: row.units,
    allocations: row.allocations,
  };
}

function keyOf({ key }: ReportRecord): RecordKey {
  const [tenant, hour, dimension] = JSON.parse(key) as [string, string, string];
  return { tenant, hour, dimension };
}

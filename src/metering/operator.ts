import type { Store } from "../isolation/isolation.ts";
import type { ReportBatch, ReportRecord, UsageReporting } from "./reporting.ts";

/** One hour of one dimension, and why its record is where it is. */
export interface GridCell {
  readonly hour: Date;
  readonly dimension: string;
  readonly quantity: string;
  /** What is billed of it; null until it is fixed. */
  readonly units: number | null;
  readonly state: string;
  readonly verdict: string | null;
  readonly attempts: number;
  readonly expiresAt: Date | null;
  /** In one sentence, for an operator. */
  readonly why: string;
}

interface CellRow {
  readonly hour: Date;
  readonly dimension: string;
  readonly quantity: string;
  readonly units: string | null;
  readonly state: string;
  readonly verdict: string | null;
  readonly attempts: number;
  readonly definite: number;
  readonly due_at: Date | null;
  readonly expires_at: Date | null;
  readonly lease: string | null;
  readonly parked: string | null;
  readonly message: string | null;
  readonly record_id: string | null;
}

const MOST_CELLS = 5_000;

/** The hours of a tenant from `from` up to, not including, `to`. */
export async function usageGrid(
  store: Store,
  tenant: string,
  { from, to }: { readonly from: Date; readonly to: Date },
): Promise<readonly GridCell[]> {
  const rows = await store.asTenant(tenant, (tx) =>
    tx.query<CellRow>(
      `select hour, dimension, quantity, units, state, verdict, attempts, definite, due_at, expires_at, lease, parked, message,
              marketplace_record_id as record_id
       from usage_records where hour >= $1 and hour < $2 order by hour, dimension limit $3`,
      [from, to, MOST_CELLS],
    ),
  );
  return rows.map((row) => ({
    hour: row.hour,
    dimension: row.dimension,
    quantity: row.quantity,
    units: row.units === null ? null : Number(row.units),
    state: row.state,
    verdict: row.verdict,
    attempts: row.attempts,
    expiresAt: row.expires_at,
    why: row.verdict === null ? waitingFor(row) : endOf(row, row.verdict),
  }));
}

function waitingFor(row: CellRow): string {
  if (row.state === "open") return "The hour is not sealed yet.";
  if (row.units === null) return "Nobody pays for this hour yet.";
  if (row.parked !== null) return "The marketplace knows no such purchase: it is sent again when there is news of it.";
  if (row.lease !== null) return "It is being sent.";
  const due = `It is due ${row.due_at?.toISOString() ?? "later"}.`;
  if (row.attempts === 0) return due;
  const outcome = row.attempts > row.definite ? "Nobody knows whether an attempt was applied" : "It was not applied";
  return `${outcome}${row.message === null ? "" : ` (${row.message})`}. ${due}`;
}

const ends: Readonly<Record<string, string>> = {
  billed: "The marketplace bills it.",
  billed_before: "The marketplace holds it from an attempt whose answer was lost: compare it with the call log.",
  shadow: "It was not sent: reporting is a shadow here.",
  nothing_to_bill: "There is nothing to bill: what was used is included, or less than one unit, which is carried.",
  not_metered: "The purchase does not bill this dimension.",
  not_billed: "This marketplace bills no usage.",
  conflict: "The marketplace holds another quantity for this hour, which is not ours: it is not billed.",
  rejected: "The marketplace refuses this record.",
  not_subscribed: "The marketplace knew no such purchase until the deadline.",
  carried_over: "It was not taken in time, for certain: its units are on a later record.",
  too_late: "It was not taken in time, and the tenant has ended.",
  too_late_unknown:
    "It was not taken in time as far as we know: compare it with the call log before it is billed again.",
  no_payer: "Nobody paid for this hour until the deadline.",
};

function endOf({ message, record_id }: CellRow, verdict: string): string {
  const detail = [message, record_id].filter((text) => text !== null).join(", ");
  return `${ends[verdict] ?? verdict}${detail === "" ? "" : ` (${detail})`}`;
}

/** What waits of a tenant is due now, whatever it waits for; answers how many records. What it says stays as it is. */
export async function sendNow(store: Store, tenant: string, now: Date): Promise<number> {
  const [row] = await store.throughDoor<{ records: number }>({
    text: "select hurry_usage($1, $2) as records",
    values: [tenant, now],
  });
  return row?.records ?? 0;
}

interface DueRow extends Omit<ReportRecord, "key" | "billingReference" | "stampedAt" | "units"> {
  readonly tenant: string;
  readonly lot: string;
  readonly billing_reference: string;
  readonly stamped_at: Date;
  readonly units: string;
}

/** The calls that would be made now, up to `limit` records, as they would be made. Nothing is claimed, nothing is sent. */
export async function dryRun(
  store: Store,
  marketplace: string,
  { most }: UsageReporting,
  now: Date,
  limit = 1_000,
): Promise<readonly ReportBatch[]> {
  const rows = await store.throughDoor<DueRow>({
    text: "select * from due_usage($1, $2, $3)",
    values: [marketplace, now, limit],
  });
  const lots = [...new Set(rows.map(({ lot }) => lot))];
  return lots.flatMap((lot) => {
    const due = rows.filter((row) => row.lot === lot);
    return Array.from({ length: Math.ceil(due.length / most.records) }, (_, index) => ({
      lot,
      records: due.slice(index * most.records, (index + 1) * most.records).map(recordOf),
    }));
  });
}

function recordOf({
  tenant,
  hour,
  dimension,
  billing_reference,
  stamped_at,
  units,
  allocations,
}: DueRow): ReportRecord {
  return {
    ...{ hour, dimension, allocations },
    key: JSON.stringify([tenant, hour.toISOString(), dimension]),
    billingReference: billing_reference,
    stampedAt: stamped_at,
    units: Number(units),
  };
}

import type { Tx } from "../db/db.ts";
import type { OperatorStore } from "../isolation/isolation.ts";

/** All that is known of a tenant's usage of one dimension in one hour. */
export interface ExplainedRecord {
  readonly hour: Date;
  readonly dimension: string;
  /** What the product counted. */
  readonly quantity: string;
  readonly state: "open" | "sealed" | "sent" | "accepted" | "refused" | "expired";
  /** Absent until it is frozen: owed from before + quantity = included + units + owed on. */
  readonly units: string | null;
  readonly carried_in: string | null;
  readonly included: string | null;
  readonly carried_out: string | null;
  readonly billing_reference: string | null;
  readonly stamped_at: Date | null;
  /** The marketplace takes it no later. */
  readonly expires_at: Date | null;
  readonly due_at: Date | null;
  readonly attempts: number;
  /** Attempts that were answered with a definite "not applied". */
  readonly definite: number;
  readonly being_sent: boolean;
  readonly parked: string | null;
  readonly verdict: string | null;
  readonly message: string | null;
  readonly marketplace_record_id: string | null;
  /** Of the last attempt. */
  readonly outcome: string | null;
  readonly fault: string | null;
  readonly request_id: string | null;
}

export interface ExplainedSpan {
  readonly tenant: string;
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
}

/** The records of a tenant in a span of hours, in order. Throws `tenant_not_found` for what is no tenant's id. */
export function explainUsage(store: OperatorStore, span: ExplainedSpan): Promise<ExplainedRecord[]> {
  return store.asTenant(span.tenant, (tx) => explainedIn(tx, span));
}

/** The same, within a transaction of this tenant. */
export function explainedIn(tx: Tx, { tenant, from, to }: ExplainedSpan): Promise<ExplainedRecord[]> {
  return tx.query<ExplainedRecord>(
    `select ${EXPLAINED} where r.tenant_id = $1 and r.hour >= $2 and r.hour < $3 order by r.hour, r.dimension`,
    [tenant, from, to],
  );
}

const EXPLAINED = `
  r.hour, r.dimension, r.quantity, r.state, r.units, r.carried_in, r.included, r.carried_out,
  r.billing_reference, r.stamped_at, r.expires_at, r.due_at, r.attempts, r.definite,
  r.lease is not null as being_sent, r.parked, r.verdict, r.message, r.marketplace_record_id,
  a.outcome, a.fault, a.request_id
  from usage_records r
  left join usage_attempts a on a.tenant_id = r.tenant_id and a.hour = r.hour and a.dimension = r.dimension
    and a.n = r.attempts`;

/** One that waits, with what decides which call it would travel in. */
export interface WaitingRecord extends ExplainedRecord {
  readonly lot: string;
  readonly bytes: number;
}

const LONGEST_WAIT_MS = 40 * 86_400_000;

/** What `hurryUsage` would have sent of a tenant: it is to be sent, in time, and nobody is sending it. The most urgent first. */
export async function waitingIn(tx: Tx, tenant: string, now: Date): Promise<WaitingRecord[]> {
  const waiting = await tx.query<WaitingRecord>(
    `select r.lot, wire_size(r) as bytes, ${EXPLAINED}
     where r.tenant_id = $1 and r.hour >= $2 and r.state in ('sealed', 'sent') and r.verdict is null and r.lease is null
       and r.lot is not null and r.expires_at > $3
     order by r.expires_at, r.hour, r.dimension`,
    [tenant, new Date(now.getTime() - LONGEST_WAIT_MS), now],
  );
  return waiting.filter(isToBeSent);
}

/**
 * The calls in which these would leave if nobody else had anything to send: of one lot each, the most urgent first, no more
 * than fit. With records of other tenants a call fills up.
 */
export function callsOf(
  waiting: readonly WaitingRecord[],
  most: { readonly records: number; readonly bytes: number },
): WaitingRecord[][] {
  const calls: WaitingRecord[][] = [];
  const open = new Map<string, { readonly call: WaitingRecord[]; bytes: number }>();
  for (const record of waiting) {
    let filling = open.get(record.lot);
    if (!filling || filling.call.length >= most.records || filling.bytes + record.bytes > most.bytes) {
      filling = { call: [], bytes: 0 };
      calls.push(filling.call);
      open.set(record.lot, filling);
    }
    filling.call.push(record);
    filling.bytes += record.bytes;
  }
  return calls;
}

/** Whether it would be sent at the next occasion: it is frozen, and nothing has settled it. */
export const isToBeSent = ({ state, verdict, units }: ExplainedRecord): boolean =>
  (state === "sealed" || state === "sent") && verdict === null && units !== null;

/** Has a worker send what waits of a tenant as soon as it can. Nothing is sent from here. Tells how many records. */
export async function hurryUsage(store: OperatorStore, tenant: string): Promise<number> {
  const [row] = await store.throughDoor<{ count: number }>({
    text: "select hurry_usage($1) as count",
    values: [tenant],
    repeatable: true,
  });
  return row?.count ?? 0;
}

const settled: Readonly<Record<string, string>> = {
  billed: "billed",
  billed_before:
    "billed, as a later try was told; the answer to the first was lost: compare it with the marketplace's log",
  shadow: "would have been billed: reporting only plays",
  nothing_to_bill: "nothing to bill",
  not_metered: "its purchase does not bill this dimension",
  not_billed: "the marketplace bills no usage",
  conflict: "the marketplace holds another quantity for this hour, and none of our tries can have brought it there",
  rejected: "the marketplace refused it",
  not_subscribed: "the marketplace said until the end that there is no subscription",
  carried_over: "too late, and certainly never taken: its units went on to a later hour",
  too_late_unknown: "too late, and a try of unknown outcome may have been taken: compare it with the marketplace's log",
  too_late: "too late, and there is no later hour that could take its units",
  no_payer: "nobody was found who pays for this hour",
};

/** How a record ended, with what the marketplace said. */
export const howEnded = (verdict: string, message: string | null): string =>
  [settled[verdict] ?? verdict, message].filter(Boolean).join(": ");

/** Why a record is where it is, in a sentence for an operator. */
export function whyOf(record: ExplainedRecord): string {
  const { verdict, message, units } = record;
  if (verdict !== null) return howEnded(verdict, message);
  if (record.state === "open") return "its hour is not over yet, or ended less than ten minutes ago";
  const until = record.expires_at === null ? "" : `, until ${minute(record.expires_at)}`;
  if (units === null) return `waits for somebody who pays for its hour${until}`;
  if (record.being_sent) return `is being sent${triesOf(record)}`;
  if (record.parked !== null)
    return `waits for newer news of the purchase: there is no subscription, it was said${until}`;
  if (record.due_at === null) return `waits${triesOf(record)}${until}`;
  return `to be sent from ${minute(record.due_at)}${until}${triesOf(record)}`;
}

function triesOf({ attempts, definite, outcome, fault }: ExplainedRecord): string {
  if (attempts === 0) return "";
  const last = [outcome, fault].filter((part) => part !== null).join(", ");
  return `; tried ${attempts} times, ${attempts - definite} of them with unknown outcome${last === "" ? "" : ` (last: ${last})`}`;
}

const minute = (date: Date): string => `${date.toISOString().slice(0, 16)}Z`;

import type { Tx } from "../db/db.ts";
import type { Store } from "../isolation/isolation.ts";

/** What we must still tell a marketplace. `payload` is the business of whoever owes it; secrets in it are sealed. */
export interface OwedCall {
  readonly tenant: string;
  readonly resourceId: string;
  readonly sequence: number;
  readonly marketplace: string;
  readonly kind: string;
  readonly lane: string;
  readonly payload: Readonly<Record<string, unknown>>;
  /** This attempt, counted from 1. */
  readonly attempt: number;
  readonly createdAt: Date;
}

/** A call to be owed, written in the transaction of the change it tells of. */
export interface NewOwedCall {
  readonly marketplace: string;
  readonly kind: string;
  /** Order holds per tenant and lane: what need not wait for the rest goes in a lane of its own. */
  readonly lane?: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  /** The same thing owed twice is owed once. */
  readonly once?: string;
}

/** Kinds every marketplace with the ability understands; a marketplace adds its own. */
export const PUSH_CONFIG = "push-config";
export const FINISH_PROVISION = "finish-provision";
export const ABANDON_PROVISION = "abandon-provision";

/** What one attempt came to. `retry` names the fault for the operator and may say when. */
export type Delivery =
  | { readonly outcome: "delivered"; readonly status?: number }
  | { readonly outcome: "retry"; readonly fault: string; readonly status?: number; readonly afterSeconds?: number }
  | { readonly outcome: "given_up"; readonly fault: string; readonly status?: number };

/** No attempt may take longer: the lease ends then. */
export const DELIVERY_LEASE_MS = 30_000;
/** Tries over about two days, then the call is given up and shown as such. */
const MAX_ATTEMPTS = 40;

const FIRST_SECONDS = 1;
const LONGEST_SECONDS = 7_200;

/**
 * Seconds until the next try after `attempt` tries: doubling from one second to two hours, with half of it left to
 * chance so that many tenants do not come back together. Three tries fall within 15 s.
 */
export function retryDelay(attempt: number, chance: () => number = Math.random): number {
  const full = Math.min(LONGEST_SECONDS, FIRST_SECONDS * 2 ** Math.min(attempt, 20));
  return full / 2 + (full / 2) * chance();
}

interface CallJson {
  readonly tenant_id: string;
  readonly sequence: number;
  readonly marketplace: string;
  readonly kind: string;
  readonly lane: string;
  readonly payload: Record<string, unknown>;
  readonly attempts: number;
  readonly lease: string;
  readonly created_at: string;
}

export interface ClaimedCall {
  readonly call: OwedCall;
  readonly lease: string;
}

/** Due calls, the first of each tenant's lane, leased to the caller. */
export async function claimOwedCalls(store: Store, now: Date, limit: number): Promise<readonly ClaimedCall[]> {
  const rows = await store.throughDoor<{ claim_owed_calls: { call: CallJson; tenant: { resource_id: string } } }>({
    text: "select claim_owed_calls($1, $2, $3)",
    values: [now, new Date(now.getTime() + DELIVERY_LEASE_MS), limit],
  });
  return rows.map(({ claim_owed_calls: { call, tenant } }) => ({
    lease: call.lease,
    call: {
      tenant: call.tenant_id,
      resourceId: tenant.resource_id,
      sequence: call.sequence,
      marketplace: call.marketplace,
      kind: call.kind,
      lane: call.lane,
      payload: call.payload,
      attempt: call.attempts,
      createdAt: new Date(call.created_at),
    },
  }));
}

/**
 * Writes down what an attempt came to, and when the next one is due. Does nothing when the lease has gone to somebody
 * else meanwhile. A call given up is a lifecycle event; the calls behind it go on.
 */
export async function settleOwedCall(
  store: Store,
  claimed: ClaimedCall,
  startedAt: Date,
  result: Delivery,
  now: Date,
): Promise<void> {
  const { call, lease } = claimed;
  const spent = result.outcome === "retry" && call.attempt >= MAX_ATTEMPTS;
  const outcome = spent ? "given_up" : result.outcome;
  const state = outcome === "retry" ? "owed" : outcome;
  const fault = result.outcome === "delivered" ? null : result.fault.slice(0, 500);
  const wait = result.outcome === "retry" ? (result.afterSeconds ?? retryDelay(call.attempt)) : 0;

  await store.asTenant(call.tenant, async (tx) => {
    // The tenant is locked before its calls, as everywhere: the event below needs that lock.
    if (outcome === "given_up") await tx.query("select from tenants where id = $1 for no key update", [call.tenant]);
    const held = await tx.query(
      `update owed_calls set state = $3, lease = null, lease_until = null, last_fault = $4, due_at = $5,
              ended_at = case when $3 = 'owed' then null else $6::timestamptz end
       where sequence = $1 and lease = $2 and state = 'owed' returning sequence`,
      [call.sequence, lease, state, fault, new Date(now.getTime() + wait * 1000), now],
    );
    if (held.length === 0) return;
    await tx.query(
      `insert into deliveries (tenant_id, sequence, attempt, started_at, ended_at, outcome, status, fault)
       values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict do nothing`,
      [call.tenant, call.sequence, call.attempt, startedAt, now, outcome, result.status ?? null, fault],
    );
    if (outcome !== "given_up") return;
    await tx.query("select append_event($1, 'call.given_up', 'job:deliver', $2, $2, $3)", [
      call.tenant,
      now,
      JSON.stringify({ kind: call.kind, attempts: call.attempt, fault }),
    ]);
  });
}

/** Owes `calls` in this transaction; one owed before under the same `once` is left as it is. */
export async function oweCalls(tx: Tx, tenant: string, calls: readonly NewOwedCall[], now: Date): Promise<void> {
  const rows = calls.map((call) => ({ lane: "main", ...call }));
  await tx.query("select owe_calls($1, $2, $3)", [tenant, JSON.stringify(rows), now]);
}

/**
 * Nothing more is told about a tenant that ends; or, with a lane, in that one. A call on its way is not stopped; its answer
 * changes nothing.
 */
export async function cancelOwedCalls(tx: Tx, tenant: string, now: Date, lane?: string): Promise<void> {
  await tx.query(
    `update owed_calls set state = 'cancelled', ended_at = $2, lease = null, lease_until = null
     where tenant_id = $1 and state = 'owed' and ($3::text is null or lane = $3)`,
    [tenant, now, lane ?? null],
  );
}

/** Whether a call of this kind still waits to be delivered for this transaction's tenant. */
export async function isOwed(tx: Tx, kind: string): Promise<boolean> {
  const rows = await tx.query("select from owed_calls where kind = $1 and state = 'owed' limit 1", [kind]);
  return rows.length > 0;
}

import type { Tx } from "../../db/db.ts";
import type { Model } from "./names.ts";
import type { DatabaseLimits } from "./site.ts";

export type DatabaseState = "making" | "ready" | "moving" | "suspended" | "retained" | "removed";

/** What a tenant has on the tenants' server, as our own database knows it. */
export interface DatabaseRow {
  readonly tenant: string;
  /** Where its data live now. */
  readonly model: Model;
  /** Where its plan wants them. */
  readonly wanted: Model;
  readonly state: DatabaseState;
  readonly keptUntil: Date | null;
  readonly restoredAt: Date | null;
  readonly over: "soft" | "hard" | null;
  readonly asked: number;
  readonly attempts: number;
}

interface DatabaseJson {
  readonly tenant_id: string;
  readonly model: Model;
  readonly wanted: Model;
  readonly state: DatabaseState;
  readonly kept_until: string | null;
  readonly restored_at: string | null;
  readonly over: "soft" | "hard" | null;
  readonly asked: number;
  readonly attempts: number;
}

/** A row that is ours to settle until the lease ends. */
export interface Leased {
  readonly row: DatabaseRow;
  readonly lease: string;
}

/** Longer than a settlement may take at all. */
const LEASE_MS = 60_000;

function rowFromJson(json: DatabaseJson): DatabaseRow {
  const { model, wanted, state, over, asked, attempts } = json;
  return {
    tenant: json.tenant_id,
    model,
    wanted,
    state,
    over,
    asked,
    attempts,
    keptUntil: json.kept_until === null ? null : new Date(json.kept_until),
    restoredAt: json.restored_at === null ? null : new Date(json.restored_at),
  };
}

/** The row of this transaction's tenant; undefined when it never had a database. */
export async function findDatabase(tx: Tx): Promise<DatabaseRow | undefined> {
  const [found] = await tx.query<{ row: DatabaseJson }>(
    "select to_jsonb(d) as row from tenant_databases d where d.tenant_id = this_tenant()",
  );
  return found && rowFromJson(found.row);
}

/** Writes the first row of a tenant, unless it is there. */
export async function beginDatabase(tx: Tx, tenant: string, model: Model, now: Date): Promise<void> {
  await tx.query(
    `insert into tenant_databases (tenant_id, model, wanted, state, due_at, created_at, changed_at)
     values ($1, $2, $2, 'making', $3, $3, $3) on conflict (tenant_id) do nothing`,
    [tenant, model, now],
  );
}

/** Takes the row for one settlement; undefined while somebody else has it. Whatever is read after this may be newer. */
export async function leaseDatabase(tx: Tx, now: Date): Promise<Leased | undefined> {
  const [taken] = await tx.query<{ row: DatabaseJson; lease: string }>(
    `update tenant_databases d set lease = gen_random_uuid(), lease_until = $2
     where d.tenant_id = this_tenant() and (d.lease_until is null or d.lease_until <= $1)
     returning to_jsonb(d) as row, d.lease`,
    [now, new Date(now.getTime() + LEASE_MS)],
  );
  return taken && { row: rowFromJson(taken.row), lease: taken.lease };
}

/** What a settlement came to. */
export interface Settled {
  readonly model: Model;
  readonly wanted: Model;
  readonly state: DatabaseState;
  readonly keptUntil: Date | null;
  readonly restoredAt: Date | null;
  readonly limits: DatabaseLimits;
  /** When time alone asks for the next settlement. */
  readonly nextAt: Date | null;
}

/**
 * Writes down what the server holds now and gives the lease back; answers false when it had passed to somebody else. Then,
 * and where more was asked for meanwhile, it is settled again.
 */
export async function finishDatabase(tx: Tx, { row, lease }: Leased, settled: Settled, now: Date): Promise<boolean> {
  const done = await tx.query(
    `update tenant_databases set
       lease = null, lease_until = null, model = $3, wanted = $4, state = $5, kept_until = $6, restored_at = $7,
       limits = $8, settled = $2, attempts = 0, fault = null, changed_at = $10,
       due_at = case when asked = $2 then $9::timestamptz else '-infinity' end
     where tenant_id = this_tenant() and lease = $1 returning true`,
    [
      lease,
      row.asked,
      settled.model,
      settled.wanted,
      settled.state,
      settled.keptUntil,
      settled.restoredAt,
      JSON.stringify(settled.limits),
      settled.nextAt,
      now,
    ],
  );
  if (done.length > 0) return true;
  await tx.query("update tenant_databases set asked = asked + 1, due_at = '-infinity' where tenant_id = this_tenant()");
  return false;
}

/** Data that are kept are opened until then; false where none are kept. */
export async function reopenDatabase(tx: Tx, until: Date, now: Date): Promise<boolean> {
  const reopened = await tx.query(
    `update tenant_databases set restored_at = $2, kept_until = $1, asked = asked + 1, due_at = '-infinity'
     where tenant_id = this_tenant() and (state = 'retained' or restored_at is not null) and kept_until > $2
     returning true`,
    [until, now],
  );
  return reopened.length > 0;
}

const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 300_000;

/** It came to nothing: again after a pause that grows. */
export async function postponeDatabase(tx: Tx, { row, lease }: Leased, fault: string, now: Date): Promise<void> {
  const pause = Math.min(FIRST_PAUSE_MS * 2 ** Math.min(row.attempts, 20), LONGEST_PAUSE_MS);
  await tx.query(
    `update tenant_databases set lease = null, lease_until = null, attempts = attempts + 1, fault = $2, due_at = $3
     where tenant_id = this_tenant() and lease = $1`,
    [lease, fault, new Date(now.getTime() + pause)],
  );
}

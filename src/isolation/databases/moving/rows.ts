import { randomUUID } from "node:crypto";
import type { Tx } from "../../../db/db.ts";
import type { Model } from "../names.ts";

export type MoveState =
  | "planned"
  | "copying"
  | "fenced"
  | "verified"
  | "switched"
  | "kept"
  | "removing"
  | "done"
  | "undoing"
  | "cancelled"
  | "failed";

/** One move of a tenant's data, as our own database knows it. */
export interface Move {
  readonly id: string;
  readonly tenant: string;
  readonly from: Model;
  readonly to: Model;
  readonly state: MoveState;
  readonly planModel: Model;
  readonly outcome: "cancelled" | "failed" | null;
  readonly reason: string | null;
  readonly login: string | null;
  readonly tables: number;
  readonly tablesDone: number;
  readonly rows: number;
  readonly rowsAbout: number;
  readonly bytes: number;
  readonly attempts: number;
  readonly fault: string | null;
  readonly fencedAt: Date | null;
  readonly keptUntil: Date | null;
}

export interface MoveJson {
  readonly id: string;
  readonly tenant_id: string;
  readonly from_model: Model;
  readonly to_model: Model;
  readonly state: MoveState;
  readonly plan_model: Model;
  readonly outcome: "cancelled" | "failed" | null;
  readonly reason: string | null;
  readonly login: string | null;
  readonly tables: number;
  readonly tables_done: number;
  readonly rows_done: number;
  readonly rows_about: number;
  readonly bytes_done: number;
  readonly attempts: number;
  readonly fault: string | null;
  readonly fenced_at: string | null;
  readonly kept_until: string | null;
}

export function moveFromJson(json: MoveJson): Move {
  const { id, state, outcome, reason, login, tables, attempts, fault } = json;
  return {
    id,
    state,
    outcome,
    reason,
    login,
    tables,
    attempts,
    fault,
    tenant: json.tenant_id,
    from: json.from_model,
    to: json.to_model,
    planModel: json.plan_model,
    tablesDone: json.tables_done,
    rows: json.rows_done,
    rowsAbout: json.rows_about,
    bytes: json.bytes_done,
    fencedAt: json.fenced_at === null ? null : new Date(json.fenced_at),
    keptUntil: json.kept_until === null ? null : new Date(json.kept_until),
  };
}

/** Before the switch: it can still be given up. */
const OPEN = "('planned', 'copying', 'fenced', 'verified')";
const ACTIVE = "('planned', 'copying', 'fenced', 'verified', 'switched', 'undoing')";

async function one(rows: Promise<{ row: MoveJson }[]>): Promise<Move | undefined> {
  const [found] = await rows;
  return found && moveFromJson(found.row);
}

/** The move of this transaction's tenant that is under way. */
export function activeMove(tx: Tx): Promise<Move | undefined> {
  return one(
    tx.query(
      `select to_jsonb(m) as row from database_moves m where m.tenant_id = this_tenant() and m.state in ${ACTIVE}`,
    ),
  );
}

export function findMove(tx: Tx, id: string): Promise<Move | undefined> {
  return one(
    tx.query("select to_jsonb(m) as row from database_moves m where tenant_id = this_tenant() and id = $1", [id]),
  );
}

/** The logins that work on this transaction's tenant as the tenant, and are no customer's. */
export async function workingLogins(tx: Tx, now: Date): Promise<readonly string[]> {
  const rows = await tx.query<{ login: string }>(
    `select login from database_moves where tenant_id = this_tenant() and login is not null
     union all select login from working_logins where tenant_id = this_tenant() and until > $1`,
    [now],
  );
  return rows.map(({ login }) => login);
}

/** Lets the login work until then, and no longer. */
export async function lendLogin(tx: Tx, tenant: string, login: string, until: Date): Promise<void> {
  await tx.query("insert into working_logins (tenant_id, login, until) values ($1, $2, $3)", [tenant, login, until]);
}

export async function endLogin(tx: Tx, login: string): Promise<void> {
  await tx.query("delete from working_logins where tenant_id = this_tenant() and login = $1", [login]);
}

export interface PlannedMove {
  readonly tenant: string;
  readonly from: Model;
  readonly to: Model;
  readonly planModel: Model;
  readonly by: string;
}

/** Writes a move that begins at once, and answers its id. There is one at a time: a second rejects with 23505. */
export async function planMove(tx: Tx, { tenant, from, to, planModel, by }: PlannedMove, now: Date): Promise<string> {
  const id = randomUUID();
  await tx.query(
    `insert into database_moves (tenant_id, id, from_model, to_model, plan_model, by, state, due_at, created_at, changed_at)
     values ($1, $2, $3, $4, $5, $6, 'planned', $7, $7, $7)`,
    [tenant, id, from, to, planModel, by, now],
  );
  await tx.query("update tenant_databases set state = 'moving' where tenant_id = this_tenant() and state = 'ready'");
  return id;
}

/** Gives up the move of this transaction's tenant, unless it has switched. Whoever works on it hears of it soon. */
export async function giveUpMove(
  tx: Tx,
  { outcome, reason }: { readonly outcome: "cancelled" | "failed"; readonly reason: string },
  now: Date,
): Promise<void> {
  await tx.query(
    `update database_moves set state = 'undoing', outcome = $1, reason = $2, due_at = $3, changed_at = $3, attempts = 0
     where tenant_id = this_tenant() and state in ${OPEN}`,
    [outcome, reason, now],
  );
}

/** Ours to work on while the lease lasts. */
export interface HeldMove {
  readonly move: Move;
  readonly lease: string;
}

export const LEASE_MS = 60_000;

/** Takes a due move, or undefined while somebody else has it. */
export async function holdMove(tx: Tx, id: string, now: Date): Promise<HeldMove | undefined> {
  const [taken] = await tx.query<{ row: MoveJson; lease: string }>(
    `update database_moves m set lease = gen_random_uuid(), lease_until = $3
     where tenant_id = this_tenant() and id = $1 and due_at <= $2 and (lease_until is null or lease_until <= $2)
     returning to_jsonb(m) as row, m.lease`,
    [id, now, new Date(now.getTime() + LEASE_MS)],
  );
  return taken && { move: moveFromJson(taken.row), lease: taken.lease };
}

export interface Change {
  readonly state?: MoveState;
  readonly login?: string | null;
  readonly dueAt?: Date | null;
  readonly keptUntil?: Date;
  readonly counts?: Pick<Move, "tables" | "tablesDone" | "rows" | "rowsAbout" | "bytes">;
}

const END = ["done", "cancelled", "failed"];

/**
 * Writes down how far it has come, and keeps the lease. Undefined when it is no longer ours, or no longer in the state in
 * which it was read: somebody gave it up.
 */
export function changeMove(tx: Tx, { move, lease }: HeldMove, change: Change, now: Date): Promise<Move | undefined> {
  const { state = move.state, login, dueAt, keptUntil, counts } = change;
  const ended = END.includes(state);
  return one(
    tx.query(
      `update database_moves m set state = $4, changed_at = $5, lease_until = $6,
         login = case when $7 then $8 else login end,
         due_at = case when $9 then $10::timestamptz else due_at end,
         kept_until = coalesce($11, kept_until),
         attempts = case when $3 = $4 then attempts else 0 end, fault = case when $3 = $4 then fault end,
         fenced_at = case when $4 = 'fenced' and $3 <> 'fenced' then $5 else fenced_at end,
         switched_at = case when $4 = 'switched' and $3 <> 'switched' then $5 else switched_at end,
         ended_at = case when $12 then $5 else ended_at end,
         tables = coalesce($13, tables), tables_done = coalesce($14, tables_done), rows_done = coalesce($15, rows_done),
         rows_about = coalesce($16, rows_about), bytes_done = coalesce($17, bytes_done)
       where tenant_id = this_tenant() and id = $1 and lease = $2 and state = $3 returning to_jsonb(m) as row`,
      [
        move.id,
        lease,
        move.state,
        state,
        now,
        new Date(now.getTime() + LEASE_MS),
        login !== undefined,
        login ?? null,
        ended || dueAt !== undefined,
        ended ? null : (dueAt ?? null),
        keptUntil ?? null,
        ended,
        ...countsOf(counts),
      ],
    ),
  );
}

/** Keeps the lease; answers the state, or undefined when it is no longer ours. */
export async function renewMove(
  tx: Tx,
  { move, lease }: HeldMove,
  counts: Change["counts"],
  now: Date,
): Promise<MoveState | undefined> {
  const [row] = await tx.query<{ state: MoveState }>(
    `update database_moves set lease_until = $3, tables = coalesce($4, tables), tables_done = coalesce($5, tables_done),
       rows_done = coalesce($6, rows_done), rows_about = coalesce($7, rows_about), bytes_done = coalesce($8, bytes_done)
     where tenant_id = this_tenant() and id = $1 and lease = $2 returning state`,
    [move.id, lease, new Date(now.getTime() + LEASE_MS), ...countsOf(counts)],
  );
  return row?.state;
}

const countsOf = (counts: Change["counts"]): readonly unknown[] => [
  counts?.tables ?? null,
  counts?.tablesDone ?? null,
  counts?.rows ?? null,
  counts === undefined ? null : Math.round(counts.rowsAbout),
  counts?.bytes ?? null,
];

/** The move as it is now, if it is held by this lease. */
export function findHeld(tx: Tx, id: string, lease: string): Promise<Move | undefined> {
  return one(
    tx.query(
      "select to_jsonb(m) as row from database_moves m where tenant_id = this_tenant() and id = $1 and lease = $2",
      [id, lease],
    ),
  );
}

/** From behind the fence back to copying: the tenant is let in meanwhile. */
export async function openAgain(tx: Tx, id: string): Promise<void> {
  await tx.query(
    "update database_moves set state = 'copying', attempts = 0 where tenant_id = this_tenant() and id = $1 and state = 'fenced'",
    [id],
  );
  await tx.query("update tenant_databases set asked = asked + 1, due_at = '-infinity' where tenant_id = this_tenant()");
}

/** Gives the lease back; with a fault, it is due again after a pause that grows. */
export async function releaseMove(tx: Tx, { move, lease }: HeldMove, fault: string | null, now: Date): Promise<void> {
  const pause = Math.min(1_000 * 2 ** Math.min(move.attempts, 20), 300_000);
  await tx.query(
    `update database_moves set lease = null, lease_until = null,
       attempts = case when $3::text is null then attempts else attempts + 1 end, fault = coalesce($3, fault),
       due_at = case when $3::text is null or due_at is null then due_at else $4::timestamptz end
     where tenant_id = this_tenant() and id = $1 and lease = $2`,
    [move.id, lease, fault, new Date(now.getTime() + pause)],
  );
}

/**
 * Takes the places of the model over that are still kept from earlier moves, as they are about to be made anew. False
 * while somebody is removing one.
 */
export async function takeKept(tx: Tx, model: Model, now: Date): Promise<boolean> {
  const kept = `tenant_id = this_tenant() and from_model = $1 and state in ('kept', 'removing')`;
  const [busy] = await tx.query(`select from database_moves where ${kept} and lease_until > $2`, [model, now]);
  if (busy !== undefined) return false;
  await tx.query(
    `update database_moves set state = 'done', due_at = null, login = null, lease = null, lease_until = null, ended_at = $2, changed_at = $2
     where ${kept}`,
    [model, now],
  );
  return true;
}

/** Nothing is kept any longer: everything of the tenant is gone. */
export async function endKept(tx: Tx, now: Date): Promise<void> {
  await tx.query(
    `update database_moves set state = case when state in ('kept', 'removing', 'switched') then 'done' else 'cancelled' end,
       due_at = null, login = null, lease = null, lease_until = null, ended_at = $1, changed_at = $1
     where tenant_id = this_tenant() and ended_at is null`,
    [now],
  );
}

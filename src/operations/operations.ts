import { randomUUID } from "node:crypto";
import type { Tx } from "../db/db.ts";
import type { By, EventType } from "../events/events.ts";
import type { Store } from "../isolation/isolation.ts";

export type OperationKind = "provision" | "change_plan" | "suspend" | "resume" | "rotate" | "deprovision";
export type OperationState = "running" | "done" | "refused" | "failed" | "cancelled";

/** One intended change of a tenant and how far it is. */
export interface Operation {
  readonly id: string;
  readonly tenant: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly target: Readonly<Record<string, unknown>>;
  readonly by: By;
  readonly at: Date;
  readonly toldLater: boolean;
  readonly attempts: number;
  readonly dueAt: Date;
  /** Set while this process may run it. */
  readonly lease: string | null;
  readonly deadlineAt: Date | null;
  /** For the customer, when refused. */
  readonly message: string | null;
  /** For the operator: why the last attempt came to nothing. */
  readonly lastFault: string | null;
  readonly createdAt: Date;
}

export interface OperationJson {
  readonly id: string;
  readonly tenant_id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly target: Record<string, unknown>;
  readonly by: By;
  readonly at: string;
  readonly told_later: boolean;
  readonly attempts: number;
  readonly due_at: string;
  readonly lease: string | null;
  readonly deadline_at: string | null;
  readonly message: string | null;
  readonly last_fault: string | null;
  readonly created_at: string;
}

/** How long whoever runs an operation may take before another may take it over: longer than a product call, at most 30 s. */
export const OPERATION_LEASE_MS = 20_000;

export function operationFromJson(row: OperationJson): Operation {
  return {
    id: row.id,
    tenant: row.tenant_id,
    kind: row.kind,
    state: row.state,
    target: row.target,
    by: row.by,
    at: new Date(row.at),
    toldLater: row.told_later,
    attempts: row.attempts,
    dueAt: new Date(row.due_at),
    lease: row.lease,
    deadlineAt: row.deadline_at === null ? null : new Date(row.deadline_at),
    message: row.message,
    lastFault: row.last_fault,
    createdAt: new Date(row.created_at),
  };
}

export interface NewOperation {
  readonly tenant: string;
  readonly kind: OperationKind;
  readonly target: Readonly<Record<string, unknown>>;
  readonly by: By;
  readonly at: Date;
  readonly deadlineAt?: Date;
  /** The HTTP request that asked for it. */
  readonly request?: string | undefined;
  /** False leaves it to a worker. */
  readonly leased?: boolean;
}

const select = "select to_jsonb(o) as operation from operations o";

/** Writes a running operation, leased to the caller unless told otherwise. At most one runs per tenant: the schema holds that. */
export async function startOperation(tx: Tx, operation: NewOperation, now: Date): Promise<Operation> {
  const [row] = await tx.query<{ operation: OperationJson }>(
    `insert into operations as o (id, tenant_id, kind, state, target, by, at, attempts, due_at, lease, lease_until,
                                  deadline_at, created_at, request)
     values ($1, $2, $3, 'running', $4, $5, $6, case when $8::uuid is null then 0 else 1 end, $7, $8, $9, $10, $7, $11) returning to_jsonb(o) as operation`,
    [
      randomUUID(),
      operation.tenant,
      operation.kind,
      JSON.stringify(operation.target),
      operation.by,
      operation.at,
      now,
      operation.leased === false ? null : randomUUID(),
      operation.leased === false ? null : new Date(now.getTime() + OPERATION_LEASE_MS),
      operation.deadlineAt ?? null,
      operation.request ?? null,
    ],
  );
  if (row === undefined) throw new Error("An insert with RETURNING gave no row.");
  return operationFromJson(row.operation);
}

export async function runningOperation(tx: Tx): Promise<Operation | undefined> {
  const [row] = await tx.query<{ operation: OperationJson }>(
    `${select} where o.tenant_id = this_tenant() and o.state = 'running'`,
  );
  return row && operationFromJson(row.operation);
}

export async function findOperation(tx: Tx, id: string): Promise<Operation | undefined> {
  const [row] = await tx.query<{ operation: OperationJson }>(`${select} where o.id = $1`, [id]);
  return row && operationFromJson(row.operation);
}

/**
 * Ends the running operation, if any, without an outcome. Its lease stays with whoever is still inside the product;
 * answers whether there is one.
 */
export async function cancelRunning(tx: Tx, now: Date): Promise<boolean> {
  await tx.query("update operations set state = 'cancelled', ended_at = $1 where state = 'running'", [now]);
  const held = await tx.query("select from operations where lease is not null and lease_until > $1", [now]);
  return held.length > 0;
}

/** Remembers that somebody was told "not yet", unless it is over by now; answers the state it is in. */
export async function tellLater(tx: Tx, id: string): Promise<Operation | undefined> {
  await tx.query("update operations set told_later = true where id = $1 and state = 'running'", [id]);
  return findOperation(tx, id);
}

/**
 * What one attempt came to. `owedIfTold` is owed only when the marketplace was told "not yet", or while it is still owed
 * the config from before.
 */
export interface Finish {
  readonly state: OperationState;
  readonly to?: string;
  readonly reason?: string | null;
  readonly plan?: string;
  readonly message?: string;
  readonly fault?: string;
  readonly dueAt?: Date;
  /** If it still runs after this, whoever runs it, somebody is told "not yet". */
  readonly toldLater?: boolean;
  readonly productConfigSealed?: string;
  /** Secrets of the tenant go: sealed values, grants, display text of the marketplace. */
  readonly erase?: boolean;
  readonly events?: readonly { type: EventType; data?: Readonly<Record<string, unknown>> }[];
  readonly owed?: readonly OwedJson[];
  readonly owedIfTold?: readonly OwedJson[];
}

/** An owed call as the database functions take it. */
export interface OwedJson {
  readonly marketplace: string;
  readonly kind: string;
  readonly lane: string;
  readonly payload?: Readonly<Record<string, unknown>>;
  readonly once?: string;
}

export interface Finished<T> {
  /** False when the lease was lost or the operation had been cancelled: nothing but the lease changed. */
  readonly applied: boolean;
  readonly operation: Operation;
  readonly tenant: T;
}

/** Ends one attempt, in one round trip: the operation, the tenant, the lifecycle events and the owed calls together. */
export async function finishOperation<T>(
  store: Store,
  operation: Operation,
  finish: Finish,
  now: Date,
): Promise<Finished<T>> {
  const [row] = await store.throughDoor<{
    finish_operation: { applied: boolean; operation: OperationJson; tenant: T };
  }>({
    name: "finish_operation",
    text: "select finish_operation($1, $2, $3, $4, $5)",
    values: [
      operation.tenant,
      operation.id,
      operation.lease,
      JSON.stringify({
        state: finish.state,
        to: finish.to,
        reason: finish.reason,
        plan: finish.plan,
        message: finish.message,
        fault: finish.fault,
        due_at: finish.dueAt,
        told_later: finish.toldLater,
        product_config_sealed: finish.productConfigSealed,
        erase: finish.erase ?? false,
        events: finish.events,
        owed: finish.owed,
        owed_if_told: finish.owedIfTold,
      }),
      now,
    ],
    // The second time the lease is given back already: it answers what the first one did.
    repeatable: true,
  });
  if (row === undefined) throw new Error("finish_operation gave no row.");
  const { applied, operation: ended, tenant } = row.finish_operation;
  return { applied, operation: operationFromJson(ended), tenant };
}

/** Up to `limit` due operations, leased to the caller, each with its tenant's row. */
export async function claimOperations<T>(
  store: Store,
  now: Date,
  limit: number,
): Promise<readonly { operation: Operation; tenant: T }[]> {
  const rows = await store.throughDoor<{ claim_operations: { operation: OperationJson; tenant: T } }>({
    text: "select claim_operations($1, $2, $3)",
    values: [now, new Date(now.getTime() + OPERATION_LEASE_MS), limit],
  });
  return rows.map(({ claim_operations: { operation, tenant } }) => ({
    operation: operationFromJson(operation),
    tenant,
  }));
}

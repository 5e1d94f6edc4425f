import type { Tx } from "../db/db.ts";

/** Who made something happen. */
export type By = `marketplace:${string}` | "product" | `operator:${string}` | `customer:${string}` | `job:${string}`;

/** The lifecycle events of a tenant; a new one is added here first. */
export type EventType =
  | "provision.requested"
  | "provision.done"
  | "provision.refused"
  | "plan.change_requested"
  | "plan.changed"
  | "plan.change_refused"
  | "suspend.requested"
  | "suspended"
  | "resume.requested"
  | "resumed"
  | "deprovision.requested"
  | "deprovisioned"
  | "credential.issued"
  | "credential.revealed"
  | "credential.rotated"
  | "credential.revoked"
  | "grant.exchanged"
  | "grant.lost"
  | "call.given_up"
  | "usage.soft_limit"
  | "usage.hard_limit"
  | "usage.at_risk"
  | "usage.conflict"
  | "usage.lost"
  | "limits.changed"
  | "database.retained"
  | "database.restored"
  | "database.removed"
  | "database.soft_mark"
  | "database.hard_mark"
  | "database.below_marks"
  | "signed_in"
  | "renamed";

export interface NewEvent {
  readonly type: EventType;
  readonly by: By;
  /** When it happened over there. */
  readonly at: Date;
  readonly data?: Readonly<Record<string, unknown>>;
}

export interface LifecycleEvent extends NewEvent {
  readonly sequence: number;
  readonly id: string;
  readonly recordedAt: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

/** Appends `event` in this transaction: it exists exactly when the change it tells of does. Never holds a secret. */
export async function appendEvent(tx: Tx, tenant: string, event: NewEvent, now: Date): Promise<void> {
  await tx.query("select append_event($1, $2, $3, $4, $5, $6)", [
    tenant,
    event.type,
    event.by,
    event.at,
    now,
    JSON.stringify(event.data ?? {}),
  ]);
}

interface EventRow {
  readonly sequence: string;
  readonly id: string;
  readonly type: EventType;
  readonly by: By;
  readonly at: Date;
  readonly recorded_at: Date;
  readonly data: Record<string, unknown>;
}

/** The newest events of this transaction's tenant, newest first; `before` is the last sequence of the page before. */
export async function recentEvents(tx: Tx, limit: number, before?: number): Promise<readonly LifecycleEvent[]> {
  const rows = await tx.query<EventRow>(
    `select sequence, id, type, by, at, recorded_at, data from lifecycle_events
     where $2::bigint is null or sequence < $2 order by sequence desc limit $1`,
    [limit, before ?? null],
  );
  return rows.map(({ recorded_at, sequence, ...row }) => ({
    ...row,
    sequence: Number(sequence),
    recordedAt: recorded_at,
  }));
}

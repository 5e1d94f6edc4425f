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
  | "usage.alert"
  | "usage.alerts_changed"
  | "usage.at_risk"
  | "usage.conflict"
  | "usage.lost"
  | "limits.changed"
  | "database.retained"
  | "database.restored"
  | "database.removed"
  | "database.moved"
  | "database.move_failed"
  | "database.soft_mark"
  | "database.hard_mark"
  | "database.below_marks"
  | "aws.connected"
  | "aws.disconnected"
  | "aws.connection_broken"
  | "aws.connection_mended"
  | "data.exported"
  | "signed_in"
  | "renamed"
  | "event.given_up"
  | "endpoint.disabled"
  | "operator.acted"
  | "operator.viewed";

/** What the vendor's other systems have put into a tenant's history: their own type behind `external.`. */
export type ExternalType = `external.${string}`;

export function isExternal(type: EventType | ExternalType): type is ExternalType {
  return type.startsWith("external.");
}

/** The vendor's matter, of which a customer sees nothing. */
const FOR_THE_VENDOR: readonly EventType[] = ["event.given_up", "endpoint.disabled", "operator.acted"];

export interface NewEvent {
  readonly type: EventType | ExternalType;
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
  readonly type: EventType | ExternalType;
  readonly by: By;
  readonly at: Date;
  readonly recorded_at: Date;
  readonly data: Record<string, unknown>;
}

interface Page {
  /** The last sequence of the page before. */
  readonly before?: number | undefined;
  /** Without what is the vendor's matter; of what other systems have told, only what they marked public. */
  readonly forCustomer?: boolean;
  /** How their types begin; any when empty. */
  readonly begins?: readonly string[];
}

/** The newest events of this transaction's tenant, newest first. */
export async function recentEvents(
  tx: Tx,
  limit: number,
  { before, forCustomer = false, begins = [] }: Page = {},
): Promise<readonly LifecycleEvent[]> {
  const rows = await tx.query<EventRow>(
    `select sequence, id, type, by, at, recorded_at, data from lifecycle_events
     where ($2::bigint is null or sequence < $2)
       and (not $3 or (type <> all($4) and (not starts_with(type, 'external.') or data->'public' = 'true')))
       and ($5 = '{}'::text[] or exists (select from unnest($5::text[]) b where starts_with(type, b)))
     order by sequence desc limit $1`,
    [limit, before ?? null, forCustomer, FOR_THE_VENDOR, begins],
  );
  return rows.map(({ recorded_at, sequence, ...row }) => ({
    ...row,
    sequence: Number(sequence),
    recordedAt: recorded_at,
  }));
}

/** When each e-mail address signed in last, as far as the newest two thousand events tell. */
export async function lastSignIns(tx: Tx): Promise<ReadonlyMap<string, Date>> {
  const rows = await tx.query<{ email: string; at: Date }>(
    `select data->>'email' as email, max(at) as at
     from (select type, at, data from lifecycle_events order by sequence desc limit 2000) newest
     where type = 'signed_in' and data->>'email' is not null group by 1`,
  );
  return new Map(rows.map(({ email, at }) => [email, at]));
}

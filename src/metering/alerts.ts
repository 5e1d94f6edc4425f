import { randomUUID } from "node:crypto";
import type { Tx } from "../db/db.ts";

/** Of the limit for the calendar month, or of what contracts include in their period. */
export const shares = ["limit", "included"] as const;
export type Share = (typeof shares)[number];

/** A share of something, at which a customer wants to be told: once in each period. */
export interface UsageAlert {
  readonly id: string;
  readonly dimension: string;
  readonly of: Share;
  readonly percent: number;
  /** One of both. */
  readonly email: string | null;
  readonly url: string | null;
  readonly raisedAt: Date | null;
}

export interface SealedAlert extends UsageAlert {
  /** Signs what the webhook gets; null beside an e-mail address. */
  readonly secretSealed: string | null;
}

export type NewAlert = Omit<SealedAlert, "raisedAt">;

export const newAlertId = (): string => randomUUID();

const COLUMNS = `id, dimension, share_of as "of", percent, email, url, raised_at as "raisedAt"`;

/** Those of this transaction's tenant, in the order in which they were made. */
export function alertsOf(tx: Tx): Promise<readonly UsageAlert[]> {
  return tx.query<UsageAlert>(`select ${COLUMNS} from usage_alerts order by created_at, id`);
}

/** With what signs; undefined when it is not (or no longer) there. */
export async function findAlert(tx: Tx, id: string): Promise<SealedAlert | undefined> {
  const [found] = await tx.query<SealedAlert>(
    `select ${COLUMNS}, secret_sealed as "secretSealed" from usage_alerts where id = $1`,
    [id],
  );
  return found;
}

export async function addAlert(tx: Tx, tenant: string, alert: NewAlert, by: string, now: Date): Promise<void> {
  await tx.query(
    `insert into usage_alerts (tenant_id, id, dimension, share_of, percent, email, url, secret_sealed, created_by, created_at)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
    [
      ...[tenant, alert.id, alert.dimension, alert.of, alert.percent],
      ...[alert.email, alert.url, alert.secretSealed, by, now],
    ],
  );
}

/** Answers the alert that is gone; undefined the second time. */
export async function removeAlert(tx: Tx, id: string): Promise<UsageAlert | undefined> {
  const [removed] = await tx.query<UsageAlert>(`delete from usage_alerts where id = $1 returning ${COLUMNS}`, [id]);
  return removed;
}

/** Nobody is to be told of a tenant that ends. */
export async function removeAlerts(tx: Tx): Promise<void> {
  await tx.query("delete from usage_alerts");
}

import { randomBytes } from "node:crypto";
import type { Tx } from "../../../db/db.ts";

/** A role of the customer's that the vendor's product may use, or the offer of one. */
export interface AwsConnection {
  /** What the role's trust policy asks for. Ours, random, given out once. */
  readonly externalId: string;
  readonly state: "offered" | "connected" | "broken";
  readonly roleArn: string | null;
  readonly account: string | null;
  /** Why it is broken. */
  readonly fault: string | null;
  readonly checkedAt: Date | null;
}

/** What a check of a role came to. */
export type RoleVerdict =
  | { readonly kind: "good"; readonly account: string }
  | { readonly kind: "refused"; readonly reason: string };

interface Row {
  readonly external_id: string;
  readonly state: AwsConnection["state"];
  readonly role_arn: string | null;
  readonly account: string | null;
  readonly fault: string | null;
  readonly checked_at: Date | null;
}

const DAY_MS = 86_400_000;
/** The customer is mending it. */
const HOUR_MS = 3_600_000;
const EXTERNAL_ID_BYTES = 32;

/** The open connection of this transaction's tenant. */
export async function readConnection(tx: Tx): Promise<AwsConnection | undefined> {
  const [row] = await tx.query<Row>(
    "select external_id, state, role_arn, account, fault, checked_at from aws_connections where state <> 'ended'",
  );
  if (row === undefined) return undefined;
  const { external_id: externalId, role_arn: roleArn, checked_at: checkedAt, ...rest } = row;
  return { externalId, roleArn, checkedAt, ...rest };
}

/** The open connection, or a new offer with an external id that nobody ever had. */
export async function offerConnection(tx: Tx, tenant: string, now: Date): Promise<AwsConnection> {
  await tx.query(
    `insert into aws_connections (external_id, tenant_id, state, created_at) values ($1, $2, 'offered', $3)
     on conflict (tenant_id) where state <> 'ended' do nothing`,
    [randomBytes(EXTERNAL_ID_BYTES).toString("hex"), tenant, now],
  );
  const connection = await readConnection(tx);
  if (connection === undefined) throw new Error("The offer is not there.");
  return connection;
}

/** The account that a role of this tenant was first found in: the only one whose roles it may name. */
export async function verifiedAccount(tx: Tx): Promise<string | undefined> {
  const [row] = await tx.query<{ account: string }>(
    "select account from aws_connections where verified_at is not null order by verified_at limit 1",
  );
  return row?.account;
}

/** Notes a role that was assumed just now. False when the connection was ended meanwhile. */
export async function keepRole(
  tx: Tx,
  externalId: string,
  { roleArn, account }: { readonly roleArn: string; readonly account: string },
  now: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `update aws_connections set state = 'connected', role_arn = $2, account = $3, fault = null,
       verified_at = coalesce(verified_at, $4), checked_at = $4, due_at = $5
     where external_id = $1 and state <> 'ended' returning 1`,
    [externalId, roleArn, account, now, new Date(now.getTime() + DAY_MS)],
  );
  return rows.length > 0;
}

/** Notes that the role no longer passes. False when it is another role by now, or none. */
export async function breakRole(
  tx: Tx,
  { externalId, roleArn }: Pick<AwsConnection, "externalId" | "roleArn">,
  reason: string,
  now: Date,
): Promise<boolean> {
  const rows = await tx.query(
    `update aws_connections set state = 'broken', fault = $3, checked_at = $4, due_at = $5
     where external_id = $1 and role_arn = $2 and state <> 'ended' returning 1`,
    [externalId, roleArn, reason, now, new Date(now.getTime() + HOUR_MS)],
  );
  return rows.length > 0;
}

/** Ends the open connection: its external id is worth nothing any more. False when there is none. */
export async function endConnection(tx: Tx, now: Date): Promise<boolean> {
  const rows = await tx.query(
    "update aws_connections set state = 'ended', ended_at = $1, due_at = null where state <> 'ended' returning 1",
    [now],
  );
  return rows.length > 0;
}

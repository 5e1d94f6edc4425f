import type { Tx } from "../db/db.ts";
import type { By } from "./events.ts";

/** What the audit tells; a new action is added here first. The three changes of a credential are told by a trigger. */
export type AuditAction =
  | "credential.issued"
  | "credential.rotated"
  | "credential.revoked"
  | "credential.revealed"
  | "rotation.started"
  | "rotation.paused"
  | "rotation.resumed"
  | "rotation.cancelled"
  | "rotation.ended"
  | "keys.resealed"
  | "aws.assumed"
  | "aws.assume_failed"
  | "aws.connected"
  | "aws.disconnected"
  | "aws.role_set"
  | "aws.role_removed"
  | "operator.crossed"
  | "operator.acted"
  | "operator.viewed"
  | "person.added"
  | "person.removed"
  | "person.role_changed"
  | "person.signed_in";

export interface NewAuditEntry {
  readonly action: AuditAction;
  readonly by: By;
  /** When it happened over there. */
  readonly at: Date;
  /** Names the thing, never holds its secret: a key's id and last four characters at most. */
  readonly data?: Readonly<Record<string, unknown>>;
}

/**
 * Appends `entry` to the chain of this transaction's tenant, or to the one called `operator`: it exists exactly when the change it
 * tells of does. The head of the chain stays locked until the end: append last. Another tenant's chain is refused.
 */
export async function appendAudit(tx: Tx, chain: string, entry: NewAuditEntry, now: Date): Promise<void> {
  await tx.query("select append_audit($1, $2, $3, $4, $5, $6)", [
    chain,
    entry.action,
    entry.by,
    entry.at,
    now,
    JSON.stringify(entry.data ?? {}),
  ]);
}

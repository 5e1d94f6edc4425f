import { createHash, createHmac, type KeyObject } from "node:crypto";

/** An entry as it is hashed: moments in UTC with six places, `data` as PostgreSQL writes a jsonb, hashes in hex. */
export interface AuditEntry {
  readonly chain: string;
  readonly sequence: number;
  readonly at: string;
  readonly recordedAt: string;
  readonly by: string;
  readonly action: string;
  readonly data: string;
  readonly previous: string;
  readonly hash: string;
}

/** Where a chain stood when an anchor was made. */
export interface AuditHead {
  readonly chain: string;
  readonly sequence: number;
  readonly hash: string;
}

export interface AuditAnchor {
  readonly sequence: number;
  readonly at: string;
  /** How many heads it holds. */
  readonly heads: number;
  readonly digest: string;
  readonly previous: string;
  readonly hash: string;
  readonly keyId: string;
  readonly seal: string;
}

/** What comes before the first of a chain, and before the first anchor. */
export const NOTHING_BEFORE = "0".repeat(64);

/** Field by field its length in bytes, a colon, its bytes in UTF-8, a comma: no two lists of fields give the same bytes. */
function digestOf(fields: readonly string[]): string {
  const hash = createHash("sha256");
  for (const field of fields) hash.update(`${Buffer.byteLength(field)}:${field},`);
  return hash.digest("hex");
}

/** The hash of an entry, made here as `audit_hash` makes it in the database. */
export function entryHash(entry: Omit<AuditEntry, "hash">): string {
  const { chain, sequence, at, recordedAt, by, action, data, previous } = entry;
  return digestOf(["stallholder audit entry 1", chain, String(sequence), at, recordedAt, by, action, data, previous]);
}

/** One digest over the heads, in the order of their chains' names. */
export function headsDigest(heads: readonly AuditHead[]): string {
  const ordered = [...heads].sort((left, right) => (left.chain < right.chain ? -1 : 1));
  const fields = ordered.flatMap(({ chain, sequence, hash }) => [chain, String(sequence), hash]);
  return digestOf(["stallholder audit heads 1", ...fields]);
}

export function anchorHash({ sequence, at, heads, digest, previous, keyId }: Omit<AuditAnchor, "hash" | "seal">) {
  return digestOf(["stallholder audit anchor 1", String(sequence), at, String(heads), digest, previous, keyId]);
}

/** What only a holder of the key ring can make. */
export const sealOf = (key: KeyObject, hash: string): string => createHmac("sha256", key).update(hash).digest("hex");

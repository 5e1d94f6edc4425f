import type { KeyObject } from "node:crypto";
import type { Store } from "../isolation/isolation.ts";
import { type AuditHead, anchorHash, headsDigest, NOTHING_BEFORE, sealOf } from "./audit-bytes.ts";

/** The key that seals anchors: the first of the ring. */
export interface AuditKey {
  readonly id: string;
  readonly key: KeyObject;
}

/** What is told to the log: a witness outside the database. */
export interface AnchorMade {
  readonly sequence: number;
  readonly heads: number;
  readonly hash: string;
}

const EVERY_MS = 60_000;
const HEADS_AT_MOST = 1_000;
/** So many anchors follow each other at most; the next look goes on. */
const ROUND = 20;

interface Moved {
  readonly heads: readonly AuditHead[];
  readonly last: {
    readonly sequence: number;
    readonly at: string;
    readonly hash: string;
    readonly key_id: string;
  } | null;
}

/**
 * Anchors the heads that moved, once a minute: a thousand to an anchor, several anchors where there are more. A key that
 * has become the first of the ring seals one at once, and so vouches for all anchors before it. Several workers may do
 * this together: each head is anchored once.
 */
export async function anchorAudit(store: Store, { id, key }: AuditKey, now: Date): Promise<readonly AnchorMade[]> {
  const made: AnchorMade[] = [];
  for (let round = 0; round < ROUND; round += 1) {
    const { heads, last } = await moved(store);
    const due = last === null || now.getTime() - Date.parse(last.at) >= EVERY_MS || made.length > 0;
    const resealed = last !== null && last.key_id !== id;
    if (!resealed && (heads.length === 0 || !due)) break;
    const core = {
      sequence: (last?.sequence ?? 0) + 1,
      at: `${now.toISOString().slice(0, -1)}000Z`,
      heads: heads.length,
      digest: headsDigest(heads),
      previous: last?.hash ?? NOTHING_BEFORE,
      keyId: id,
    };
    const hash = anchorHash(core);
    const anchor = { ...core, key_id: id, heads, hash, seal: sealOf(key, hash) };
    const [row] = await store.throughDoor<{ put: boolean }>({
      text: "select put_audit_anchor($1) as put",
      values: [JSON.stringify(anchor)],
    });
    if (row?.put !== true) break;
    made.push({ sequence: core.sequence, heads: heads.length, hash });
    if (heads.length < HEADS_AT_MOST) break;
  }
  return made;
}

async function moved(store: Store): Promise<Moved> {
  const [row] = await store.throughDoor<{ moved: Moved }>({
    text: "select audit_moved($1) as moved",
    values: [HEADS_AT_MOST],
  });
  if (row === undefined) throw new Error("audit_moved gave no row.");
  return row.moved;
}

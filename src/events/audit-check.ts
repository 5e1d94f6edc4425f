import type { KeyObject } from "node:crypto";
import {
  type AuditAnchor,
  type AuditEntry,
  type AuditHead,
  anchorHash,
  entryHash,
  headsDigest,
  NOTHING_BEFORE,
  sealOf,
} from "./audit-bytes.ts";

/** What is broken, and where. */
export interface AuditFault {
  /** The chain, or `anchors`. */
  readonly chain: string;
  readonly sequence: number;
  readonly kind:
    | "changed"
    | "removed"
    | "misplaced"
    | "inserted"
    | "truncated"
    | "unlike_anchor"
    | "forged"
    | "unvouched";
  readonly says: string;
}

/** A place of a chain: the entry that stands there, and what an anchor holds of it. */
export interface AuditPlace {
  readonly sequence: number;
  readonly entry: AuditEntry | null;
  readonly anchored: { readonly anchor: number; readonly hash: string } | null;
}

/** A chain as its head tells; `anchored` is the sequence of the newest head in an anchor. */
export interface ChainHead extends AuditHead {
  readonly anchored: number;
}

export interface ChainCheck {
  /** Places in the order of their sequence. */
  take(place: AuditPlace): void;
  /** `before` and `after`: the head as it was read before the first place and after the last. */
  end(before: ChainHead | undefined, after: ChainHead | undefined): ChainFindings;
}

export interface ChainFindings {
  readonly faults: readonly AuditFault[];
  readonly entries: number;
  /** The newest entry an anchor vouches for; what comes after it is younger than a minute, or nobody anchors. */
  readonly anchored: number;
  /** The newest anchor that holds a head of this chain. */
  readonly newestAnchor: number;
}

/** Holds a chain against its own hashes, its head and the anchors. */
export function checkChain(chain: string): ChainCheck {
  const faults: AuditFault[] = [];
  const hashes = new Map<number, string>();
  const last = { sequence: 0, hash: NOTHING_BEFORE, entries: 0, anchored: 0, anchor: 0 };
  const fault = (sequence: number, kind: AuditFault["kind"], says: string) =>
    faults.push({ chain, sequence, kind, says });

  function takeEntry(entry: AuditEntry): void {
    const { sequence } = entry;
    if (entryHash(entry) !== entry.hash) fault(sequence, "changed", "its content is not what its hash was made of");
    if (sequence < 1) fault(sequence, "inserted", "no chain begins before 1");
    else if (entry.previous !== last.hash)
      fault(sequence, "misplaced", "it does not follow the entry before it: moved, inserted, or that one rewritten");
    last.entries += 1;
  }

  return {
    take: ({ sequence, entry, anchored }) => {
      if (sequence > last.sequence + 1) fault(last.sequence + 1, "removed", missing(last.sequence + 1, sequence - 1));
      if (entry === null) fault(sequence, "removed", `anchor ${anchored?.anchor} holds its hash, but it is gone`);
      else takeEntry(entry);
      if (anchored !== null && entry !== null && anchored.hash !== entry.hash)
        fault(sequence, "unlike_anchor", `anchor ${anchored.anchor} holds another hash of it`);
      last.sequence = sequence;
      last.hash = entry?.hash ?? anchored?.hash ?? "";
      hashes.set(sequence, last.hash);
      if (anchored === null) return;
      last.anchored = sequence;
      last.anchor = Math.max(last.anchor, anchored.anchor);
    },
    end: (before, after) => {
      if (before !== undefined) endBefore(before);
      if ((after?.sequence ?? 0) < last.sequence)
        fault(last.sequence, "inserted", "it stands behind the head of its chain");
      return { faults, entries: last.entries, anchored: last.anchored, newestAnchor: last.anchor };
    },
  };

  /** Entries appended while the chain was read stand behind this head. */
  function endBefore(head: ChainHead): void {
    if (head.sequence > last.sequence)
      fault(
        last.sequence + 1,
        "truncated",
        `the chain goes to ${head.sequence}: ${missing(last.sequence + 1, head.sequence)}`,
      );
    else if (head.sequence > 0 && hashes.get(head.sequence) !== head.hash)
      fault(head.sequence, "changed", "its hash is not the one of the chain's head");
    if (head.anchored > last.anchored)
      fault(head.anchored, "unlike_anchor", "it counts as anchored, but no anchor holds it");
  }
}

const missing = (from: number, to: number): string =>
  from === to ? `entry ${from} is missing` : `entries ${from} to ${to} are missing`;

export interface AnchorCheck {
  /** Anchors in order, each with its heads where they are to be checked too. */
  take(anchor: AuditAnchor, heads: readonly AuditHead[] | undefined): void;
  end(): { readonly faults: readonly AuditFault[]; readonly anchors: number };
}

export interface Witness {
  readonly sequence: number;
  readonly hash: string;
}

/**
 * Holds the anchors against each other, their heads, their seals, and what somebody noted of one outside the database. A
 * seal whose key is no longer in the ring is vouched for by a later one: each anchor covers all before it.
 */
export function checkAnchors(keys: ReadonlyMap<string, KeyObject>, witness?: Witness): AnchorCheck {
  const faults: AuditFault[] = [];
  const last = { sequence: 0, hash: NOTHING_BEFORE, anchors: 0 };
  let unvouched: AuditAnchor | undefined;
  let witnessed = witness === undefined;
  const fault = (sequence: number, kind: AuditFault["kind"], says: string) =>
    faults.push({ chain: "anchors", sequence, kind, says });

  function takeSeal(anchor: AuditAnchor): void {
    const key = keys.get(anchor.keyId);
    if (key === undefined) unvouched ??= anchor;
    else if (sealOf(key, anchor.hash) !== anchor.seal) fault(anchor.sequence, "forged", "its seal is not of our key");
    else unvouched = undefined;
  }

  return {
    take: (anchor, heads) => {
      const { sequence, hash, previous } = anchor;
      if (sequence !== last.sequence + 1) fault(last.sequence + 1, "removed", missing(last.sequence + 1, sequence - 1));
      if (anchorHash(anchor) !== hash) fault(sequence, "changed", "its content is not what its hash was made of");
      if (previous !== last.hash) fault(sequence, "misplaced", "it does not follow the anchor before it");
      if (heads !== undefined && (heads.length !== anchor.heads || headsDigest(heads) !== anchor.digest))
        fault(sequence, "changed", "the heads it holds are not what its digest was made of");
      takeSeal(anchor);
      if (witness?.sequence === sequence && witness.hash === hash) witnessed = true;
      Object.assign(last, { sequence, hash, anchors: last.anchors + 1 });
    },
    end: () => {
      if (unvouched !== undefined)
        fault(unvouched.sequence, "unvouched", `it is sealed with the key ${unvouched.keyId}, which the ring lacks`);
      if (witness !== undefined && !witnessed)
        fault(witness.sequence, "truncated", "it is not there as the witness has seen it");
      return { faults, anchors: last.anchors };
    },
  };
}

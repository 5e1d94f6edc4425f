import type { KeyObject } from "node:crypto";
import type { Store } from "../isolation/isolation.ts";
import type { AuditAnchor, AuditEntry, AuditHead } from "./audit-bytes.ts";
import {
  type AuditFault,
  type AuditPlace,
  type ChainFindings,
  type ChainHead,
  checkAnchors,
  checkChain,
  type Witness,
} from "./audit-check.ts";

const PAGE = 1_000;
/** Also what was planted before the first entry is read. */
const FROM_THE_START = "-9223372036854775808";

interface PlaceRow {
  readonly sequence: string;
  readonly at: string | null;
  readonly recorded_at: string;
  readonly by: string;
  readonly action: string;
  readonly data: string;
  readonly previous: string;
  readonly hash: string;
  readonly anchor: string | null;
  readonly anchored_hash: string;
}

interface HeadRow {
  readonly sequence: string;
  readonly hash: string;
  readonly anchored: string;
}

/** The places of a chain in order, page by page. */
async function* placesOf(store: Store, chain: string): AsyncGenerator<AuditPlace> {
  let after = FROM_THE_START;
  for (;;) {
    const rows = await store.throughDoor<PlaceRow>({
      text: "select * from audit_page($1, $2, $3)",
      values: [chain, after, PAGE],
    });
    for (const row of rows) yield placeFrom(chain, row);
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.sequence;
  }
}

function placeFrom(chain: string, row: PlaceRow): AuditPlace {
  const { at, by, action, data, previous, hash, anchor, anchored_hash: anchoredHash } = row;
  const sequence = Number(row.sequence);
  return {
    sequence,
    entry: at === null ? null : { chain, sequence, at, recordedAt: row.recorded_at, by, action, data, previous, hash },
    anchored: anchor === null ? null : { anchor: Number(anchor), hash: anchoredHash },
  };
}

/** The entries of a chain, oldest first. */
export async function* auditEntries(store: Store, chain: string): AsyncGenerator<AuditEntry> {
  for await (const { entry } of placesOf(store, chain)) if (entry !== null) yield entry;
}

async function* chainsOf(store: Store): AsyncGenerator<{ chain: string; head: ChainHead | undefined }> {
  let after = "";
  for (;;) {
    const rows = await store.throughDoor<{ chain: string }>({
      text: "select chain from audit_chain_names($1, $2)",
      values: [after, PAGE],
    });
    // The head is read again, close to its entries: a page of names is old by its end.
    for (const { chain } of rows) yield { chain, head: await headOf(store, chain) };
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.chain;
  }
}

async function headOf(store: Store, chain: string): Promise<ChainHead | undefined> {
  const [row] = await store.throughDoor<HeadRow>({ text: "select * from audit_head($1)", values: [chain] });
  if (row === undefined) return undefined;
  return { chain, sequence: Number(row.sequence), hash: row.hash, anchored: Number(row.anchored) };
}

async function checkOne(store: Store, chain: string, before: ChainHead | undefined): Promise<ChainFindings> {
  const check = checkChain(chain);
  for await (const place of placesOf(store, chain)) check.take(place);
  return check.end(before, await headOf(store, chain));
}

export interface AuditQuestion {
  /** The keys of the ring by their ids. */
  readonly keys: ReadonlyMap<string, KeyObject>;
  /** One tenant's chain, with the anchors that hold it; else everything. */
  readonly chain?: string | undefined;
  readonly witness?: Witness | undefined;
  readonly onProgress?: (done: number, of: number) => void;
}

export interface AuditVerdict {
  readonly chains: number;
  readonly entries: number;
  readonly anchors: number;
  /** Entries that no anchor vouches for yet. */
  readonly unanchored: number;
  readonly faults: readonly AuditFault[];
}

/** Recomputes every hash, link, digest and seal. Entries that are appended meanwhile are no fault. */
export async function verifyAudit(store: Store, question: AuditQuestion): Promise<AuditVerdict> {
  const faults: AuditFault[] = [];
  const count = { chains: 0, entries: 0, unanchored: 0, newestAnchor: 0 };
  const size = await sizeOf(store, question.chain);
  for await (const { chain, head } of question.chain === undefined ? chainsOf(store) : one(store, question.chain)) {
    const findings = await checkOne(store, chain, head);
    faults.push(...findings.faults);
    count.chains += 1;
    count.entries += findings.entries;
    count.unanchored += Math.max(0, (head?.sequence ?? 0) - findings.anchored);
    count.newestAnchor = Math.max(count.newestAnchor, findings.newestAnchor);
    question.onProgress?.(count.chains, size);
  }
  const anchors = await checkAllAnchors(store, question, (done) => question.onProgress?.(count.chains + done, size));
  faults.push(...anchors.faults);
  if (count.newestAnchor > anchors.anchors) {
    const says = `there are heads of anchor ${count.newestAnchor}, but it is not there`;
    faults.push({ chain: "anchors", sequence: count.newestAnchor, kind: "truncated", says });
  }
  const { chains, entries, unanchored } = count;
  return { chains, entries, unanchored, anchors: anchors.anchors, faults };
}

async function* one(store: Store, chain: string) {
  yield { chain, head: await headOf(store, chain) };
}

async function sizeOf(store: Store, chain: string | undefined): Promise<number> {
  const [row] = await store.throughDoor<{ chains: string; anchors: string }>({ text: "select * from audit_size()" });
  return (chain === undefined ? Number(row?.chains) : 1) + Number(row?.anchors);
}

interface AnchorRow {
  readonly sequence: string;
  readonly at: string;
  readonly heads: number;
  readonly digest: string;
  readonly previous: string;
  readonly hash: string;
  readonly key_id: string;
  readonly seal: string;
}

async function checkAllAnchors(store: Store, question: AuditQuestion, onProgress: (done: number) => void) {
  const check = checkAnchors(question.keys, question.witness);
  let after = FROM_THE_START;
  let done = 0;
  for (;;) {
    const rows = await store.throughDoor<AnchorRow>({
      text: "select * from audit_anchor_page($1, $2)",
      values: [after, PAGE],
    });
    for (const row of rows) {
      check.take(anchorFrom(row), await headsToCheck(store, row.sequence, question.chain));
      done += 1;
      onProgress(done);
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return check.end();
    after = last.sequence;
  }
}

function anchorFrom({ key_id: keyId, sequence, ...row }: AnchorRow): AuditAnchor {
  return { ...row, keyId, sequence: Number(sequence) };
}

/** Of one tenant's verification only those of anchors that hold its chain. */
async function headsToCheck(store: Store, anchor: string, chain: string | undefined) {
  const rows = await store.throughDoor<{ chain: string; sequence: string; hash: string }>({
    text: "select * from audit_heads_of($1, $2)",
    values: [anchor, chain ?? null],
  });
  if (chain !== undefined && rows.length === 0) return undefined;
  return rows.map((row): AuditHead => ({ ...row, sequence: Number(row.sequence) }));
}

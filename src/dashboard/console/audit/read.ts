import { ProviderError } from "../../../errors.ts";
import { type AuditEntry, entryHash } from "../../../events/audit-bytes.ts";
import { isTenantId, type Store } from "../../../isolation/isolation.ts";

/** The chain of what operators do across tenants; every other is called as its tenant. */
export const OPERATORS = "operator";

/** Which entries of one chain. */
export interface AuditWanted {
  readonly chain: string;
  readonly action?: string | undefined;
  readonly by?: string | undefined;
  /** Days in UTC, both included. */
  readonly from?: string | undefined;
  readonly until?: string | undefined;
}

/** An entry, and whether it still has the hash that was made when it was written. */
export type CheckedEntry = Omit<AuditEntry, "chain"> & { readonly sound: boolean };

export interface AuditPageRead {
  readonly entries: readonly CheckedEntry[];
  /** Where the next page begins, when there may be one. */
  readonly next: number | undefined;
  /** Absent where nothing was ever written. */
  readonly head: AuditHeadRead | undefined;
}

export interface AuditHeadRead {
  readonly sequence: number;
  /** Up to which entry the newest anchor vouches; 0 before the first. */
  readonly anchored: number;
  readonly at: string | null;
}

interface Found {
  readonly rows: readonly Omit<AuditEntry, "chain">[];
  readonly looked: number | null;
  readonly head: AuditHeadRead | null;
}

/** So many are looked at for a page, however few of them are wanted. */
const LOOK = 5_000;
const LONGEST = 300;
const DAY = /^(?:19|20)\d{2}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;

/** What an address asks for. `request_malformed` for a chain or a day that cannot be. */
export function auditWantedIn(query: Readonly<Record<string, unknown>>): AuditWanted {
  const chain = textOf(query["chain"]) ?? OPERATORS;
  if (chain !== OPERATORS && !isTenantId(chain))
    throw new ProviderError("request_malformed", `${chain} is neither a tenant's id nor \`${OPERATORS}\`.`);
  return {
    chain,
    action: textOf(query["action"]),
    by: textOf(query["by"]),
    from: dayOf(query["from"]),
    until: dayOf(query["until"]),
  };
}

function textOf(given: unknown): string | undefined {
  if (typeof given !== "string") return undefined;
  const text = given
    .replace(/\p{Cc}/gu, " ")
    .trim()
    .slice(0, LONGEST);
  // Half a character would be no JSON.
  return Buffer.from(text).toString() || undefined;
}

/** A day, such as there is one. */
function dayOf(given: unknown): string | undefined {
  const text = textOf(given);
  if (text === undefined) return undefined;
  const at = DAY.test(text) ? new Date(text) : undefined;
  if (at !== undefined && !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)) return text;
  throw new ProviderError("request_malformed", "A day is written like 2026-03-01.");
}

/** Where a page begins. `request_malformed` for what is no place of a chain. */
export function placeIn(given: unknown): number | undefined {
  if (given === undefined) return undefined;
  if (typeof given === "string" && /^[1-9]\d{0,14}$/.test(given)) return Number(given);
  throw new ProviderError("request_malformed", "The cursor is not one of this list.");
}

/** One page, newest first. Where a filter lets few through, a page may be short, even empty, and still have a next one. */
export async function readAudit(
  store: Store,
  { chain, action, by, from, until }: AuditWanted,
  before: number | undefined,
  limit: number,
): Promise<AuditPageRead> {
  const end = until === undefined ? undefined : new Date(Date.parse(until) + DAY_MS).toISOString();
  // Where nothing is sieved out, what is looked at is shown.
  const look = (action ?? by ?? from ?? until) === undefined ? limit + 1 : LOOK;
  const [row] = await store.throughDoor<{ found: Found }>({
    text: "select console_audit($1, $2, $3) as found",
    values: [JSON.stringify({ chain, action, by, from, until: end, before }), limit + 1, look],
  });
  if (row === undefined) throw new Error("console_audit gave no row.");
  const { rows, looked, head } = row.found;
  const entries = rows
    .slice(0, limit)
    .map((entry) => ({ ...entry, sound: entryHash({ ...entry, chain }) === entry.hash }));
  const more = rows.length > limit ? entries.at(-1)?.sequence : (looked ?? undefined);
  return { entries, next: more, head: head ?? undefined };
}

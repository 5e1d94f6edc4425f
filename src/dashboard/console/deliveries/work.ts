import { ProviderError } from "../../../errors.ts";
import { isTenantId, type OperatorStore } from "../../../isolation/isolation.ts";
import { UUID } from "../../../uuid.ts";

export const workKinds = ["calls", "operations"] as const;
export const workStates = ["failing", "waiting", "given_up"] as const;

/** Which list: owed calls or operations, and of those the ones that fail, wait, or were given up. */
export interface WorkList {
  readonly of: (typeof workKinds)[number];
  readonly state: (typeof workStates)[number];
}

/** One owed call or operation of any tenant. */
export interface WorkLine {
  readonly tenant_id: string;
  readonly name: string;
  /** The sequence of a call, the id of an operation. */
  readonly ref: string;
  readonly kind: string;
  readonly marketplace: string;
  readonly since: string;
  readonly due_at: string;
  readonly attempts: number;
  readonly fault: string | null;
}

/** What is alike: of one kind, to the same side, with the same fault but for numbers. */
export interface WorkGroup {
  readonly group: string;
  readonly marketplace: string;
  readonly kind: string;
  readonly fault: string;
  readonly count: number;
  readonly since: string;
}

export interface Work {
  readonly rows: readonly WorkLine[];
  readonly groups: readonly WorkGroup[];
  /** Among how many the groups were found; a thousand at most. */
  readonly looked: number;
  readonly next: string | undefined;
}

/** The list an address names; failing calls unless it says otherwise. `request_malformed` for a list that does not exist. */
export function listIn(query: Readonly<Record<string, unknown>>): WorkList {
  return { of: oneOf(workKinds, query["of"]), state: oneOf(workStates, query["state"]) };
}

function oneOf<Word extends string>(words: readonly [Word, ...Word[]], given: unknown): Word {
  if (given === undefined || given === "") return words[0];
  const known = words.find((word) => word === given);
  if (known !== undefined) return known;
  throw new ProviderError("request_malformed", `There is no such list. Choose one of: ${words.join(", ")}.`);
}

/** One page. `request_malformed` for a foreign cursor. */
export async function readWork(store: OperatorStore, list: WorkList, cursor: unknown, limit: number): Promise<Work> {
  const asked = cursor === undefined ? list : { ...list, after: placeOf(cursor, list) };
  const [row] = await store.throughDoor<{ work: Omit<Work, "next"> }>({
    text: "select console_work($1, $2) as work",
    values: [JSON.stringify(asked), limit + 1],
  });
  if (row === undefined) throw new Error("console_work gave no row.");
  const rows = row.work.rows.slice(0, limit);
  const last = row.work.rows.length > limit ? rows.at(-1) : undefined;
  return { ...row.work, rows, next: last && cursorOf(last) };
}

/**
 * So many of a group become due now, each told in its tenant's history and audit. Done again it takes the next ones: what
 * is due already is left alone.
 */
export async function retryGroup(
  store: OperatorStore,
  asked: WorkList & { readonly group: string; readonly reason: string },
  limit: number,
): Promise<{ readonly done: number; readonly left: number }> {
  const { by, at } = store.operator;
  const [row] = await store.throughDoor<{ told: { done: number; left: number } }>({
    text: "select console_retry_group($1, $2, $3) as told",
    values: [JSON.stringify({ ...asked, by, at }), at, limit],
  });
  if (row === undefined) throw new Error("console_retry_group gave no row.");
  return row.told;
}

const cursorOf = ({ since, tenant_id, ref }: WorkLine): string =>
  Buffer.from(JSON.stringify([since, tenant_id, ref])).toString("base64url");

const REF = { calls: /^[1-9]\d{0,14}$/, operations: UUID } as const;
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?(Z|[+-]\d\d:\d\d)$/;

function placeOf(cursor: unknown, { of }: WorkList) {
  const read = typeof cursor === "string" ? parsed(Buffer.from(cursor, "base64url").toString("utf8")) : undefined;
  const [at, tenant, ref] = Array.isArray(read) ? (read as readonly unknown[]) : [];
  const sound = isText(at, MOMENT) && !Number.isNaN(Date.parse(at)) && typeof tenant === "string" && isTenantId(tenant);
  if (sound && isText(ref, REF[of])) return { at, tenant, ref };
  throw new ProviderError("request_malformed", "The cursor is not one of this list.");
}

const isText = (given: unknown, shape: RegExp): given is string => typeof given === "string" && shape.test(given);

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

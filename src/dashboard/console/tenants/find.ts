import { ProviderError } from "../../../errors.ts";
import type { Store } from "../../../isolation/isolation.ts";
import type { OperationKind, OperationState } from "../../../operations/operations.ts";
import { type TenantState, tenantStates } from "../../../tenants/tenants.ts";

/** What an operator looks for: the beginning of any name of a tenant, or the whole id of a request, and what it must be. */
export interface Wanted {
  readonly q?: string | undefined;
  readonly marketplace?: string | undefined;
  readonly plan?: string | undefined;
  readonly state?: TenantState | undefined;
}

/** A tenant in a list. */
export interface TenantLine {
  readonly id: string;
  readonly marketplace: string;
  readonly resource_id: string;
  readonly name: string;
  readonly app: string | null;
  readonly owner: string | null;
  readonly region: string | null;
  readonly plan: string;
  readonly state: TenantState;
  readonly created_at: string;
  readonly changed_at: string;
  readonly ended_at: string | null;
  /** The name it was found by, and what that is; absent where nothing was looked for. */
  readonly term?: string;
  readonly kind?: string;
  /** What a request began, where it was found by that. */
  readonly operation?: {
    readonly id: string;
    readonly kind: OperationKind;
    readonly state: OperationState;
    readonly at: string;
  };
}

export interface TenantLines {
  readonly lines: readonly TenantLine[];
  /** Where the next page begins, when there may be one. */
  readonly next: string | undefined;
  /** What there is to choose from. */
  readonly marketplaces: readonly string[];
  readonly plans: readonly string[];
}

interface Found {
  readonly rows: readonly TenantLine[];
  /** Up to where names were looked at, when there may be more behind. */
  readonly looked: { readonly term: string; readonly id: string } | null;
  readonly kinds: { readonly marketplaces: readonly string[] | null; readonly plans: readonly string[] | null };
}

const LONGEST = 200;
const CONTROLS = /\p{Cc}/gu;

/** The filters of an address. What is no text, or empty, counts as absent; a state that does not exist is refused. */
export function wantedIn(query: Readonly<Record<string, unknown>>): Wanted {
  const state = textOf(query["state"]);
  const known = tenantStates.find((one) => one === state);
  if (state !== undefined && known === undefined)
    throw new ProviderError("request_malformed", `There is no state ${state}. States: ${tenantStates.join(", ")}.`);
  return {
    q: textOf(query["q"]),
    marketplace: textOf(query["marketplace"]),
    plan: textOf(query["plan"]),
    state: known,
  };
}

function textOf(given: unknown): string | undefined {
  if (typeof given !== "string") return undefined;
  const text = [...Buffer.from(given).toString().replace(CONTROLS, " ").trim()].slice(0, LONGEST).join("");
  return text === "" ? undefined : text;
}

/**
 * One page: newest first, or by name where something is looked for. A name that very many tenants share is looked through
 * in steps: a page may then be short, even empty, and still have a next one. `request_malformed` for a foreign cursor.
 */
export async function findTenants(
  store: Store,
  wanted: Wanted,
  cursor: string | undefined,
  limit: number,
): Promise<TenantLines> {
  const place = cursor === undefined ? undefined : placeOf(cursor, wanted.q !== undefined);
  const asked = wanted.q === undefined ? { ...wanted, before: place } : { ...wanted, after: place };
  const [row] = await store.throughDoor<{ found: Found }>({
    text: "select console_find_tenants($1, $2) as found",
    values: [JSON.stringify(asked), limit + 1],
  });
  if (row === undefined) throw new Error("console_find_tenants gave no row.");
  const { rows, looked, kinds } = row.found;
  const lines = rows.slice(0, limit);
  const last = rows.length > limit ? lines.at(-1) : undefined;
  return {
    lines,
    next: last === undefined ? (looked && cursorOf(looked.term, looked.id)) || undefined : cursorAfter(last),
    marketplaces: kinds.marketplaces ?? [],
    plans: kinds.plans ?? [],
  };
}

const cursorAfter = ({ term, created_at, id }: TenantLine): string => cursorOf(term ?? created_at, id);
const cursorOf = (place: string, id: string): string => Buffer.from(JSON.stringify([place, id])).toString("base64url");

function placeOf(cursor: string, named: boolean) {
  const [place, id] = readPlace(cursor);
  if (named) return { term: place, id };
  if (Number.isNaN(Date.parse(place))) throw foreign();
  return { at: place, id };
}

function readPlace(cursor: string): readonly [string, string] {
  const read = parsed(Buffer.from(cursor, "base64url").toString("utf8"));
  const [place, id] = Array.isArray(read) ? (read as readonly unknown[]) : [];
  if (typeof place !== "string" || typeof id !== "string" || `${place}${id}`.includes("\0")) throw foreign();
  return [place, id];
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const foreign = () => new ProviderError("request_malformed", "The cursor is not one of this list.");

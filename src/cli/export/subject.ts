import type { OperatorStore } from "../../isolation/isolation.ts";

/** `decimal` and `integer` are exact text; a `moment` is ISO 8601 in UTC. */
export interface Column {
  readonly name: string;
  readonly type: "text" | "integer" | "decimal" | "moment";
}

/** By column; null and absent are the same. */
export type Line = Readonly<Record<string, string | null>>;

/** From `from` up to `to`, which is not included. */
export interface Span {
  readonly from: Date;
  readonly to: Date;
}

/** As JSON keeps it: where an export goes on. */
export type Cursor = Readonly<Record<string, unknown>>;

export interface Step {
  readonly lines: readonly Line[];
  /** Null after the last one. */
  readonly cursor: Cursor | null;
  /** How far it has come, 0 to 1. */
  readonly share: number;
}

/** Something that can be exported, in steps that each read a bounded part of the database. */
export interface Subject {
  readonly columns: readonly Column[];
  /** The span where none is asked for. */
  usualSpan(now: Date): Span;
  /** Goes on after `cursor`, or begins where that is null. */
  steps(store: OperatorStore, span: Span, cursor: Cursor | null): AsyncIterable<Step>;
}

interface Page<Row> {
  readonly rows: readonly Row[];
  readonly after: Cursor | null;
}

/** One call of a door that answers lines and, last, where the next page begins. */
export async function pageOf<Row>(
  store: OperatorStore,
  door: "export_usage" | "export_tenants" | "export_revenue",
  asked: object,
  ...limits: readonly number[]
): Promise<Page<Row>> {
  const places = limits.map((_, n) => `, $${n + 2}`).join("");
  const answered = await store.throughDoor<{ line: Row | { after: Cursor | null } }>({
    text: `select line from ${door}($1${places}) as line`,
    values: [JSON.stringify(asked), ...limits],
  });
  const last = answered.pop()?.line as { after: Cursor | null };
  return { rows: answered.map(({ line }) => line as Row), after: last.after };
}

const FIRST = "abcdefghijklmnopqrstuvwxyz";
const REST = "234567abcdefghijklmnopqrstuvwxyz";

/** Ids are random and come in their order, so their first letters say how far a walk through them is. */
export function shareBefore(tenant: unknown): number {
  const [first = "", second = ""] = String(tenant);
  return Math.max(0, (FIRST.indexOf(first) + REST.indexOf(second) / REST.length) / FIRST.length);
}

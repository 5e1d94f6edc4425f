import pg from "pg";
import { type Definitions, readDefinitions, readWholly } from "./definitions.ts";
import type { Column, Table } from "./read-tables.ts";
import { CannotBeCarried } from "./refusals.ts";
import { asOf, columnList, written } from "./rows.ts";
import { inPlace, type Place, type Session, type SessionOptions } from "./session.ts";
import { positionsAfterRows, sumsOf } from "./sums.ts";

/** A sequence of shared tables that must go on after the rows that came in. */
export interface Reached {
  /** As SQL writes it. */
  readonly sequence: string;
  readonly increment: string;
  readonly last: string;
}

/** Rejects with `CannotBeCarried`, which names what of the place has no place in the shared tables. */
export async function refuseWhatHasNoSharedTable(
  from: Place,
  shared: Place,
  options: SessionOptions = {},
): Promise<void> {
  await beside(from, shared, options, () => Promise.resolve());
}

/**
 * Puts the rows of the place `from`, a schema of the same database, into the shared tables as the tenant's of `shared`, in
 * place of what the tenant has there: all of it or nothing. Answers the tables whose rows then differ, and how far
 * sequences must be moved.
 */
export async function fillShared(
  from: Place,
  shared: Place,
  options: SessionOptions = {},
): Promise<{ readonly different: readonly string[]; readonly reached: readonly Reached[] }> {
  return beside(from, shared, options, async (source, target, tables, definitions) => {
    const tenant = await tenantOf(target, shared);
    const ordered = inOrder(definitions.tables);
    await target.run(["begin", ...ordered.toReversed().map((table) => emptying(table, tenant))]);
    for (const { name } of ordered) {
      const [theirs, ours] = [tables.get(name), definitions.tables.find((table) => table.name === name)];
      if (theirs !== undefined && ours !== undefined) await target.run([filling(theirs, ours, tenant)]);
    }
    await target.run(["commit"]);
    const copied = definitions.tables.filter(({ name }) => tables.has(name));
    const [sums, others] = await Promise.all([sumsOf(source, copied, tenant), sumsOf(target, copied, tenant)]);
    return {
      different: [...sums].filter(([name, sum]) => others.get(name) !== sum).map(([name]) => name),
      reached: await reachedIn(target, definitions),
    };
  });
}

/** Removes the tenant's rows from the shared tables. */
export async function emptyShared(shared: Place, options: SessionOptions = {}): Promise<void> {
  await inPlace(shared, options, async (session) => {
    const { tables } = await readDefinitions(session, shared);
    const tenant = await tenantOf(session, shared);
    await session.run([
      "begin",
      ...inOrder(tables)
        .toReversed()
        .map((table) => emptying(table, tenant)),
      "commit",
    ]);
  });
}

/** Rejects with `CannotBeCarried` when the tenant has rows in the shared tables. */
export async function refuseUnlessNoRows(shared: Place, options: SessionOptions = {}): Promise<void> {
  await inPlace(shared, options, async (session) => {
    const things: string[] = [];
    for (const { name, at } of (await readDefinitions(session, shared)).tables) {
      const [row] = await session.rows(`select from ${at} limit 1`);
      if (row !== undefined) things.push(`rows of table ${name}`);
    }
    if (things.length > 0) throw new CannotBeCarried(things, "The place is not empty, it holds");
  });
}

async function beside<T>(
  from: Place,
  shared: Place,
  options: SessionOptions,
  work: (source: Session, target: Session, tables: ReadonlyMap<string, Table>, definitions: Definitions) => Promise<T>,
): Promise<T> {
  return inPlace(from, options, (source) =>
    inPlace(shared, options, async (target) => {
      const [ours, theirs] = [await readWholly(source, from), await readDefinitions(target, shared)];
      const things = withoutSharedTable(ours, theirs);
      if (things.length > 0) throw new CannotBeCarried(things, "These have no place in the shared tables");
      return work(source, target, new Map(ours.tables.map((table) => [table.name, table])), theirs);
    }),
  );
}

function withoutSharedTable(ours: Definitions, shared: Definitions): readonly string[] {
  const known = new Map(shared.tables.map((table) => [table.name, shapeOf(table)]));
  const things = ours.tables.flatMap((table) => {
    const shape = known.get(table.name);
    if (shape === undefined) return [`table ${table.name}`];
    return shape === shapeOf(table) ? [] : [`table ${table.name}, whose columns differ`];
  });
  return [
    ...things,
    ...new Set(ours.views.map(({ name }) => `view ${name}`)),
    ...ours.sequences.filter(({ table }) => table === null).map(({ name }) => `sequence ${name}`),
    ...ours.types.filter((type) => !shared.types.includes(type)).map((type) => `type made by: ${type}`),
  ];
}

function shapeOf({ columns }: Table): string {
  return JSON.stringify(columns.toSorted((one, other) => (one.name < other.name ? -1 : 1)));
}

/** Each table after those its keys point at. */
function inOrder(tables: readonly Table[]): readonly Table[] {
  const ordered: Table[] = [];
  const waiting = new Set(tables);
  while (waiting.size > 0) {
    const free = [...waiting].filter(({ name, needs }) =>
      [...waiting].every((other) => other.name === name || !needs.includes(other.name)),
    );
    if (free.length === 0) {
      throw new CannotBeCarried(
        [...waiting].map(({ name }) => `table ${name}`),
        "The keys of these point at each other",
      );
    }
    ordered.push(...free);
    for (const table of free) waiting.delete(table);
  }
  return ordered;
}

async function tenantOf(session: Session, { tenantFunction }: Place): Promise<string> {
  const [row] = await session.rows<{ tenant: string | null }>(`select ${tenantFunction} as tenant`);
  if (row?.tenant === undefined || row.tenant === null) throw new Error("The login stands for no tenant.");
  return row.tenant;
}

/** The wall lets through the tenant's rows alone; naming it lets an index find them. */
function emptying({ at, tenantColumn }: Table, tenant: string): string {
  return `delete from ${at} where ${pg.escapeIdentifier(tenantColumn ?? "")} = ${pg.escapeLiteral(tenant)}`;
}

/** A type of the place and the shared one of the same name know each other by their texts alone. */
function filling(from: Table, to: Table, tenant: string): string {
  const named = asOf(to, tenant);
  const read = (column: Column): string =>
    column.ownType ? `(${named(column)}::text)::${column.type}` : named(column);
  return `insert into ${to.at} (${columnList(written(to))}) overriding system value
    select ${columnList(written(to), read)} from only ${from.at}`;
}

async function reachedIn(session: Session, { sequences }: Definitions): Promise<readonly Reached[]> {
  const positions = await positionsAfterRows(session, sequences);
  const found: Reached[] = [];
  for (const { name, last } of positions) {
    const [row] = await session.rows<{ at: string }>(
      "select format('%s.%I', relnamespace::regnamespace, relname) as at from pg_class where oid = $1::regclass",
      [pg.escapeIdentifier(name)],
    );
    const increment = sequences.find((sequence) => sequence.name === name)?.increment ?? "1";
    if (row !== undefined) found.push({ sequence: row.at, increment, last });
  }
  return found;
}

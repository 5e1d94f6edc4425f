import pg from "pg";
import type { Definitions, Sequence } from "./definitions.ts";
import type { Table } from "./read-tables.ts";
import { asOf, columnList } from "./rows.ts";
import type { Session } from "./session.ts";

/** Thing → what it comes to: equal in two places when they hold the same. */
export type Sums = ReadonlyMap<string, string>;

/**
 * Rows of each table counted and summed, in whatever order they lie: each row's text, as PostgreSQL writes it, is hashed
 * to 64 bits and the hashes are added. A row that is there twice counts twice. With a `tenant`, rows are read as that one's.
 */
export async function sumsOf(session: Session, tables: readonly Table[], tenant?: string): Promise<Sums> {
  const sums = new Map<string, string>();
  for (const table of tables) {
    const { name, columns } = table;
    const list = columnList(columns, tenant === undefined ? undefined : asOf(table, tenant));
    const [row] = await session.rows<{ rows: string; sum: string }>(
      `select count(*)::text as rows, coalesce(sum(hashtextextended(row(${list})::text collate "C", 0)), 0)::text as sum
       from only ${pg.escapeIdentifier(name)}`,
    );
    sums.set(name, `${row?.rows} rows, ${row?.sum}`);
  }
  return sums;
}

export interface Position {
  readonly name: string;
  readonly last: string;
  readonly called: boolean;
}

export async function readPositions(session: Session, sequences: readonly Sequence[]): Promise<readonly Position[]> {
  const positions: Position[] = [];
  for (const { name } of sequences) {
    positions.push(
      ...(await session.rows<Position>(
        `select $1::text as name, last_value::text as last, is_called as called from ${pg.escapeIdentifier(name)}`,
        [name],
      )),
    );
  }
  return positions;
}

export async function setPositions(session: Session, positions: readonly Position[]): Promise<void> {
  for (const { name, last, called } of positions) {
    await session.rows("select setval($1::text::regclass, $2, $3)", [pg.escapeIdentifier(name), last, called]);
  }
}

/** Sequences that numbered the rows of many go on after the highest number that is here. */
export async function positionsAfterRows(
  session: Session,
  sequences: readonly Sequence[],
): Promise<readonly Position[]> {
  const positions: Position[] = [];
  for (const { name, table, column, increment } of sequences) {
    if (table === null || column === null) continue;
    const furthest = `${increment.startsWith("-") ? "min" : "max"}(${pg.escapeIdentifier(column)})`;
    positions.push(
      ...(await session.rows<Position>(
        `select $1::text as name, ${furthest}::text as last, true as called from ${pg.escapeIdentifier(table)} having ${furthest} is not null`,
        [name],
      )),
    );
  }
  return positions;
}

/** Where two places hold definitions that differ; nothing when a copy is as its original. */
export function differencesOf(one: Definitions, other: Definitions): readonly string[] {
  return (["types", "bare", "keys", "foreignKeys", "views", "comments", "grants"] as const).filter(
    (part) => one[part] !== undefined && JSON.stringify(one[part]) !== JSON.stringify(other[part]),
  );
}

import pg from "pg";
import { copyThrough } from "../../db/copy-through.ts";
import type { Column, Table } from "./read-tables.ts";
import type { Session } from "./session.ts";

export interface Progress {
  readonly tables: number;
  readonly tablesDone: number;
  readonly rows: number;
  /** As the statistics have it. */
  readonly rowsAbout: number;
  readonly bytes: number;
}

export interface Copying {
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: Progress) => void;
}

/** Columns in an order that does not depend on the table's own. */
export function columnList(columns: readonly Column[], written: (column: Column) => string = nameOf): string {
  return columns
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .map(written)
    .join(", ");
}

function nameOf({ name }: Column): string {
  return pg.escapeIdentifier(name);
}

/** Columns of one tenant's rows as those of `tenant`, wherever the column that says whose they are says something else. */
export function asOf({ tenantColumn }: Table, tenant: string): (column: Column) => string {
  return (column) => (column.name === tenantColumn ? `${pg.escapeLiteral(tenant)}::${column.type}` : nameOf(column));
}

/** The columns that are written: the others are computed. */
export function written({ columns }: Table): readonly Column[] {
  return columns.filter(({ generated }) => !generated);
}

/** Streams the rows of `tables`, one table after the other. */
export async function copyRows(
  from: Session,
  to: Session,
  tables: readonly Table[],
  { onProgress, signal }: Copying,
): Promise<void> {
  const rowsAbout = tables.reduce((sum, table) => sum + table.rowsAbout, 0);
  const done = { tables: tables.length, tablesDone: 0, rows: 0, rowsAbout, bytes: 0 };
  for (const table of tables) {
    const name = pg.escapeIdentifier(table.name);
    const list = columnList(written(table));
    done.rows += await copyThrough({
      from: from.client,
      read: `copy (select ${list} from only ${name}) to stdout`,
      to: to.client,
      write: `copy ${name}${list === "" ? "" : ` (${list})`} from stdin`,
      ...(signal === undefined ? {} : { signal }),
      onBytes: (bytes) => {
        done.bytes += bytes;
        onProgress?.({ ...done });
      },
    });
    done.tablesDone += 1;
    onProgress?.({ ...done });
  }
}

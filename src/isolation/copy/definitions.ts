import { type Grants, readGrants } from "./grants.ts";
import { readComments } from "./read-comments.ts";
import { type ForeignKey, readForeignKeys, readKeys } from "./read-keys.ts";
import { readShapes, readTables, type Table } from "./read-tables.ts";
import { readTypes } from "./read-types.ts";
import { readViews, type View } from "./read-views.ts";
import { readScope } from "./scope.ts";
import type { Place, Session } from "./session.ts";
import { refuseUncarried } from "./uncarried.ts";

/** What a place holds, as the statements that make it: names in them mean the place where they run. */
export interface Definitions {
  readonly types: readonly string[];
  /** Sequences and tables without keys: all that rows need. */
  readonly bare: readonly string[];
  /** Keys, checks and indexes. */
  readonly keys: readonly string[];
  readonly foreignKeys: readonly ForeignKey[];
  readonly views: readonly View[];
  readonly comments: readonly string[];
  /** Absent of shared tables: who may use those is not the tenant's to say. */
  readonly grants: Grants | undefined;
  readonly tables: readonly Table[];
  readonly sequences: readonly Sequence[];
}

export interface Sequence {
  readonly name: string;
  /** The column it numbers, if it is a column's. */
  readonly table: string | null;
  readonly column: string | null;
  readonly increment: string;
}

const SEQUENCES = `
  select c.relname as name, t.relname as table, a.attname as column, s.seqincrement::text as increment
  from pg_class c join pg_sequence s on s.seqrelid = c.oid
    left join pg_depend d on d.classid = 'pg_class'::regclass and d.objid = c.oid and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i')
    left join pg_class t on t.oid = d.refobjid left join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
  where c.oid = any($1) order by c.relname collate "C"`;

/**
 * Reads the definitions of a place that is to be copied. Rejects with `CannotBeCarried` when a copy made from them would
 * lack something, whatever it is: each object is either in them or named there.
 */
export async function readWholly(session: Session, place: Place): Promise<Definitions> {
  await refuseUncarried(session, place, await readScope(session, place));
  return readDefinitions(session, place);
}

/** Reads the definitions of a place from PostgreSQL's catalogue. */
export async function readDefinitions(session: Session, place: Place): Promise<Definitions> {
  const scope = await readScope(session, place);
  return {
    types: await readTypes(session, scope),
    bare: await readTables(session, scope, place.tenantFunction),
    keys: await readKeys(session, scope),
    foreignKeys: await readForeignKeys(session, scope),
    views: await readViews(session, scope),
    comments: await readComments(session, scope),
    grants: place.schema === undefined ? undefined : await readGrants(session, place, scope),
    tables: await readShapes(session, scope, place.tenantFunction),
    sequences: await session.rows<Sequence>(SEQUENCES, [scope.sequences]),
  };
}

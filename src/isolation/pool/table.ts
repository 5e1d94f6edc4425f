import type { Tx } from "../../db/db.ts";
import type { Fault } from "../../errors.ts";
import type { PoolNames } from "./names.ts";

/** One table, or a partition of it. Names are quoted where they need be. */
export interface Relation {
  readonly oid: number;
  readonly name: string;
  readonly enabled: boolean;
  readonly forced: boolean;
  readonly policies: readonly KnownPolicy[];
}

export interface KnownPolicy {
  readonly name: string;
  readonly permissive: boolean;
  /** As the catalogue abbreviates it: `r a w d`, or `*` for all. */
  readonly command: string;
  /** Sorted; `public` for everybody. */
  readonly roles: readonly string[];
  readonly using: string | null;
  readonly check: string | null;
}

/** What the catalogue says of a table that is to hold rows of many tenants. */
export interface PooledTable extends Relation {
  readonly schema: string;
  readonly owner: string;
  /** The number of the tenant column, its quoted name, and how a policy writes it. */
  readonly column: number;
  readonly columnName: string;
  readonly columnText: string;
  readonly columnDefault: string | null;
  readonly indexed: boolean;
  readonly partitions: readonly Relation[];
  /** What our groups may do with it by now, in small letters. */
  readonly granted: Readonly<Record<"tenants" | "readers", readonly string[]>>;
  readonly usable: Readonly<Record<"tenants" | "readers", boolean>>;
  /** What an earlier call excused. */
  readonly excused: readonly string[];
}

/** A table that may be put under the wall, as far as its kind goes. */
interface Found {
  readonly oid: number;
  readonly name: string;
  readonly kind: string;
  readonly system: boolean;
  readonly temporary: boolean;
  readonly partitionOf: string | null;
  readonly column: number;
}

/** The table of this name with this column, or what it is instead. Names are as SQL writes them. */
export async function findTable(query: Tx["query"], table: string, column: string): Promise<Found | readonly Fault[]> {
  // A text that is no name is an error on older servers, and ends a transaction.
  await query("savepoint named");
  const [found] = await query<Omit<Found, "column"> & { readonly column: number | null }>(
    `select c.oid, c.oid::regclass::text as name, c.relkind as kind, c.relpersistence = 't' as temporary,
       n.nspname ~ '^pg_' or n.nspname = 'information_schema' as system,
       (select inhparent::regclass::text from pg_inherits where inhrelid = c.oid and c.relispartition) as "partitionOf",
       (select attnum from pg_attribute where attrelid = c.oid and attname = $2 and attnum > 0 and not attisdropped) as column
     from pg_class c join pg_namespace n on n.oid = c.relnamespace where c.oid = to_regclass($1)`,
    [table, column],
  ).catch(async (fault: { code?: string }) => {
    if (!fault.code?.startsWith("42")) throw fault;
    await query("rollback to savepoint named");
    return [];
  });
  if (found === undefined) return [{ at: table, message: "there is no such table" }];
  const message = instead(found);
  if (message !== undefined) return [{ at: table, message }];
  if (found.column === null) return [{ at: table, message: `has no column ${column}` }];
  return { ...found, column: found.column };
}

const kinds: Readonly<Record<string, string>> = {
  v: "is a view: put the tables beneath it under the wall, and make it security_invoker",
  m: "is a materialized view, which knows no policies: tenants cannot be let into it",
  f: "is a foreign table: its rows are on another server, which knows nothing of these policies",
  S: "is a sequence",
  i: "is an index",
  I: "is an index",
  c: "is a type",
};

function instead({ kind, system, temporary, partitionOf }: Omit<Found, "column">): string | undefined {
  if (kinds[kind] !== undefined) return kinds[kind];
  if (system) return "belongs to PostgreSQL";
  if (temporary) return "is a temporary table";
  if (partitionOf !== null) return `is a partition: name the table it is of, ${partitionOf}`;
  return undefined;
}

type OwnFacts = Omit<PooledTable, keyof Relation | "partitions">;

export async function readTable(
  query: Tx["query"],
  names: PoolNames,
  oid: number,
  column: number,
): Promise<PooledTable> {
  const [facts] = await query<OwnFacts>(
    `select quote_ident(n.nspname) as schema, quote_ident(pg_get_userbyid(c.relowner)) as owner,
       a.attnum as column, quote_ident(a.attname) as "columnName",
       case when a.atttypid = 'text'::regtype then quote_ident(a.attname) else format('(%I)::text', a.attname) end as "columnText",
       (select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = c.oid and adnum = a.attnum) as "columnDefault",
       exists (select from pg_index i where i.indrelid = c.oid and i.indkey[0] = a.attnum and i.indisvalid and i.indpred is null)
         as indexed,
       jsonb_build_object(
         'tenants', array(select p from unnest($5::text[]) p where has_table_privilege($3, c.oid, p)),
         'readers', array(select p from unnest($5::text[]) p where has_table_privilege($4, c.oid, p))) as granted,
       jsonb_build_object('tenants', has_schema_privilege($3, n.oid, 'usage'),
                          'readers', has_schema_privilege($4, n.oid, 'usage')) as usable,
       coalesce((select description::jsonb->'excused' from pg_policy p join pg_description d
          on d.classoid = 'pg_policy'::regclass and d.objoid = p.oid
        where p.polrelid = c.oid and p.polname = $6), '[]') as excused
     from pg_class c join pg_namespace n on n.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
     where c.oid = $1 and a.attnum = $2`,
    [oid, column, names.tenants, names.readers, ["select", "insert", "update", "delete"], names.wall],
  );
  const [own, ...partitions] = await readRelations(query, oid);
  if (facts === undefined || own === undefined) throw new Error("The table went away.");
  return { ...facts, ...own, partitions };
}

/** The table first, then its partitions. */
function readRelations(query: Tx["query"], oid: number): Promise<Relation[]> {
  return query<Relation>(
    `select c.oid, c.oid::regclass::text as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced,
       coalesce((select jsonb_agg(jsonb_build_object('name', quote_ident(p.polname), 'permissive', p.polpermissive,
         'command', p.polcmd, 'roles', array(select case r when 0 then 'public' else quote_ident(pg_get_userbyid(r)) end
                                             from unnest(p.polroles) r order by 1),
         'using', pg_get_expr(p.polqual, c.oid), 'check', pg_get_expr(p.polwithcheck, c.oid)) order by p.polname)
        from pg_policy p where p.polrelid = c.oid), '[]') as policies
     from (select $1::oid as relid union select relid from pg_partition_tree($1)) tree join pg_class c on c.oid = tree.relid
     order by c.oid <> $1, 2`,
    [oid],
  );
}

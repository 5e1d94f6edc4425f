import type { Scope } from "./scope.ts";
import type { Session } from "./session.ts";

export interface Column {
  readonly name: string;
  readonly type: string;
  /** Its type lies in the place itself. */
  readonly ownType: boolean;
  /** PostgreSQL computes it. */
  readonly generated: boolean;
  readonly required: boolean;
}

export interface Table {
  readonly name: string;
  /** With its schema, as SQL writes it. */
  readonly at: string;
  readonly columns: readonly Column[];
  /** The tables its foreign keys point at. */
  readonly needs: readonly string[];
  /** Where the table is shared: the column that says whose a row is. */
  readonly tenantColumn: string | null;
  /** As its statistics have it: for a picture of progress. */
  readonly rowsAbout: number;
}

const numbering = (
  seq: string,
): string => `format('increment by %s minvalue %s maxvalue %s start with %s cache %s %scycle',
    ${seq}.seqincrement, ${seq}.seqmin, ${seq}.seqmax, ${seq}.seqstart, ${seq}.seqcache, case when ${seq}.seqcycle then '' else 'no ' end)`;

/** As `name=value, …`. */
const options = (stored: string, before = ""): string =>
  `(select string_agg(format('${before}%I=%L', option_name, option_value), ', ') from pg_options_to_table(${stored}))`;

/** Those of identity columns are made with their tables. */
const SEQUENCES = `
  select format('create %ssequence %I as %s %s', case c.relpersistence when 'u' then 'unlogged ' end, c.relname,
    format_type(s.seqtypid, null), ${numbering("s")}) as statement
  from pg_class c join pg_sequence s on s.seqrelid = c.oid
  where c.oid = any($1) and not exists (select from pg_depend d where d.classid = 'pg_class'::regclass and d.objid = c.oid and d.deptype = 'i')
  order by c.relname collate "C"`;

const COLUMN = `
  format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod))
  || case a.attcompression when 'p' then ' compression pglz' when 'l' then ' compression lz4' else '' end
  || coalesce((select ' collate ' || a.attcollation::regcollation from pg_type t where t.oid = a.atttypid and t.typcollation <> a.attcollation), '')
  || case
       when a.attgenerated <> '' then format(' generated always as (%s) %s', pg_get_expr(d.adbin, d.adrelid),
         case a.attgenerated when 's' then 'stored' else 'virtual' end)
       when a.attidentity <> '' then (
         select format(' generated %s as identity (sequence name %I %s)', case a.attidentity when 'a' then 'always' else 'by default' end,
           (select relname from pg_class where oid = s.seqrelid), ${numbering("s")})
         from pg_depend i join pg_sequence s on s.seqrelid = i.objid
         where i.classid = 'pg_class'::regclass and i.refclassid = 'pg_class'::regclass and i.deptype = 'i'
           and i.refobjid = a.attrelid and i.refobjsubid = a.attnum)
       else coalesce(' default ' || case when d.oid = any($2::oid[]) then format('%L::%s', $3::text, format_type(a.atttypid, null))
         else pg_get_expr(d.adbin, d.adrelid) end, '') end
  || case when not a.attnotnull or n.convalidated = false then ''
       else coalesce(' constraint ' || quote_ident(n.conname), '') || ' not null' end`;

const TABLES = `
  select format('create %stable %I (%s)', case c.relpersistence when 'u' then 'unlogged ' end, c.relname,
    (select string_agg(${COLUMN}, ', ' order by a.attnum) from pg_attribute a
       left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
       left join pg_constraint n on n.conrelid = a.attrelid and n.contype = 'n' and n.conkey = array[a.attnum]
     where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped))
    || coalesce(' with (' || nullif(concat_ws(', ', ${options("c.reloptions")}, ${options("t.reloptions", "toast.")}), '') || ')', '')
    as statement
  from pg_class c left join pg_class t on t.oid = c.reltoastrelid where c.oid = any($1) order by c.relname collate "C"`;

/** What belongs to a column and has no place in `create table`. */
const COLUMNS = `
  select statement from (
    select c.relname as name, a.attnum, unnest(array[
      case when a.attstorage <> t.typstorage then format('alter table only %I alter column %I set storage %s', c.relname, a.attname,
        case a.attstorage when 'p' then 'plain' when 'e' then 'external' when 'm' then 'main' else 'extended' end) end,
      case when a.attstattarget >= 0 then format('alter table only %I alter column %I set statistics %s', c.relname, a.attname, a.attstattarget) end,
      format('alter table only %I alter column %I set (', c.relname, a.attname) || ${options("a.attoptions")} || ')']) as statement
    from pg_class c join pg_attribute a on a.attrelid = c.oid join pg_type t on t.oid = a.atttypid
    where c.oid = any($1) and a.attnum > 0 and not a.attisdropped) s
  where statement is not null order by name collate "C", attnum`;

const OWNED = `
  select format('alter sequence %I owned by %I.%I', s.relname, t.relname, a.attname) as statement
  from pg_depend d join pg_class s on s.oid = d.objid join pg_class t on t.oid = d.refobjid
    join pg_attribute a on a.attrelid = t.oid and a.attnum = d.refobjsubid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype = 'a' and d.objid = any($1)
  order by s.relname collate "C"`;

const SHAPES = `
  select c.relname as name, format('%s.%I', c.relnamespace::regnamespace, c.relname) as at, greatest(c.reltuples, 0)::float8 as "rowsAbout",
    (select coalesce(json_agg(json_build_object('name', a.attname, 'type', format_type(a.atttypid, a.atttypmod),
       'ownType', exists (select from pg_type t where t.oid = a.atttypid and t.typnamespace <> 'pg_catalog'::regnamespace),
       'generated', a.attgenerated <> '', 'required', a.attnotnull) order by a.attnum), '[]')
     from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped) as columns,
    (select coalesce(json_agg(distinct f.relname), '[]') from pg_constraint k join pg_class f on f.oid = k.confrelid
     where k.conrelid = c.oid and k.contype = 'f') as needs,
    (select min(a.attname) from pg_policy p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
       join pg_attribute a on a.attrelid = d.refobjid and a.attnum = d.refobjsubid
     where p.polrelid = c.oid and d.refclassid = 'pg_class'::regclass and d.refobjid = c.oid and d.refobjsubid > 0
       and exists (select from pg_depend e where e.classid = 'pg_policy'::regclass and e.objid = p.oid
                   and e.refclassid = 'pg_proc'::regclass and e.refobjid = to_regprocedure($2))) as "tenantColumn"
  from pg_class c where c.oid = any($1) order by c.relname collate "C"`;

/** Defaults of shared tables that ask who the tenant is: there is one answer in a place of its own. */
const ASKING = `
  select d.objid::text as oid from pg_depend d where d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_proc'::regclass
    and d.refobjid = to_regprocedure($1)`;

export async function readTables(
  session: Session,
  { sequences, tables }: Scope,
  tenantFunction?: string,
): Promise<readonly string[]> {
  const of = async (text: string, ...values: readonly unknown[]): Promise<string[]> =>
    (await session.rows<{ statement: string }>(text, values)).map(({ statement }) => statement);
  const asking = tenantFunction === undefined ? [] : await session.rows<{ oid: string }>(ASKING, [tenantFunction]);
  const [who] =
    tenantFunction === undefined ? [] : await session.rows<{ tenant: string }>(`select ${tenantFunction} as tenant`);
  return [
    ...(await of(SEQUENCES, sequences)),
    ...(await of(
      TABLES,
      tables,
      asking.map(({ oid }) => oid),
      who?.tenant ?? null,
    )),
    ...(await of(COLUMNS, tables)),
    ...(await of(OWNED, sequences)),
  ];
}

export function readShapes(session: Session, { tables }: Scope, tenantFunction?: string): Promise<Table[]> {
  return session.rows<Table>(SHAPES, [tables, tenantFunction ?? null]);
}

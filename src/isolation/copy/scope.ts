import type { Place, Session } from "./session.ts";

/** The objects of a place that can be carried, by their oids. */
export interface Scope {
  readonly tables: readonly string[];
  readonly sequences: readonly string[];
  readonly views: readonly string[];
  readonly types: readonly string[];
}

type Kind = keyof Scope;

interface Found {
  readonly kind: Kind;
  readonly oid: string;
}

const IN_SCHEMA = `
  select case relkind when 'S' then 'sequences' when 'v' then 'views' else 'tables' end as kind, oid
  from pg_class where relnamespace = quote_ident($1)::regnamespace and relkind in ('r', 'v', 'S')
  union all
  select 'types', oid from pg_type where typnamespace = quote_ident($1)::regnamespace and typtype in ('e', 'd')`;

/** The tables whose policies ask who the tenant is, what numbers their rows, and the types of their columns. */
const SHARED = `
  with recursive shared as (
    select distinct p.polrelid as oid from pg_policy p join pg_depend d on d.classid = 'pg_policy'::regclass and d.objid = p.oid
    where d.refclassid = 'pg_proc'::regclass and d.refobjid = to_regprocedure($1)),
  used as (
    select a.atttypid as oid from pg_attribute a join shared s on s.oid = a.attrelid where a.attnum > 0 and not a.attisdropped
    union
    select case t.typtype when 'd' then t.typbasetype else t.typelem end
    from pg_type t join used u on u.oid = t.oid where t.typtype = 'd' or t.typcategory = 'A')
  select 'tables' as kind, oid from shared
  union all
  select distinct 'sequences', d.objid from pg_depend d join shared s on s.oid = d.refobjid join pg_class c on c.oid = d.objid
  where d.classid = 'pg_class'::regclass and d.refclassid = 'pg_class'::regclass and d.deptype in ('a', 'i') and c.relkind = 'S'
  union all
  select 'types', t.oid from pg_type t join used u on u.oid = t.oid
  where t.typtype in ('e', 'd') and t.typnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)`;

/** What lies in the place. Afterwards names in the session mean this place: shared tables may lie in several schemas. */
export async function readScope(session: Session, place: Place): Promise<Scope> {
  if (place.schema === undefined) {
    const scope = grouped(await session.rows<Found>(SHARED, [place.tenantFunction]));
    await session.rows(
      `select set_config('search_path', coalesce(string_agg(distinct relnamespace::regnamespace::text, ', ') || ', ', '')
         || 'pg_temp', false) from pg_class where oid = any($1)`,
      [scope.tables],
    );
    return scope;
  }
  return grouped(await session.rows<Found>(IN_SCHEMA, [place.schema]));
}

function grouped(found: readonly Found[]): Scope {
  const of = (wanted: Kind): string[] => found.filter(({ kind }) => kind === wanted).map(({ oid }) => `${oid}`);
  return { tables: of("tables"), sequences: of("sequences"), views: of("views"), types: of("types") };
}

/** A rule is a query behind `given`, which answers a row (`at`, `message`) for each fault. */
export interface Rule {
  readonly name: string;
  readonly sql: string;
}

/**
 * What every rule may read: the tables and their tenant columns, the roles that are kept within one tenant, excused
 * names, the relations that read the tables through views and rules, and all that is neither the system's nor foreign.
 */
export const given = `
with recursive tables as (select * from unnest($1::oid[], $2::int2[]) as t(oid, col)),
roles as (select unnest($3::oid[]) as oid),
excused as (select unnest($4::text[]) as name),
schemas as (
  select oid from pg_namespace
  where nspname !~ '^pg_' and nspname <> 'information_schema' and oid <> all($5::oid[])
),
readers as (
  select oid from tables
  union
  select r.ev_class from readers x
  join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = x.oid and d.classid = 'pg_rewrite'::regclass
  join pg_rewrite r on r.oid = d.objid
),
-- What extensions bring is judged with the extension, not here.
extended as (select classid, objid from pg_depend where deptype = 'e'),
functions as (
  select p.*, p.oid::regprocedure::text as signature from pg_proc p join schemas s on s.oid = p.pronamespace
  where not exists (select from extended e where e.classid = 'pg_proc'::regclass and e.objid = p.oid)
)`;

/** Whether one of the roles holds anything of this list of privileges. */
export const held = (acl: string): string =>
  `exists (select from aclexplode(${acl}) g join roles h on h.oid = g.grantee)`;

/** The same for the relation `c`, its columns included. */
export const heldOnRelation = `(${held("c.relacl")} or exists (
  select from pg_attribute a where a.attrelid = c.oid and ${held("a.attacl")}))`;

/** Whether one of the roles may call the function `p`. */
export const mayCall = held("coalesce(p.proacl, acldefault('f', p.proowner))");

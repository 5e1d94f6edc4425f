import { CannotBeCarried } from "./refusals.ts";
import type { Scope } from "./scope.ts";
import type { Place, Session } from "./session.ts";

interface Thing {
  readonly thing: string;
}

/** Whatever hangs on the tables and views of a place and would be lost: $1 tables, $2 views, $3 sequences, $4 types. */
const HANGING = `
  select pg_describe_object('pg_trigger'::regclass, oid, 0) as thing from pg_trigger where tgrelid = any($1::oid[] || $2::oid[]) and not tgisinternal
  union all
  select 'disabled ' || pg_describe_object('pg_constraint'::regclass, tgconstraint, 0) from pg_trigger
  where tgrelid = any($1::oid[]) and tgisinternal and tgenabled <> 'O'
  union all
  select pg_describe_object('pg_rewrite'::regclass, oid, 0) from pg_rewrite where ev_class = any($1::oid[] || $2::oid[]) and rulename <> '_RETURN'
  union all
  select pg_describe_object('pg_statistic_ext'::regclass, oid, 0) from pg_statistic_ext where stxrelid = any($1::oid[])
  union all
  select pg_describe_object('pg_publication_rel'::regclass, oid, 0) from pg_publication_rel where prrelid = any($1::oid[])
  union all
  select format('inheritance of table %I', relname) from pg_inherits i join pg_class c on c.oid in (i.inhrelid, i.inhparent) where c.oid = any($1::oid[])
  union all
  select format('security label of %s', pg_describe_object(classoid, objoid, 0)) from pg_seclabel
  where classoid = 'pg_class'::regclass and objoid = any($1::oid[] || $2::oid[] || $3::oid[])
  union all
  select format('table %I of a type', relname) from pg_class where oid = any($1::oid[]) and reloftype <> 0
  union all
  select format('tablespace of %s', pg_describe_object('pg_class'::regclass, c.oid, 0)) from pg_class c
  where reltablespace <> 0 and (oid = any($1::oid[]) or oid in (select indexrelid from pg_index where indrelid = any($1::oid[])))
  union all
  select format('storage manner of table %I', relname) from pg_class c join pg_am m on m.oid = c.relam where c.oid = any($1::oid[]) and m.amname <> 'heap'
  union all
  select format('unfinished index %I', c.relname) from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = any($1::oid[]) and not (i.indisvalid and i.indisready)
  union all
  select format('column %I of table %I, which holds numbers of objects (%s)', a.attname, c.relname, format_type(a.atttypid, null))
  from pg_attribute a join pg_class c on c.oid = a.attrelid join pg_type t on t.oid = a.atttypid
  where a.attrelid = any($1::oid[]) and a.attnum > 0 and not a.attisdropped
    and (t.typname ~ '^_?reg' and t.typnamespace = 'pg_catalog'::regnamespace)
  union all
  select pg_describe_object('pg_class'::regclass, oid, 0) || ', whose name is one of PostgreSQL''s own' from pg_class
  where oid = any($1::oid[] || $2::oid[] || $3::oid[]) and not pg_table_is_visible(oid)
  union all
  select pg_describe_object('pg_type'::regclass, oid, 0) || ', whose name is one of PostgreSQL''s own' from pg_type
  where oid = any($4::oid[]) and not pg_type_is_visible(oid)`;

/** What the carried objects are made with and is neither carried nor PostgreSQL's own. */
const NEEDED = `
  with carried (class, oid) as (
    select 'pg_class'::regclass, unnest($1::oid[] || $2::oid[] || $3::oid[])
    union all select 'pg_class'::regclass, indexrelid from pg_index where indrelid = any($1::oid[])
    union all select 'pg_type'::regclass, unnest($4::oid[])
    union all select 'pg_type'::regclass, typarray from pg_type where oid = any($4::oid[])
    union all select 'pg_constraint'::regclass, oid from pg_constraint where conrelid = any($1::oid[]) or contypid = any($4::oid[])
    union all select 'pg_attrdef'::regclass, oid from pg_attrdef where adrelid = any($1::oid[] || $2::oid[])
    union all select 'pg_rewrite'::regclass, oid from pg_rewrite where ev_class = any($1::oid[] || $2::oid[]))
  select distinct format('%s, which needs %s', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.refclassid, d.refobjid, 0)) as thing
  from pg_depend d join carried c on c.class = d.classid and c.oid = d.objid
    cross join lateral pg_identify_object(d.refclassid, d.refobjid, 0) o
  where d.deptype <> 'i' and o.schema is not null and o.schema not in ('pg_catalog', 'information_schema', 'pg_toast')
    and not exists (select from carried r where r.class = d.refclassid and r.oid = d.refobjid)
    and not (d.classid = 'pg_attrdef'::regclass and d.refclassid = 'pg_proc'::regclass and d.refobjid is not distinct from to_regprocedure($5))`;

/** What lies in the schema $5 and is not carried. */
const BESIDE = `
  select pg_describe_object(d.classid, d.objid, 0) as thing from pg_depend d
  where d.refclassid = 'pg_namespace'::regclass and d.refobjid = quote_ident($5)::regnamespace
    and not (d.classid = 'pg_class'::regclass and d.objid = any($1::oid[] || $2::oid[] || $3::oid[]))
    and not (d.classid = 'pg_type'::regclass and d.objid = any($4::oid[]))
    and d.classid <> 'pg_default_acl'::regclass`;

/** What is not the owner's ($5) alone: objects, rights, and rows that policies hide. */
const OTHERS = `
  with objects (class, oid, owner, acl) as (
    select 'pg_class'::regclass, oid, relowner, relacl from pg_class where oid = any($1::oid[] || $2::oid[] || $3::oid[])
    union all
    select 'pg_type'::regclass, oid, typowner, typacl from pg_type where oid = any($4::oid[])
    union all
    select 'pg_class'::regclass, attrelid, null, attacl from pg_attribute where attrelid = any($1::oid[] || $2::oid[]))
  select format('%s, which belongs to %I', pg_describe_object(class, oid, 0), pg_get_userbyid(owner)) as thing
  from objects where pg_get_userbyid(owner) <> $5
  union all
  select format('a right of %I on %s', pg_get_userbyid(a.grantee), pg_describe_object(class, oid, 0)) from objects, aclexplode(acl) a
  where a.grantee <> 0 and pg_get_userbyid(a.grantee) <> $5 and not starts_with(pg_get_userbyid(a.grantee), $5 || '_')
  union all
  select pg_describe_object('pg_policy'::regclass, oid, 0) from pg_policy where polrelid = any($1::oid[])
  union all
  select format('row level security of table %I', relname) from pg_class
  where oid = any($1::oid[]) and (relrowsecurity or relforcerowsecurity)`;

/** What the tenant's roles ($2 and those whose names begin with it) own in the database outside the schema $1. */
const OUTSIDE = `
  select pg_describe_object(s.classid, s.objid, 0) as thing from pg_shdepend s, lateral pg_identify_object(s.classid, s.objid, 0) o
  where s.dbid = (select oid from pg_database where datname = current_database())
    and s.refclassid = 'pg_authid'::regclass and s.deptype = 'o'
    and (pg_get_userbyid(s.refobjid) = $2 or starts_with(pg_get_userbyid(s.refobjid), $2 || '_'))
    and o.schema is distinct from quote_ident($1) and o.schema is distinct from 'pg_toast'
    and s.classid <> 'pg_default_acl'::regclass
  union all
  select pg_describe_object('pg_default_acl'::regclass, d.oid, 0) from pg_default_acl d
  where (pg_get_userbyid(defaclrole) = $2 or starts_with(pg_get_userbyid(defaclrole), $2 || '_'))
    and exists (select from aclexplode(d.defaclacl) a
                where a.grantee <> d.defaclrole and (a.grantee = 0 or pg_get_userbyid(a.grantee) <> $2 || '_ro'))`;

/** Rejects with `CannotBeCarried`, which names everything of the place that a copy would lack. */
export async function refuseUncarried(session: Session, place: Place, scope: Scope): Promise<void> {
  const { schema, owner } = place;
  const carried = [scope.tables, scope.views, scope.sequences, scope.types];
  const found = [
    ...(await session.rows<Thing>(HANGING, carried)),
    ...(await session.rows<Thing>(NEEDED, [...carried, place.tenantFunction ?? null])),
  ];
  if (schema !== undefined) {
    found.push(...(await session.rows<Thing>(BESIDE, [...carried, schema])));
    found.push(...(await session.rows<Thing>(OTHERS, [...carried, owner])));
    found.push(...(await session.rows<Thing>(OUTSIDE, [schema, owner])));
  }
  refuse(found);
}

/** Rejects with `CannotBeCarried`, which names what lies in the schema. */
export async function refuseAnything(session: Session, schema: string): Promise<void> {
  refuse(await session.rows<Thing>(BESIDE, [[], [], [], [], schema]), "The place is not empty, it holds");
}

function refuse(found: readonly Thing[], message?: string): void {
  const things = [...new Set(found.map(({ thing }) => thing))].sort();
  if (things.length > 0) throw new CannotBeCarried(things, message);
}

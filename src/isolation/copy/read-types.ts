import type { Scope } from "./scope.ts";
import type { Session } from "./session.ts";

interface Made {
  readonly statement: string;
}

/** Enumerations first, and each domain after the one it is made of. */
const TYPES = `
  with recursive made (oid, depth) as (
    select t.oid, 0 from pg_type t left join pg_type b on b.oid = t.typbasetype
    where t.oid = any($1) and (t.typtype = 'e' or not (b.oid = any($1) or b.typelem = any($1)))
    union all
    select t.oid, m.depth + 1 from pg_type t join pg_type b on b.oid = t.typbasetype join made m on m.oid in (b.oid, b.typelem)
    where t.oid = any($1) and t.typtype = 'd')
  select case t.typtype
    when 'e' then format('create type %I as enum (%s)', t.typname,
      (select string_agg(quote_literal(enumlabel), ', ' order by enumsortorder) from pg_enum where enumtypid = t.oid))
    else format('create domain %I as %s%s', t.typname, format_type(t.typbasetype, t.typtypmod),
      (select ' collate ' || t.typcollation::regcollation from pg_type b where b.oid = t.typbasetype and b.typcollation <> t.typcollation))
    end as statement
  from made m join pg_type t using (oid) order by m.depth, t.typtype = 'd', t.typname collate "C"`;

/** What domains ask for; written once every type is there, for it may name any of them. */
const DOMAINS = `
  select statement from (
    select typname, 0 as rank, '' as part, format('alter domain %I set default %s', typname, pg_get_expr(typdefaultbin, 0)) as statement
    from pg_type where oid = any($1) and typtype = 'd' and typdefaultbin is not null
    union all
    select typname, 1, '', format('alter domain %I set not null', typname) from pg_type t
    where oid = any($1) and typtype = 'd' and typnotnull and not exists (select from pg_constraint where contypid = t.oid and contype = 'n')
    union all
    select typname, 2, conname, format('alter domain %I add constraint %I %s', typname, conname, pg_get_constraintdef(c.oid))
    from pg_type t join pg_constraint c on c.contypid = t.oid where t.oid = any($1)) s
  order by typname collate "C", rank, part collate "C"`;

export async function readTypes(session: Session, { types }: Scope): Promise<readonly string[]> {
  if (types.length === 0) return [];
  const made = await session.rows<Made>(TYPES, [types]);
  const asked = await session.rows<Made>(DOMAINS, [types]);
  return [...made, ...asked].map(({ statement }) => statement);
}

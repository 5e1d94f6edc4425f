import type { Scope } from "./scope.ts";
import type { Session } from "./session.ts";

const COMMENTS = `
  with said as (
    select d.*, case
      when d.classoid = 'pg_class'::regclass and d.objsubid > 0 then
        (select format('column %I.%I', c.relname, a.attname) from pg_class c join pg_attribute a on a.attrelid = c.oid
         where c.oid = d.objoid and a.attnum = d.objsubid)
      when d.classoid = 'pg_class'::regclass then
        (select format('%s %I', case relkind when 'r' then 'table' when 'v' then 'view' when 'S' then 'sequence' else 'index' end, relname)
         from pg_class where oid = d.objoid)
      when d.classoid = 'pg_type'::regclass then
        (select format('%s %I', case typtype when 'd' then 'domain' else 'type' end, typname) from pg_type where oid = d.objoid)
      else (select coalesce(
              (select format('constraint %I on %I', k.conname, c.relname) from pg_class c where c.oid = k.conrelid),
              (select format('constraint %I on domain %I', k.conname, t.typname) from pg_type t where t.oid = k.contypid))
            from pg_constraint k where k.oid = d.objoid) end as on
    from pg_description d
    where (d.classoid = 'pg_class'::regclass and (d.objoid = any($1::oid[] || $2::oid[] || $3::oid[])
             or d.objoid in (select indexrelid from pg_index where indrelid = any($1::oid[]))))
       or (d.classoid = 'pg_type'::regclass and d.objoid = any($4::oid[]))
       or (d.classoid = 'pg_constraint'::regclass
           and d.objoid in (select oid from pg_constraint where conrelid = any($1::oid[]) or contypid = any($4::oid[]))))
  select format('comment on %s is %L', said.on, description) as statement from said order by said.on collate "C"`;

export async function readComments(session: Session, scope: Scope): Promise<readonly string[]> {
  const { tables, sequences, views, types } = scope;
  const said = await session.rows<{ statement: string }>(COMMENTS, [tables, sequences, views, types]);
  return said.map(({ statement }) => statement);
}

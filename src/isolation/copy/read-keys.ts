import type { Scope } from "./scope.ts";
import type { Session } from "./session.ts";

interface Statement {
  readonly statement: string;
}

const options = (stored: string): string =>
  `(select string_agg(format('%I=%L', option_name, option_value), ', ') from pg_options_to_table(${stored}))`;

/** Keys and checks; a column that is required without proof (`not null not valid`) is one of them. */
const CONSTRAINTS = `
  select format('alter table only %I add constraint %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) as statement
  from pg_constraint k join pg_class c on c.oid = k.conrelid
  where k.conrelid = any($1) and (k.contype in ('p', 'u', 'x', 'c') or (k.contype = 'n' and not k.convalidated))
  order by k.contype in ('c', 'n'), c.relname collate "C", k.conname collate "C"`;

/** As PostgreSQL writes it, less the schema, which it always names. */
const INDEXES = `
  select start || format(' on %I', t.relname)
    || substr(pg_get_indexdef(i.indexrelid), length(start || format(' on %s.%I', t.relnamespace::regnamespace, t.relname)) + 1) as statement
  from pg_index i join pg_class c on c.oid = i.indexrelid join pg_class t on t.oid = i.indrelid
    cross join lateral format('create %sindex %I', case when i.indisunique then 'unique ' end, c.relname) as start
  where i.indrelid = any($1) and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = i.indrelid and k.contype in ('p', 'u', 'x'))
  order by c.relname collate "C"`;

/** What belongs to an index or a key and has no place in its definition. */
const SETTINGS = `
  select statement from (
    select i.relname as name, 0 as part, format('alter index %I set (%s)', i.relname, ${options("i.reloptions")}) as statement
    from pg_constraint k join pg_class i on i.oid = k.conindid
    where k.conrelid = any($1) and k.contype in ('p', 'u', 'x') and i.reloptions is not null
    union all
    select i.relname, a.attnum, format('alter index %I alter column %s set statistics %s', i.relname, a.attnum, a.attstattarget)
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_attribute a on a.attrelid = i.oid
    where x.indrelid = any($1) and a.attstattarget >= 0 and a.attnum > 0
    union all
    select i.relname, -1, format('alter table only %I cluster on %I', c.relname, i.relname)
    from pg_index x join pg_class i on i.oid = x.indexrelid join pg_class c on c.oid = x.indrelid
    where x.indrelid = any($1) and x.indisclustered
    union all
    select c.relname, -2, format('alter table only %I replica identity %s', c.relname, case c.relreplident when 'f' then 'full' when 'n' then 'nothing'
      else (select format('using index %I', i.relname) from pg_index x join pg_class i on i.oid = x.indexrelid
            where x.indrelid = c.oid and x.indisreplident) end)
    from pg_class c where c.oid = any($1) and c.relreplident <> 'd') s
  where statement is not null order by name collate "C", part`;

const FOREIGN_KEYS = `
  select format('alter table only %I add constraint %I %s', c.relname, k.conname, pg_get_constraintdef(k.oid)) as statement,
    format('alter table only %I drop constraint %I', c.relname, k.conname) as undone
  from pg_constraint k join pg_class c on c.oid = k.conrelid where k.conrelid = any($1) and k.contype = 'f'
  order by c.relname collate "C", k.conname collate "C"`;

export interface ForeignKey extends Statement {
  readonly undone: string;
}

/** In the order in which they are made, once the rows are there. */
export async function readKeys(session: Session, { tables }: Scope): Promise<readonly string[]> {
  const read: string[] = [];
  for (const text of [CONSTRAINTS, INDEXES, SETTINGS]) {
    for (const { statement } of await session.rows<Statement>(text, [tables])) read.push(statement);
  }
  return read;
}

export function readForeignKeys(session: Session, { tables }: Scope): Promise<ForeignKey[]> {
  return session.rows<ForeignKey>(FOREIGN_KEYS, [tables]);
}

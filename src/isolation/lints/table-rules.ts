import { held, heldOnRelation, mayCall, type Rule } from "./rule.ts";

/** An id is 26 characters. */
const ID_LENGTH = 26;

/** What is judged of each table of tenants' rows. */
export const tableRules: readonly Rule[] = [
  {
    name: "not-walled",
    sql: `select t.oid::regclass::text as at,
      'is not under forced row level security' as message
      from tables t join pg_class c on c.oid = t.oid where not (c.relrowsecurity and c.relforcerowsecurity)`,
  },
  {
    name: "owner",
    sql: `select t.oid::regclass::text as at, format(case when h.oid is not null
        then 'belongs to %I, which tenants can act as: give it to a role of yours (alter table … owner to …)'
        else 'belongs to %I, which no policy binds: give it to an ordinary role (alter table … owner to …)'
      end, o.rolname) as message
      from tables t join pg_class c on c.oid = t.oid join pg_roles o on o.oid = c.relowner
      left join roles h on h.oid = o.oid where h.oid is not null or o.rolsuper or o.rolbypassrls`,
  },
  {
    name: "column-type",
    sql: `select format('%s.%I', t.oid::regclass, a.attname) as at, format(
        'is of type %s, which cannot hold a tenant''s id: 26 characters, compared exactly (alter column … type text)',
        format_type(a.atttypid, a.atttypmod) || case when not coalesce(l.collisdeterministic, true)
          then ' with the inexact collation ' || l.collname else '' end) as message
      from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum = t.col
      join pg_type y on y.oid = a.atttypid left join pg_collation l on l.oid = a.attcollation
      where not (coalesce(nullif(y.typbasetype, 0), y.oid) in ('text'::regtype, 'varchar'::regtype)
        and coalesce(nullif(greatest(a.atttypmod, y.typtypmod), -1) - 4, ${ID_LENGTH}) >= ${ID_LENGTH})
        or not coalesce(l.collisdeterministic, true) or a.attgenerated <> ''`,
  },
  {
    name: "column-nullable",
    sql: `select format('%s.%I', t.oid::regclass, a.attname) as at,
      format('may be null: give every row its tenant, then: alter table %s alter %I set not null', t.oid::regclass,
        a.attname) as message
      from tables t join pg_attribute a on a.attrelid = t.oid and a.attnum = t.col where not a.attnotnull`,
  },
  {
    name: "unique",
    sql: `select i.indexrelid::regclass::text as at, format(
        'is unique over all tenants: its error tells that another has a value. Put %I into it, or excuse it where its values are random',
        a.attname) as message
      from tables t join pg_index i on i.indrelid = t.oid join pg_class c on c.oid = i.indexrelid
      join pg_attribute a on a.attrelid = t.oid and a.attnum = t.col
      where (i.indisunique or i.indisexclusion) and not t.col = any((i.indkey::int2[])[0:i.indnkeyatts - 1])
        and not exists (select from pg_inherits p where p.inhrelid = i.indexrelid)
        and c.relname not in (select name from excused)`,
  },
  {
    name: "foreign-key",
    sql: `select format('%s on %s', quote_ident(f.conname), f.conrelid::regclass) as at,
      format('refers to %s without the tenant''s column: it tells whether another''s row exists, and follows it when it goes. Refer by both columns',
        f.confrelid::regclass) as message
      from pg_constraint f left join tables own on own.oid = f.conrelid left join tables theirs on theirs.oid = f.confrelid
      where f.contype = 'f' and f.conparentid = 0 and f.conname not in (select name from excused)
        and (own.oid is not null or theirs.oid is not null)
        and not exists (select from unnest(f.conkey, f.confkey) as pair(mine, other)
          where (own.oid is null or pair.mine = own.col) and (theirs.oid is null or pair.other = theirs.col))
        -- What all tenants share, such as a list of countries, may be referred to.
        and not (theirs.oid is null and not exists (
          select from pg_class c where c.oid = f.confrelid and (c.relrowsecurity or exists (
            select from pg_attribute a join pg_attribute mine on mine.attrelid = own.oid and mine.attnum = own.col
            where a.attrelid = c.oid and a.attname = mine.attname))))`,
  },
  {
    name: "view",
    sql: `select c.oid::regclass::text as at, format(
        'is a view that reads with the rights of %I%s, and that tenants may read: alter view %s set (security_invoker = true)',
        o.rolname, case when o.rolsuper or o.rolbypassrls then ', whom no policy binds' else '' end, c.oid::regclass) as message
      from readers join pg_class c using (oid) join pg_roles o on o.oid = c.relowner
      where c.relkind = 'v' and ${heldOnRelation} and not coalesce((select option_value::boolean
        from pg_options_to_table(c.reloptions) where option_name = 'security_invoker'), false)`,
  },
  {
    name: "materialized-view",
    sql: `select c.oid::regclass::text as at,
      'is a materialized view: a copy of all tenants'' rows under no policy, which tenants may read' as message
      from readers join pg_class c using (oid) where c.relkind = 'm' and ${heldOnRelation}`,
  },
  {
    name: "rule",
    sql: `select format('%I on %s', r.rulename, c.oid::regclass) as at,
      'is a rule: it acts with the rights of the table''s owner. Use a trigger' as message
      from readers join pg_class c using (oid) join pg_rewrite r on r.ev_class = c.oid
      where c.relkind not in ('v', 'm') and (c.oid in (select oid from tables) or ${heldOnRelation})`,
  },
  {
    name: "definer-function",
    sql: `select p.signature as at, format(
        'reads %s with the rights of %I, and tenants may call it: revoke execute on it from public and from them',
        string_agg(t.oid::regclass::text, ', '), o.rolname) as message
      from functions p join pg_roles o on o.oid = p.proowner
      join (tables t join pg_class c on c.oid = t.oid) on
        p.prosrc ~* ('(^|\\W)' || regexp_replace(c.relname, '(\\W)', '\\\\\\1', 'g') || '($|\\W)')
        or exists (select from pg_depend d join readers x on x.oid = d.refobjid
                   where d.classid = 'pg_proc'::regclass and d.objid = p.oid and d.refclassid = 'pg_class'::regclass)
      where p.prosecdef and ${mayCall} group by p.signature, o.rolname`,
  },
  {
    name: "table-right",
    sql: `select distinct t.oid::regclass::text as at, format(
        'gives %s to %s, which goes past row level security: revoke it', g.privilege_type,
        case g.grantee when 0 then 'everybody' else quote_ident(pg_get_userbyid(g.grantee)) end) as message
      from tables t join pg_class c on c.oid = t.oid, aclexplode(c.relacl) g join roles h on h.oid = g.grantee
      where g.privilege_type not in ('SELECT', 'INSERT', 'UPDATE', 'DELETE')`,
  },
  {
    name: "table-public",
    sql: `select distinct t.oid::regclass::text as at,
      format('gives %s to everybody: revoke all on %s from public', g.privilege_type, t.oid::regclass) as message
      from tables t join pg_class c on c.oid = t.oid, lateral (
        select privilege_type, grantee from aclexplode(c.relacl)
        union select x.privilege_type, x.grantee from pg_attribute a, aclexplode(a.attacl) x where a.attrelid = c.oid) g
      where g.grantee = 0`,
  },
  {
    name: "sequence",
    sql: `select distinct c.oid::regclass::text as at,
      format('is a sequence that counts over all tenants, and tenants may read or move it: revoke all on sequence %s from them',
        c.oid::regclass) as message
      from tables t join pg_depend d on d.refclassid = 'pg_class'::regclass and d.refobjid = t.oid
        and d.classid = 'pg_class'::regclass
      join pg_class c on c.oid = d.objid and c.relkind = 'S' where ${held("c.relacl")}`,
  },
  {
    name: "serial",
    sql: `select distinct format('%s.%I', t.oid::regclass, a.attname) as at, format(
        'takes its default from the sequence %s, which tenants may not use: make it an identity column, or better a random uuid',
        d.refobjid::regclass) as message
      from tables t join pg_attrdef f on f.adrelid = t.oid join pg_attribute a on a.attrelid = t.oid and a.attnum = f.adnum
      join pg_depend d on d.classid = 'pg_attrdef'::regclass and d.objid = f.oid and d.refclassid = 'pg_class'::regclass
      join pg_class s on s.oid = d.refobjid and s.relkind = 'S'`,
  },
  {
    name: "true-policy",
    sql: `select format('%I on %s', p.polname, p.polrelid::regclass) as at,
      'lets every row pass, and no restrictive policy stands beside it' as message
      from tables t join pg_policy p on p.polrelid = t.oid
      where p.polpermissive and exists (select from roles h where h.oid = any(p.polroles))
        and 'true' in (pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
        and not exists (select from pg_policy w where w.polrelid = t.oid and not w.polpermissive
                        and w.polcmd = '*' and w.polroles = '{0}')`,
  },
  {
    name: "inheritance",
    sql: `select i.inhrelid::regclass::text as at, format('inherits from %s: its rows are read past the policies of either. Use partitions',
        i.inhparent::regclass) as message
      from pg_inherits i join pg_class c on c.oid = i.inhrelid and c.relkind in ('r', 'p', 'f') and not c.relispartition
      where i.inhparent in (select oid from tables) or i.inhrelid in (select oid from tables)`,
  },
];

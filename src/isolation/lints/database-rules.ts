import { held, heldOnRelation, mayCall, type Rule } from "./rule.ts";

/** What is judged of a database beside its tables of tenants' rows. */
export const databaseRules: readonly Rule[] = [
  {
    name: "mighty-role",
    sql: `select quote_ident(r.rolname) as at, 'is kept within one tenant, yet it ' || case
        when r.rolname ~ '^pg_' then 'is a role of the system with rights over everything: revoke that membership'
        when r.rolsuper then 'is a superuser' when r.rolbypassrls then 'bypasses row level security'
        when r.rolcreaterole then 'may make roles' when r.rolcreatedb then 'may make databases'
        else 'may read the whole server by replication' end as message
      from roles join pg_roles r using (oid)
      where r.rolname ~ '^pg_' or r.rolsuper or r.rolbypassrls or r.rolcreaterole or r.rolcreatedb or r.rolreplication`,
  },
  {
    name: "owned",
    sql: `select c.oid::regclass::text as at,
      format('belongs to %I, which is kept within one tenant: what it owns it can open', pg_get_userbyid(c.relowner)) as message
      from pg_class c join schemas s on s.oid = c.relnamespace join roles h on h.oid = c.relowner
      where c.relkind in ('r', 'p', 'v', 'm', 'f', 'S')`,
  },
  {
    name: "pinned-path",
    sql: `select p.signature as at,
      'runs with the rights of its owner, and its search path is not pinned: alter function … set search_path = …, pg_temp' as message
      from functions p where p.prosecdef and not exists (select from unnest(p.proconfig) as x(line)
        where line ~ '^search_path=' and (line = 'search_path=""' or line ~ 'pg_temp"?$'))`,
  },
  {
    name: "mighty-function",
    sql: `select p.signature as at,
      format('runs with the rights of %I, whom no policy binds, and may be called by roles that are kept within one tenant',
        o.rolname) as message
      from functions p join pg_roles o on o.oid = p.proowner
      where p.prosecdef and (o.rolsuper or o.rolbypassrls) and ${mayCall}`,
  },
  {
    name: "frozen-setting",
    sql: `select p.signature as at,
      'is declared immutable and reads who asks: a prepared plan would keep the first tenant. Declare it stable' as message
      from functions p where p.provolatile = 'i' and case when p.prokind = 'f' then pg_get_functiondef(p.oid) end ~* '\\m(current_setting|session_user|current_user|current_role)\\M'`,
  },
  {
    name: "leakproof",
    sql: `select p.signature as at,
      'is declared leakproof: it is shown rows before the policies have judged them' as message
      from functions p where p.proleakproof`,
  },
  {
    name: "public-database",
    sql: `select quote_ident(d.datname) as at, format('gives %s to everybody: revoke all on database %I from public',
        string_agg(g.privilege_type, ', ' order by g.privilege_type), d.datname) as message
      from pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) g
      where d.datname = current_database() and g.grantee = 0 group by d.datname`,
  },
  {
    name: "public-schema",
    sql: `select quote_ident(n.nspname) as at, format('lets everybody make objects in it: revoke create on schema %I from public',
        n.nspname) as message
      from pg_namespace n join schemas using (oid), aclexplode(n.nspacl) g
      where g.grantee in (select oid from roles) and g.privilege_type = 'CREATE'`,
  },
  {
    name: "public-usage",
    sql: `select quote_ident(n.nspname) as at, format('may be looked into by everybody: revoke usage on schema %I from public',
        n.nspname) as message
      from pg_namespace n join schemas using (oid), aclexplode(n.nspacl) g
      where g.grantee = 0 and g.privilege_type = 'USAGE'`,
  },
  {
    name: "public-relation",
    sql: `select distinct c.oid::regclass::text as at, format('gives %s to everybody: revoke it from public', g.privilege_type) as message
      from pg_class c join schemas s on s.oid = c.relnamespace, aclexplode(c.relacl) g
      where g.grantee = 0 and c.oid not in (select oid from tables)
        and not exists (select from extended e where e.classid = 'pg_class'::regclass and e.objid = c.oid)`,
  },
  {
    name: "public-function",
    sql: `select p.signature as at, format('may be called by everybody: revoke all on function %s from public', p.signature) as message
      from functions p, aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) g
      where g.grantee = 0 and p.prorettype <> 'trigger'::regtype
        -- Of each deployment: it tells who asks, and every policy asks it.
        and p.signature !~ '^[a-z][a-z0-9]{0,15}_stallholder\\.tenant\\(\\)$'`,
  },
  {
    name: "public-default",
    sql: `select coalesce(quote_ident(n.nspname), '(every schema)') as at,
      format('what %I makes there later is given to roles that are kept within one tenant: alter default privileges … revoke …',
        pg_get_userbyid(f.defaclrole)) as message
      from pg_default_acl f left join pg_namespace n on n.oid = f.defaclnamespace
      where f.defaclobjtype in ('r', 'S') and (n.oid is null or n.oid in (select oid from schemas)) and ${held("f.defaclacl")}`,
  },
  {
    name: "shared-writes",
    sql: `select distinct c.oid::regclass::text as at,
      'holds no tenant''s column, and roles that are kept within one tenant may write to it: what one writes all read' as message
      from pg_class c join schemas s on s.oid = c.relnamespace, aclexplode(c.relacl) g join roles h on h.oid = g.grantee
      where c.relkind in ('r', 'p', 'f') and not c.relrowsecurity and g.privilege_type <> 'SELECT'
        and c.oid not in (select oid from tables)`,
  },
  {
    name: "foreign-server",
    sql: `select quote_ident(f.srvname) as at,
      'is a foreign server that roles kept within one tenant may use: it is reached with another''s rights' as message
      from pg_foreign_server f where ${held("f.srvacl")}`,
  },
  {
    name: "copies",
    sql: `select c.oid::regclass::text as at,
      'is a view or materialized view that roles kept within one tenant may read, and reads with the rights of its owner' as message
      from pg_class c join schemas s on s.oid = c.relnamespace
      where c.relkind in ('v', 'm') and c.oid not in (select oid from readers) and ${heldOnRelation}
        and not exists (select from extended e where e.classid = 'pg_class'::regclass and e.objid = c.oid)
        and not coalesce((select option_value::boolean from pg_options_to_table(c.reloptions)
                          where option_name = 'security_invoker'), false)`,
  },
];

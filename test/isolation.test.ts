import type pg from "pg";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { DOORS } from "./support/doors.ts";
import { plantRows } from "./support/probes.ts";
import { listed, open } from "./support/tenant-server.ts";
import type { WalledTable } from "./support/walled-table.ts";

/** Called by the role that stores usage as well. */
const DOOR_OF_WRITER = "enter_usage(text[],uuid[],boolean)";
const WITHOUT_TENANTS = [
  "audit_anchors",
  "aws_messages",
  "aws_rounds",
  "aws_tokens",
  "console_saml_requests",
  "console_sessions",
  "endpoint_acts",
  "endpoints",
  "lifecycle_days",
  "migrations",
  "migrations_lock",
  "operators",
  "picture_rolls",
  "purchase_months",
  "revenue_counts",
  "rotations",
  "sealed_places",
  "token_keys",
  "top_rolls",
  "usage_forgetting",
  "usage_gate",
  "usage_keys_0",
  "usage_keys_1",
  "usage_lots",
  "usage_paces",
  "usage_rolls",
  "usage_sums",
  "workers",
];
/** Read by the owner of the views of docs/reporting.md as well: test/reporting.test.ts says what of them. */
const REPORTED = ["tenants", "usage_records"];
/** Unique over all tenants because their values are random, or given by one marketplace. */
const UNIQUE_OVER_ALL = [
  "aws_connections_pkey",
  "aws_licences_pkey",
  "credentials_key",
  "resource_ids_pkey",
  "sessions_pkey",
  "tenants_marketplace_resource_id_key",
  "tenants_pkey",
];

const tenants = { a: mintTenantId(), b: mintTenantId() };

let home: TestDatabase;
let superuser: pg.Client;
let tables: readonly WalledTable[];

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
  tables = await plantRows(superuser, tenants);
});

afterAll(async () => {
  await superuser.end();
  await home.drop();
});

describe("the catalogue", () => {
  test("has these doors and no others, each with a pinned search path, owned by nobody mighty, closed to the public", async () => {
    const { rows } = await superuser.query(
      `select p.oid::regprocedure::text as door, p.proconfig as settings, r.rolsuper or r.rolbypassrls as mighty,
              (select array_agg(g.grantee::regrole::text order by g.grantee::regrole::text) from aclexplode(p.proacl) g) as callers
       from pg_proc p join pg_roles r on r.oid = p.proowner
       where p.pronamespace = 'public'::regnamespace and p.prosecdef order by 1`,
    );
    expect(rows.map((row) => row.door)).toEqual(DOORS);
    for (const row of rows) {
      expect(row).toEqual({
        door: row.door,
        settings: ["search_path=public, pg_temp", "application_name=stallholder door"],
        mighty: false,
        callers: ["stallholder_app", "stallholder_owner", ...(row.door === DOOR_OF_WRITER ? ["usage_writer"] : [])],
      });
    }
  });

  test("forces row level security on every table but the few that hold no tenant, with these two policies alone", async () => {
    const { rows } = await superuser.query(
      `select c.relname as name, c.relrowsecurity and c.relforcerowsecurity as walled,
              (select array_agg(concat_ws(' ', p.polname, p.polcmd, p.polroles::regrole[]::text, pg_get_expr(p.polqual, c.oid),
                                          pg_get_expr(p.polwithcheck, c.oid)) order by p.polname)
               from pg_policy p where p.polrelid = c.oid) as policies
       from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'f') order by 1`,
    );
    const walled = rows.filter((row) => !WITHOUT_TENANTS.includes(row.name));
    expect(walled.map((row) => row.name)).toEqual(tables.map((table) => table.name));
    for (const [index, row] of walled.entries()) {
      const own = `(${tables[index]?.tenantColumn} = this_tenant())`;
      const reported = REPORTED.includes(row.name) ? ["reporting r {stallholder_views} true"] : [];
      const policies = [`door * {stallholder_owner} in_door() in_door()`, ...reported, `tenant * {-} ${own} ${own}`];
      expect(row).toEqual({ name: row.name, walled: true, policies });
    }
  });

  test("grants nothing to the public but the sight of the schema", async () => {
    const grants = await listed(
      superuser,
      `select o.what || ' ' || g.privilege_type from (
         select relname::text as what, relacl as acl from pg_class where relnamespace = 'public'::regnamespace
         union all select p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)) from pg_proc p
                   where p.pronamespace = 'public'::regnamespace and p.prorettype <> 'trigger'::regtype
         union all select 'schema', nspacl from pg_namespace where nspname = 'public'
         union all select 'database', datacl from pg_database where datname = current_database()) o, aclexplode(o.acl) g
       where g.grantee = 0 order by 1`,
    );
    expect(grants).toEqual(["schema USAGE"]);
  });

  test("gives the serving role no might: it owns nothing, is nobody's member, and may not rewrite history", async () => {
    const might = await listed(
      superuser,
      `select rolname from pg_roles where rolname = 'stallholder_app'
         and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
       union all select roleid::regrole::text from pg_auth_members where member = 'stallholder_app'::regrole
         and roleid <> 'usage_writer'::regrole
       union all select relname::text from pg_class where relowner = 'stallholder_app'::regrole
       union all select proname::text from pg_proc where proowner = 'stallholder_app'::regrole`,
    );
    expect(might).toEqual([]);
    const rights = await listed(
      superuser,
      `select table_name || ' ' || privilege_type from information_schema.role_table_grants
       where grantee = 'stallholder_app' and (privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER')
         or (table_name like 'audit%' and privilege_type <> 'SELECT')
         or (table_name = 'lifecycle_events' and privilege_type <> 'SELECT' and privilege_type <> 'INSERT')
         or (table_name in ('tenants', 'operations', 'owed_calls', 'deliveries', 'credentials') and privilege_type = 'DELETE'))`,
    );
    expect(rights).toEqual([]);
  });

  test("keeps the tenant in every key, so that no tenant can feel another's", async () => {
    const foreign = await listed(
      superuser,
      `select conname from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
         and not (select attnum from pg_attribute where attrelid = conrelid and attname = 'tenant_id') = any(conkey)`,
    );
    expect(foreign).toEqual([]);
    const unique = await listed(
      superuser,
      `select i.indexrelid::regclass::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       join pg_class c on c.oid = i.indrelid
       where i.indisunique and c.relnamespace = 'public'::regnamespace and a.attname not in ('tenant_id', 'chain')
         and c.relname not in (${WITHOUT_TENANTS.map((name) => `'${name}'`).join()}) order by 1`,
    );
    expect(unique).toEqual(UNIQUE_OVER_ALL);
    const frozen = await listed(
      superuser,
      "select proname from pg_proc where pronamespace = 'public'::regnamespace and provolatile = 'i'",
    );
    expect(frozen).toEqual([]);
  });
});

import pg from "pg";
import { systemClock } from "../src/clock.ts";
import { connect } from "../src/db/db.ts";
import { migrate } from "../src/db/migrate.ts";
import { isolate, servingRole } from "../src/isolation/isolation.ts";
import { createMetering } from "../src/metering/metering.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { plantRows, probe, walledTables } from "./support/probes.ts";
import type { WalledTable } from "./support/walled-table.ts";

const a = mintTenantId();
const b = mintTenantId();
const tenants = { a, b };

/** Everything that may be called or read past the wall. A new door is added here, and thought about. */
const DOORS = [
  "advance_rotation(timestamp with time zone)",
  "alarm_usage(timestamp with time zone,integer)",
  "append_audit(text,text,text,timestamp with time zone,timestamp with time zone,jsonb)",
  "audit_anchor_page(bigint,integer)",
  "audit_chain_names(text,integer)",
  "audit_head(text)",
  "audit_heads_of(bigint,text)",
  "audit_moved(integer)",
  "audit_page(text,bigint,integer)",
  "audit_size()",
  "aws_apply_message(bigint,jsonb,timestamp with time zone)",
  "aws_awaited_agreements(timestamp with time zone,integer)",
  "aws_claim_licences(text,timestamp with time zone,timestamp with time zone,integer)",
  "aws_claim_messages(timestamp with time zone,timestamp with time zone,integer)",
  "aws_claim_tokens(timestamp with time zone,timestamp with time zone,integer)",
  "aws_end_round(text,timestamp with time zone,text,timestamp with time zone)",
  "aws_find_licence(text)",
  "aws_find_token(text)",
  "aws_forget(timestamp with time zone,timestamp with time zone)",
  "aws_is_older_customer(text,text)",
  "aws_keep_contact(text,text,timestamp with time zone)",
  "aws_keep_message(text,text,bytea,timestamp with time zone,timestamp with time zone)",
  "aws_leave_licence(text,uuid,bigint,timestamp with time zone,boolean,timestamp with time zone)",
  "aws_park_token(text,text,boolean,timestamp with time zone,timestamp with time zone)",
  "aws_register(jsonb,timestamp with time zone)",
  "aws_replay_message(bigint,timestamp with time zone)",
  "aws_reserve_tenant(text,uuid)",
  "aws_review(timestamp with time zone,integer)",
  "aws_save_licence(text,uuid,jsonb,timestamp with time zone)",
  "aws_set_aside(text,text)",
  "aws_settle_token(text,text,timestamp with time zone)",
  "aws_take_round(text,timestamp with time zone,timestamp with time zone)",
  "aws_unclaimed(integer)",
  "aws_wake_relatives(text,timestamp with time zone)",
  "begin_provision(jsonb,timestamp with time zone)",
  "bill_to(text,jsonb)",
  "claim_aws_connections(timestamp with time zone,timestamp with time zone,integer)",
  "claim_events(jsonb,jsonb,timestamp with time zone,timestamp with time zone)",
  "claim_operations(timestamp with time zone,timestamp with time zone,integer)",
  "claim_owed_calls(timestamp with time zone,timestamp with time zone,integer)",
  "claim_rotations(timestamp with time zone,timestamp with time zone,integer)",
  "claim_usage(jsonb,integer,timestamp with time zone,timestamp with time zone)",
  "clear_endpoint(text,boolean)",
  "close_usage_of(text,timestamp with time zone)",
  "console_act(text,jsonb,timestamp with time zone)",
  "console_add_people()",
  "console_add_resources()",
  "console_add_tenants()",
  "console_answer_saml(text,text,timestamp with time zone)",
  "console_ask_saml(text,text,timestamp with time zone)",
  "console_asked_saml(text,timestamp with time zone)",
  "console_audit(jsonb,integer,integer)",
  "console_change_person(jsonb,timestamp with time zone)",
  "console_end_session(text)",
  "console_endpoint(text,jsonb,integer)",
  "console_endpoint_act(text,jsonb,timestamp with time zone)",
  "console_endpoints()",
  "console_enter(text,text,timestamp with time zone)",
  "console_find_session(text,timestamp with time zone,timestamp with time zone,timestamp with time zone)",
  "console_find_tenants(jsonb,integer)",
  "console_home(text[],timestamp with time zone)",
  "console_marketplaces(text[])",
  "console_metering(jsonb,integer)",
  "console_note_row()",
  "console_note_rows()",
  "console_people(integer)",
  "console_put_session(text,text,jsonb,timestamp with time zone)",
  "console_retry_group(jsonb,timestamp with time zone,integer)",
  "console_revenue(timestamp with time zone,timestamp with time zone)",
  "console_take_saml(text,timestamp with time zone)",
  "console_tenant(text,jsonb,integer)",
  "console_usage(jsonb,integer)",
  "console_usage_lines(jsonb,integer)",
  "console_work(jsonb,integer)",
  "count_revenue(timestamp with time zone)",
  "database_limits(text[])",
  "due_databases(timestamp with time zone,integer)",
  "due_moves(timestamp with time zone,integer)",
  "end_billing(text,text,timestamp with time zone,timestamp with time zone,jsonb)",
  "end_session(text)",
  "enter_usage(text[],uuid[])",
  "expire_usage(text[],timestamp with time zone,integer,boolean)",
  "export_revenue(jsonb,integer)",
  "export_tenants(jsonb,integer)",
  "export_usage(jsonb,integer,integer)",
  "find_key(text)",
  "find_session(text,timestamp with time zone,timestamp with time zone)",
  "find_tenant(text,text)",
  "finish_operation(text,uuid,uuid,jsonb,timestamp with time zone)",
  "follow_rotations(timestamp with time zone,integer)",
  "forestall_provision(text,text,text,timestamp with time zone)",
  "forget_usage_attempts(timestamp with time zone,integer)",
  "freeze_usage(jsonb,text[],timestamp with time zone)",
  "hear_events(text,timestamp with time zone,timestamp with time zone,integer)",
  "heroku_upkeep(timestamp with time zone,integer)",
  "hurry_usage(text)",
  "include_usage(text,text,text,timestamp with time zone,timestamp with time zone,numeric)",
  "list_aws_roles(text,integer)",
  "list_databases(text,integer)",
  "list_deliveries(text,timestamp with time zone,uuid,integer)",
  "list_endpoints(text)",
  "list_tenants(text,text,text,integer)",
  "make_usage_days(date[])",
  "metering_gauges(text[],timestamp with time zone)",
  "metering_summary(text[],timestamp with time zone)",
  "move_usage_gate(timestamp with time zone)",
  "note_delivery(text,text,uuid,jsonb)",
  "note_usage()",
  "note_uses(jsonb)",
  "oldest_unsealed()",
  "oldest_untried(timestamp with time zone)",
  "owe_events()",
  "owe_made_up(text,uuid,text,jsonb,timestamp with time zone)",
  "put_audit_anchor(jsonb)",
  "put_resealed(text,jsonb)",
  "put_session(text,text,jsonb,timestamp with time zone)",
  "raise_usage_alerts(jsonb,timestamp with time zone)",
  "reopen_usage_of(text)",
  "replay_events(text,jsonb,timestamp with time zone)",
  "resend_event(text,uuid,timestamp with time zone)",
  "resend_usage(uuid,jsonb,numeric,integer,timestamp with time zone,timestamp with time zone)",
  "resume_endpoint(text,timestamp with time zone)",
  "retire_credentials(timestamp with time zone)",
  "retry_billing(text,text,timestamp with time zone)",
  "roll_pictures(timestamp with time zone)",
  "roll_usage(jsonb,timestamp with time zone)",
  "rotation_proof(text,text,integer)",
  "rotation_status(text)",
  "sealed_counts(text)",
  "sealed_page(text,text,text[],integer)",
  "settle_event(text,text,uuid,uuid,jsonb,timestamp with time zone)",
  "settle_usage(uuid,jsonb,text,timestamp with time zone)",
  "start_rotation(jsonb,timestamp with time zone)",
  "steer_rotation(text,text,text,timestamp with time zone)",
  "sweep_events(timestamp with time zone)",
  "sweep_sign_ins(timestamp with time zone,timestamp with time zone,timestamp with time zone)",
  "sweep_usage(timestamp with time zone)",
  "take_measurements(timestamp with time zone,timestamp with time zone,integer)",
  "tell_credential()",
  "touch_session(text,timestamp with time zone)",
  "usage_ledger(timestamp with time zone,timestamp with time zone,jsonb,integer)",
  "usage_of_all(text,timestamp with time zone,timestamp with time zone,jsonb,integer)",
  "used_in_month(text,timestamp with time zone)",
];
/** Called by the role that stores usage as well. */
const DOOR_OF_WRITER = "enter_usage(text[],uuid[])";
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

let home: TestDatabase;
let superuser: pg.Client;
let app: pg.Client;
let owner: pg.Client;
let tables: readonly WalledTable[];

async function open(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  return client;
}

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
  tables = await plantRows(superuser, tenants);
  [app, owner] = await Promise.all([open(home.appUrl), open(home.ownerUrl)]);
});

afterAll(async () => {
  await Promise.all([superuser.end(), app.end(), owner.end()]);
  await home.drop();
});

/** The first column of what the catalogue answers. */
async function list(sql: string, client = superuser): Promise<unknown[]> {
  const { rows } = await client.query<unknown[]>({ text: sql, rowMode: "array" });
  return rows.map(([first]) => first);
}

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
    const grants = await list(
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
    const might = await list(
      `select rolname from pg_roles where rolname = 'stallholder_app'
         and (rolsuper or rolbypassrls or rolcreaterole or rolcreatedb or rolreplication)
       union all select roleid::regrole::text from pg_auth_members where member = 'stallholder_app'::regrole
         and roleid <> 'usage_writer'::regrole
       union all select relname::text from pg_class where relowner = 'stallholder_app'::regrole
       union all select proname::text from pg_proc where proowner = 'stallholder_app'::regrole`,
    );
    expect(might).toEqual([]);
    const rights = await list(
      `select table_name || ' ' || privilege_type from information_schema.role_table_grants
       where grantee = 'stallholder_app' and (privilege_type in ('TRUNCATE', 'REFERENCES', 'TRIGGER')
         or (table_name like 'audit%' and privilege_type <> 'SELECT')
         or (table_name = 'lifecycle_events' and privilege_type <> 'SELECT' and privilege_type <> 'INSERT')
         or (table_name in ('tenants', 'operations', 'owed_calls', 'deliveries', 'credentials') and privilege_type = 'DELETE'))`,
    );
    expect(rights).toEqual([]);
  });

  test("keeps the tenant in every key, so that no tenant can feel another's", async () => {
    const foreign = await list(
      `select conname from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
         and not (select attnum from pg_attribute where attrelid = conrelid and attname = 'tenant_id') = any(conkey)`,
    );
    expect(foreign).toEqual([]);
    const unique = await list(
      `select i.indexrelid::regclass::text from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
       join pg_class c on c.oid = i.indrelid
       where i.indisunique and c.relnamespace = 'public'::regnamespace and a.attname not in ('tenant_id', 'chain')
         and c.relname not in (${WITHOUT_TENANTS.map((name) => `'${name}'`).join()}) order by 1`,
    );
    expect(unique).toEqual(UNIQUE_OVER_ALL);
    const frozen = await list(
      "select proname from pg_proc where pronamespace = 'public'::regnamespace and provolatile = 'i'",
    );
    expect(frozen).toEqual([]);
  });
});

describe("the wall", () => {
  const everythingOf = async (tenant: string): Promise<unknown[]> => {
    const rows: unknown[] = [];
    for (const { name, tenantColumn } of tables)
      rows.push(await list(`select t from ${name} t where ${tenantColumn} = '${tenant}'`));
    return rows;
  };

  test("holds for the serving login against every probe on every table, and leaves the other tenant as it was", async () => {
    const before = await everythingOf(b);
    expect(tables.length).toBeGreaterThan(8);
    expect(await probe(app, tables, tenants)).toEqual([]);
    expect(await everythingOf(b)).toEqual(before);
  });

  test("holds for the owner that takes the serving role", async () => {
    expect(await probe(owner, tables, tenants, { role: "stallholder_app" })).toEqual([]);
  });

  test("holds for the owner itself, where it has to serve", async () => {
    expect(await probe(owner, tables, tenants, { owns: true })).toEqual([]);
  });

  test("that is broken on one table is noticed by the probes", async () => {
    const broken = await ownDatabase();
    const [god, holed] = await Promise.all([open(broken.superuserUrl), open(broken.appUrl)]);
    const planted = await plantRows(god, tenants);
    const some = planted.filter(({ name }) => ["owed_calls", "operations"].includes(name));
    await god.query("drop policy tenant on owed_calls; create policy tenant on owed_calls using (true)");
    const faults = await probe(holed, some, tenants);
    expect(faults.every((fault) => fault.includes("owed_calls"))).toBe(true);
    expect(faults).toHaveLength(19);
    await Promise.all([god.end(), holed.end()]);
    await broken.drop();
  });

  test("cannot be walked round: roles, sessions, files, extensions, temporary tables, sequences", async () => {
    const roles = await list(
      // Other tests make and drop tenants' roles on this server meanwhile.
      "select quote_ident(rolname) from pg_roles where rolname not in ('stallholder_app', 'usage_writer') and rolname !~ '_[a-z][a-z2-7]{25}'",
    );
    const sequences = await list(
      "select relname from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace",
    );
    const attempts = [
      ...roles.flatMap((role) => [`set role ${role}`, `set session authorization ${role}`]),
      ...sequences.map((sequence) => `select last_value from ${sequence}`),
      "copy (select 1) to program 'true'",
      "select pg_read_file('/etc/hostname')",
      "select lo_import('/etc/hostname')",
      "create extension dblink",
      "set session authorization usage_writer",
      "insert into usage_keys_0 values (gen_random_uuid(), 1)",
      "insert into usage_days.d20260301 select * from usage_events",
      "create temp table tenants (id text)",
      "create table public.mine (id text)",
      "create schema mine",
    ];
    for (const attempt of attempts) {
      await expect(app.query(attempt)).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("lets the role that stores usage add to keys and days, and do and see nothing else", async () => {
    const able = await list(
      `select n.nspname || '.' || c.relname || ' ' || p.privilege from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p(privilege)
       where n.nspname in ('public', 'usage_days') and c.relkind in ('r', 'p')
         and has_table_privilege('usage_writer', c.oid, p.privilege) order by 1`,
    );
    expect(able).toEqual(["public.usage_keys_0 insert", "public.usage_keys_1 insert", "usage_days.d20260301 insert"]);
    await app.query("begin; set local role usage_writer");
    await expect(app.query("select * from usage_days.d20260301")).rejects.toMatchObject({ code: "42501" });
    await app.query("rollback");
  });

  test("keeps the helpers of the doors from touching another tenant", async () => {
    const before = await everythingOf(b);
    const credential = JSON.stringify([{ id: crypto.randomUUID(), kind: "api-key", var: "X" }]);
    const calls = [
      [`select append_event('${b}', 'planted', 'me', now(), now(), '{}')`, undefined],
      [`select owe_calls('${b}', '[{"marketplace": "x", "kind": "x", "lane": "x"}]', now())`, "42501"],
      [`select append_audit('${b}', 'planted', 'me', now(), now(), '{}')`, "42501"],
      [`select put_credentials('${b}', '${credential}', now())`, "42501"],
    ] as const;
    for (const [call, code] of calls) {
      await app.query("begin");
      await app.query("select set_config('app.tenant_id', $1, true)", [a]);
      expect(
        await app.query(call).then(
          () => undefined,
          (fault: pg.DatabaseError) => fault.code,
        ),
      ).toBe(code);
      await app.query("commit");
    }
    expect(await everythingOf(b)).toEqual(before);
  });
});

describe("the serving role", () => {
  /** A login with a database of its own, migrated by it as on a small hosted server. */
  async function hosted(
    attributes: string,
    work: (own: TestDatabase, url: string, login: string) => Promise<void>,
    grant = "",
  ) {
    const own = await ownDatabase();
    const login = `login_${own.name.slice(-12)}`;
    await superuser.query(`create role ${login} login password 'x' ${attributes}; ${grant.replace("LOGIN", login)}`);
    await superuser.query(
      `alter database ${own.name} owner to ${login}; grant connect, temp on database ${own.name} to public`,
    );
    const god = await open(own.superuserUrl);
    await god.query(
      "drop schema public, usage_days, reporting cascade; create schema public authorization pg_database_owner",
    );
    await god.end();
    const url = Object.assign(new URL(own.superuserUrl), { username: login, password: "x" }).href;
    await migrate({ url });
    await work(own, url, login);
    await own.drop();
    await superuser.query(`drop role ${login}`);
  }

  async function served(url: string) {
    const database = connect({ url });
    const serving = await servingRole(database);
    const [row] = await isolate(database, serving).asTenant(a, (tx) =>
      tx.query("select current_user::text as as, has_database_privilege(current_database(), 'temp') as temp"),
    );
    await database.close();
    return { ...serving, ...row };
  }

  /** What becomes of fifty events of tenant a, which this login stores. */
  async function storedBy(url: string) {
    const metering = createMetering({ url, clock: systemClock, dimensions: ["pages"], limits: [] });
    const events = Array.from({ length: 50 }, (_, id) => ({
      id: `evt_${id}`,
      tenant: a,
      dimension: "pages",
      quantity: 1,
    }));
    const receipts = await metering.record({ kind: "product" }, events);
    await metering.close();
    return [...new Set(receipts.map(({ status }) => status))];
  }

  test("cannot be taken by a login without rights: that one serves as owner, is warned of, and the wall holds", async () => {
    await hosted("nocreaterole", async (own, url, login) => {
      const warning = expect.stringContaining("as owner");
      expect(await served(url)).toEqual({ role: null, warning, as: login, temp: true });
      const [god, client] = await Promise.all([open(own.superuserUrl), open(url)]);
      await plantRows(god, tenants);
      expect(await probe(client, await walledTables(god, tenants), tenants, { owns: true })).toEqual([]);
      await god.query("update tenants set state = 'active'; delete from usage_closings");
      expect(await storedBy(url)).toEqual(["accepted"]);
      await Promise.all([god.end(), client.end()]);
    });
  });

  test("is taken by a login that only administers it, because migrating makes it a member; else it is not", async () => {
    const [separate] = await list("select current_setting('server_version_num')::int >= 160000");
    const bare = separate ? "with admin true, inherit false, set false" : "with admin option";
    const check = async (_own: TestDatabase, url: string, login: string) => {
      expect(await served(url)).toEqual({ role: "stallholder_app", warning: null, as: "stallholder_app", temp: false });
      await superuser.query(`revoke stallholder_app from ${login} ${separate ? `granted by ${login}` : ""}`);
      expect(await served(url)).toMatchObject({ role: null, warning: expect.stringContaining("as owner"), as: login });
    };
    await hosted("createrole", check, `grant stallholder_app to LOGIN ${bare}`);
  });

  test("that bypasses the wall is warned of", async () => {
    await superuser.query("begin; alter role stallholder_app bypassrls");
    const run = async (statement: { text: string }) => (await superuser.query(statement.text)).rows;
    const serving = await servingRole({ run } as unknown as ReturnType<typeof connect>);
    await superuser.query("rollback");
    expect(serving.warning).toMatch(/stallholder_app bypasses row level security/);
  });
});

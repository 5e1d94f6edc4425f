import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { roleName } from "../src/cli/program/arguments.ts";
import { reportingLogin } from "../src/cli/reporting.ts";
import { rollPictures } from "../src/metering/pictures.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { runCommand } from "./support/command.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { send, settle } from "./support/usage.ts";

let shop: TestProvider;
let folder: string;
let reader: pg.Client;
let tenant: string;
// A name that no other test takes for one of our own roles.
const login = `bi_${mintTenantId()}`;

const options = { seconds: 7, connections: 2, json: true };

beforeAll(async () => {
  shop = await testProvider();
  folder = await mkdtemp(join(tmpdir(), "reporting-"));
  process.env["DATABASE_URL"] = shop.database.appUrl;
  process.env["MIGRATION_DATABASE_URL"] = shop.database.ownerUrl;
  process.env["DATA_DIR"] = folder;
  tenant = (await shop.provision(purchase({ name: "secret name" }))).value.tenant.id;
  const { out } = await runCommand(() => reportingLogin(login, options));
  reader = new pg.Client({ connectionString: JSON.parse(out).url });
  await reader.connect();
});

afterAll(async () => {
  for (const name of ["DATABASE_URL", "MIGRATION_DATABASE_URL", "DATA_DIR"]) delete process.env[name];
  await reader.end();
  await shop.look(`drop owned by ${login}; drop role ${login}`);
  await rm(folder, { recursive: true });
  await closeProviders();
});

const read = async (sql: string) => (await reader.query({ text: sql, rowMode: "array" })).rows;
const refusal = (sql: string) =>
  reader.query(sql).then(
    () => undefined,
    (fault: pg.DatabaseError) => fault.code,
  );
const DENIED = "42501";

describe("the views for BI tools", () => {
  test("are told in docs/reporting.md, each with all its columns", async () => {
    const docs = await readFile(new URL("../docs/reporting.md", import.meta.url), "utf8");
    const told = docs
      .split("\n### reporting.")
      .slice(1)
      .flatMap((section) => {
        const [view] = section.split("\n");
        return [...section.matchAll(/^\| `(\w+)` \| ([a-z ]+) \|/gm)].map(
          ([, column, type]) => `${view} ${column} ${type}`,
        );
      });
    const there = await shop.look<{ line: string }>(
      `select concat_ws(' ', table_name, column_name, data_type) as line from information_schema.columns
       where table_schema = 'reporting' order by table_name, ordinal_position`,
    );
    expect(told.sort()).toEqual(there.map(({ line }) => line).sort());
  });

  test("show every tenant and its usage to a login that the audit knows of", async () => {
    expect(await send(shop, { id: "e1", tenant, dimension: "requests", quantity: "2.5" })).toEqual(["accepted"]);
    const other = (await shop.provision(purchase())).value.tenant.id;
    shop.clock.advance(3 * 86_400_000);
    await settle(shop);
    for (let more = true; more; ) more = await rollPictures(shop.deps.store, shop.clock.now());
    expect((await read("select tenant from reporting.tenants")).flat().sort()).toEqual([tenant, other].sort());
    expect(await read("select tenant, quantity, state from usage_records")).toEqual([[tenant, "2.5", "sealed"]]);
    const sum = [["bazaar", "basic", "requests", "2.5", "1"]];
    for (const view of ["usage_by_hour", "usage_by_day"])
      expect(await read(`select marketplace, plan, dimension, quantity, events from ${view}`)).toEqual(sum);
    expect(await read("select events from lifecycle_by_day where type = 'provision.done'")).toEqual([["2"]]);
    expect(await read("select bought, active from purchases_by_month")).toEqual([["2", "2"]]);
    expect(await read("select usage > now() - interval '100 years', purchases is not null from kept_through")).toEqual([
      [true, true],
    ]);
    const [told] = await shop.look<{ data: object }>("select data from audit_entries where action = 'reporting.login'");
    expect(told?.data).toEqual({ login, seconds: 7, connections: 2 });
  });

  test("hold no secret, no name and no person", async () => {
    for (const [view] of await read("select table_name from information_schema.views where table_schema = 'reporting'"))
      expect(JSON.stringify(await read(`select * from reporting.${view}`))).not.toMatch(/secret|@|sealed\./);
    const { rows } = await reader
      .query("select * from reporting.tenants limit 0")
      .then((answer) => ({ rows: answer.fields }));
    expect(rows.map(({ name }) => name)).not.toEqual(expect.arrayContaining(["name"]));
  });
});

describe("a login for BI tools", () => {
  test("may use nothing but the views: no table, no function, no other schema", async () => {
    const might = await read(
      `select n.nspname || '.' || c.relname || ' ' || p.privilege from pg_class c join pg_namespace n on n.oid = c.relnamespace
         cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p(privilege)
       where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and c.relkind in ('r', 'p', 'v', 'm', 'f')
         and (has_table_privilege(c.oid, p.privilege)
              or (p.privilege in ('select', 'insert', 'update', 'references') and has_any_column_privilege(c.oid, p.privilege)))
       union all select p.oid::regprocedure::text from pg_proc p join pg_namespace n on n.oid = p.pronamespace
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_function_privilege(p.oid, 'execute')
           and p.prorettype <> 'trigger'::regtype
       union all select n.nspname || ' ' || p.privilege from pg_namespace n cross join unnest(array['usage', 'create']) p(privilege)
         where n.nspname !~ '^pg_' and n.nspname <> 'information_schema' and has_schema_privilege(n.oid, p.privilege)
       union all select 'database ' || p.privilege from unnest(array['create', 'temporary']) p(privilege)
         where has_database_privilege(current_database(), p.privilege) order by 1`,
    );
    const views = [
      "kept_through",
      "lifecycle_by_day",
      "purchases_by_month",
      "tenants",
      "usage_by_day",
      "usage_by_hour",
      "usage_records",
    ];
    expect(might.flat()).toEqual(
      ["public usage", "reporting usage", ...views.map((view) => `reporting.${view} select`)].sort(),
    );
  });

  test("is refused what it tries", async () => {
    const attempts = [
      "select * from public.tenants",
      "select id from public.tenants",
      "select * from public.credentials",
      "select * from public.usage_sums",
      "select * from public.audit_entries",
      "select * from public.usage_events",
      "select * from public.list_tenants(null, null, null, 10)",
      "select public.this_tenant()",
      "set application_name = 'stallholder door'; select * from public.tenants",
      "select public.in_door()",
      "insert into reporting.tenants (tenant) values ('a')",
      "delete from reporting.usage_records",
      "create view reporting.mine as select 1",
      "create table mine (id text)",
      "create temp table mine (id text)",
      "create function pg_temp.leak(text) returns text language sql as 'select 1'",
      "set role stallholder_views",
      "set role stallholder_owner",
      "set role stallholder_app",
      "set role usage_writer",
      "set session authorization stallholder_owner",
      "alter view reporting.tenants owner to current_user",
      "copy (select 1) to program 'true'",
      "select pg_read_file('/etc/hostname')",
      "grant stallholder_views to current_user",
    ];
    await reader.query("set default_transaction_read_only = off");
    for (const attempt of attempts) expect([attempt, await refusal(attempt)]).toEqual([attempt, DENIED]);
    await reader.query("set role stallholder_reporting");
    expect(await refusal("select * from public.tenants")).toBe(DENIED);
    await reader.query("reset role; reset application_name; reset default_transaction_read_only");
  });

  test("sees no more by the setting of a tenant, and no hidden column by an error", async () => {
    await reader.query(`set app.tenant_id = '${tenant}'`);
    expect(await refusal("select name from public.tenants")).toBe(DENIED);
    const plan = (await read("explain (verbose) select * from reporting.tenants where tenant = 'a'")).flat().join("\n");
    expect(plan).toContain("Index");
    expect(plan).not.toContain("this_tenant");
    await reader.query("reset app.tenant_id");
  });

  test("has limits, and is made once", async () => {
    expect(await read("show statement_timeout")).toEqual([["7s"]]);
    expect(await refusal("begin; create table public.mine (id text)")).toMatch(/25006|42501/);
    await reader.query("rollback");
    const [row] = await shop.look("select rolconnlimit, rolsuper, rolcreaterole from pg_roles where rolname = $1", [
      login,
    ]);
    expect(row).toEqual({ rolconnlimit: 2, rolsuper: false, rolcreaterole: false });
    await expect(reportingLogin(login, options)).rejects.toMatchObject({ code: "request_conflict" });
  });

  test("says how long a name is that PostgreSQL would cut", () => {
    expect(roleName("a".repeat(63))).toHaveLength(63);
    expect(() => roleName("a".repeat(64))).toThrow("cuts the names of roles at 63 bytes, and this one has 64");
  });

  test("leaves the owner outside: it is no member of who owns the views", async () => {
    const members = await shop.look<{ member: string }>(
      `select m.member::regrole::text as member from pg_auth_members m
       where m.roleid = 'stallholder_views'::regrole and pg_has_role(m.member, m.roleid, 'usage') and m.member <> 10`,
    );
    expect(members).toEqual([]);
  });
});

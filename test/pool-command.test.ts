import type pg from "pg";
import { checkIsolation, isolatePool } from "../src/cli/isolate.ts";
import { runCommand } from "./support/command.ts";
import { open, type TenantServer, tenantServer } from "./support/tenant-server.ts";

let server: TenantServer;
let vendor: pg.Client;
let superuser: pg.Client;
let env: string;

beforeAll(async () => {
  server = await tenantServer();
  env = server.environment;
  process.env["TENANT_DATABASE_URL"] = server.server.url;
  process.env["STALLHOLDER_ENV"] = env;
  [vendor, superuser] = await Promise.all([open(server.vendor.url), open(server.server.superuserUrl)]);
  await vendor.query("create table notes (customer text not null, id uuid, words text, primary key (id))");
});

afterAll(async () => {
  delete process.env["TENANT_DATABASE_URL"];
  delete process.env["STALLHOLDER_ENV"];
  await Promise.all([vendor.end(), superuser.end()]);
  await server.drop();
});

const pool = (more: object = {}) => runCommand(() => isolatePool("notes", { tenantColumn: "customer", ...more }));
const check = (more: object = {}) => runCommand(() => checkIsolation(more));

describe("stallholder isolate", () => {
  test("finds nothing where there are only tenants", async () => {
    expect(await check()).toEqual({
      code: 0,
      out: "Nothing in the tenants' database leads from one tenant to another.\n",
      err: "",
    });
  });

  test("pool refuses with the reasons, on one line each, and exit code 1", async () => {
    const { code, out, err } = await pool({ appRole: ["nobody_here"] });
    expect(code).toBe(1);
    expect(out).toBe("");
    expect(err.split("\n")).toEqual([
      "public.notes is not put under the wall, and nothing is changed:",
      "  nobody_here there is no such role",
      expect.stringContaining("  public.notes_pkey is unique over all tenants"),
      "",
    ]);
    expect(JSON.parse((await pool({ json: true })).out)).toMatchObject({
      table: "public.notes",
      statements: [],
      faults: [{}],
    });
  });

  test("pool says how long a role's name is that PostgreSQL would cut, and what the role is called then", async () => {
    const long = `${env}_${"ä".repeat(40)}`;
    const bytes = Buffer.byteLength(long);
    const missing = `  "${long}" is a name of ${bytes} bytes, and PostgreSQL cuts names at 63 bytes: there is no such role`;
    expect((await pool({ appRole: [long] })).err.split("\n")).toContain(missing);
    await superuser.query(`create role "${long}"`);
    const { rows } = await superuser.query("select rolname from pg_roles where rolname = $1::name", [long]);
    const { code, err } = await pool({ appRole: [long] });
    expect([code, err]).toEqual([
      1,
      expect.stringContaining(
        `${bytes} bytes, and PostgreSQL cuts names at 63 bytes: the role is called "${rows[0].rolname}"`,
      ),
    ]);
    await superuser.query(`drop role "${long}"`);
  });

  test("pool prints the SQL that it would run, then what it ran, then that there is nothing to do", async () => {
    const given = { allowUnique: ["notes_pkey"] };
    const dry = await pool({ ...given, dryRun: true });
    expect(dry.code).toBe(0);
    expect(dry.out).toMatch(/^alter table public.notes enable row level security;\n/);
    expect(await pool(given)).toEqual(dry);
    expect(await pool()).toEqual({
      code: 0,
      out: "-- public.notes is under the wall: there is nothing to do.\n",
      err: "",
    });
    expect((await check()).code).toBe(0);
  });

  test.each([
    [
      "a wall that was taken down",
      () => `alter table notes disable row level security`,
      /public.notes is not as it was put under the wall/,
    ],
    [
      "a policy that was loosened",
      () => `alter policy ${env}_tenants on notes using (true)`,
      /public.notes is not as it was/,
    ],
    [
      "a policy beside ours",
      () => "create policy p on notes using (words = 'x')",
      /p on public.notes is a permissive policy/,
    ],
    [
      "a table beside it with the same column",
      () => "create table other (customer text)",
      /public.other holds customer and is not under the wall/,
    ],
    ["a table with the usual column", () => "create table other (tenant_id text)", /public.other holds tenant_id/],
    [
      "a view that tenants may read",
      () => `create view seen as select * from notes; grant select on seen to ${env}_tenants`,
      /public.seen is a view/,
    ],
    [
      "a copy that one tenant may read",
      () => `create materialized view kept as select 1; grant select on kept to ${server.a.role}`,
      /public.kept is a view or materialized/,
    ],
    [
      "a function for everybody",
      () => "create function odd() returns int language sql as 'select 1'",
      /public.odd\(\) may be called by everybody/,
    ],
    [
      "a function that is asked before the wall",
      () => `create function odd(text) returns boolean language sql leakproof as 'select true';
        revoke all on function odd from public; grant execute on function odd to ${env}_tenants`,
      /public.odd\(text\) is declared leakproof: it is shown rows before the policies have judged them/,
    ],
    [
      "the database for everybody",
      () => `grant temp on database ${server.server.shared} to public`,
      /gives TEMPORARY to everybody/,
    ],
    [
      "the schema for everybody",
      () => "grant usage on schema public to public",
      /public may be looked into by everybody/,
    ],
    [
      "a schema in which tenants make things",
      () => `grant create on schema public to ${env}_tenants`,
      /public lets everybody make/,
    ],
    [
      "a tenant that reads everything",
      () => `grant pg_read_all_data to ${server.a.role}`,
      /pg_read_all_data is kept within one tenant, yet it is a role of the system/,
    ],
    ["a tenant that bypasses", () => `alter role ${server.b.role} bypassrls`, /bypasses row level security/],
    [
      "a table of a tenant's among the vendor's",
      () => `create table planted (n int); alter table planted owner to ${env}_${server.a.id}`,
      /public.planted belongs to/,
    ],
    [
      "a list that tenants write",
      () => `create table list (n int); grant select, insert on list to ${env}_tenants`,
      /public.list holds no tenant's column, and roles/,
    ],
  ])("check finds %s", async (_what, sql, said) => {
    await superuser.query(sql());
    const { code, err } = await check();
    expect(err).toMatch(said);
    expect(code).toBe(1);
    await superuser.query(`drop view if exists seen; drop materialized view if exists kept; drop table if exists other, planted, list;
      drop function if exists odd; drop policy if exists p on notes;
      revoke all on database ${server.server.shared} from public; revoke all on schema public from public, ${env}_tenants;
      grant usage on schema public to ${env}_tenants; revoke pg_read_all_data from ${server.a.role};
      alter role ${server.b.role} nobypassrls`);
  });

  test("pool mends the wall, and check finds nothing then", async () => {
    expect(JSON.parse((await check({ json: true })).out).findings).toHaveLength(1);
    expect((await pool()).out.split("\n")).toHaveLength(4);
    expect(await check({ json: true })).toEqual({ code: 0, out: '{"findings":[]}\n', err: "" });
  });

  test("says what is missing where there is no such database", async () => {
    delete process.env["TENANT_DATABASE_URL"];
    await expect(check()).rejects.toMatchObject({ code: "config_invalid" });
    process.env["TENANT_DATABASE_URL"] = server.server.url;
  });
});

import type pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import type { PoolPlan } from "../src/isolation/pool/plan.ts";
import { isolateTable } from "../src/isolation/pool/pool.ts";
import { type More, type Planted, planted } from "./support/pool-faults.ts";
import { open, type TenantServer, tenantServer } from "./support/tenant-server.ts";

let server: TenantServer;
let admin: Database;
let superuser: pg.Client;
let vendor: pg.Client;
let env: string;

beforeAll(async () => {
  server = await tenantServer();
  env = server.environment;
  admin = connect({ url: server.server.url, connections: 1 });
  [superuser, vendor] = await Promise.all([open(server.server.superuserUrl), open(server.vendor.url)]);
});

afterAll(async () => {
  await Promise.all([superuser.end(), vendor.end(), admin.close()]);
  await server.drop();
});

function isolate(table: string, more: More = {}): Promise<PoolPlan> {
  const { column = "tenant_id", vendors = [], excused = [], environment = env } = more;
  return isolateTable(admin, { environment, table, column, vendors, excused }, false);
}

const told = ({ faults }: PoolPlan): string[] => faults.map(({ at, message }) => `${at} ${message}`);

/** Everything of the catalogue that the command could change. */
async function catalogue(): Promise<unknown> {
  const { rows } = await superuser.query(
    `select c.oid::regclass::text as name, c.relacl::text, c.relrowsecurity, c.relforcerowsecurity,
       array(select polname::text from pg_policy where polrelid = c.oid order by 1) as policies,
       array(select indexrelid::regclass::text from pg_index where indrelid = c.oid order by 1) as indexes,
       array(select pg_get_expr(adbin, adrelid) from pg_attrdef where adrelid = c.oid order by 1) as defaults
     from pg_class c where relnamespace = 'public'::regnamespace order by 1`,
  );
  return rows;
}

describe("a table that cannot be put under the wall", () => {
  const sound = "create table t (tenant_id text not null, id uuid not null default gen_random_uuid(), item text)";

  beforeAll(async () => {
    await superuser.query(`create role ${env}_club; grant ${env}_club to ${env}_tenants; create role ${env}_stranger;
      grant create on schema public to ${env}_club, ${env}_tenants, ${env}_stranger, ${env}_${server.a.id}`);
  });

  const filled = (sql: string): string =>
    sql
      .replaceAll("TENANT", `${env}_${server.a.id}`)
      .replaceAll("GROUP", `${env}_tenants`)
      .replaceAll("CLUB", `${env}_club`)
      .replaceAll("STRANGER", `${env}_stranger`);

  afterEach(async () => {
    await superuser.query(`drop view if exists other; drop table if exists t, parents, children, others, heirs cascade;
      drop function if exists all_items; drop collation if exists blind`);
  });

  test.each(planted)("because of %s is refused with the reason, and left as it was", async (...row) => {
    const [, sql, as, said, more] = row as unknown as Planted;
    await vendor.query(sound);
    await (as === "vendor" ? vendor : superuser).query(filled(sql));
    const before = await catalogue();
    const plan = await isolate("t", more);
    expect(told(plan)).toEqual([expect.stringMatching(said)]);
    expect(plan.statements).toEqual([]);
    expect(await catalogue()).toEqual(before);
  });

  test("for many reasons is refused with all of them at once", async () => {
    await vendor.query(`create table t (tenant_id int, id serial primary key, item text unique);
      grant all on t to public; create view seen as select * from t; grant select on seen to public;
      create policy open on t using (true)`);
    const plan = await isolate("t", { vendors: ["postgres", "nobody_here"] });
    expect(plan.faults.length).toBeGreaterThan(12);
    for (const word of [
      "nobody_here",
      "bound by no policy",
      "is of type integer",
      "may be null",
      "t_pkey",
      "t_item_key",
      "is a view",
      "serial",
      "TRUNCATE",
      "SELECT to everybody",
      "open on public.t",
    ]) {
      expect(told(plan).join("\n")).toContain(word === "serial" ? "takes its default from the sequence" : word);
    }
  });

  test("because an app role is one that tenants can act as is refused", async () => {
    await vendor.query(sound);
    for (const role of [`${env}_tenants`, `${env}_club`, server.a.role, `${env}_${server.a.id}`]) {
      const plan = await isolate("t", { vendors: [role] });
      expect(told(plan)).toEqual([`${role} is a role of tenants, who would be let in as the vendor`]);
    }
  });

  test("is told from one that is not there, or is none", async () => {
    await vendor.query(`${sound}; create view other as select * from t`);
    expect(told(await isolate("nowhere"))).toEqual(["nowhere there is no such table"]);
    expect(told(await isolate("a.b.c.d; drop table t"))).toEqual([expect.stringContaining("there is no such table")]);
    expect(told(await isolate("t", { column: "customer" }))).toEqual(["t has no column customer"]);
    expect(told(await isolate("other"))).toEqual([expect.stringContaining("is a view")]);
    expect(told(await isolate("pg_catalog.pg_class", { column: "relname" }))).toEqual([
      expect.stringContaining("belongs to PostgreSQL"),
    ]);
    expect(told(await isolate("t", { environment: "elsewhere" }))).toEqual([
      expect.stringMatching(/^elsewhere_stallholder.tenant\(\) is missing/),
      expect.stringMatching(/^elsewhere_tenants is missing/),
      expect.stringMatching(/^elsewhere_tenants_read is missing/),
    ]);
  });

  test("may be, where what is unique is excused by name; later checks remember that", async () => {
    await vendor.query(`${sound}; alter table t add primary key (id)`);
    expect((await isolate("t", { excused: ["t_pkey"] })).faults).toEqual([]);
    expect(await isolate("t")).toEqual({ table: "public.t", statements: [], faults: [] });
  });

  test("may be, with what is sound beside it: safe views, closed ones, shared lists, keys with the tenant, identities", async () => {
    await vendor.query(`create table t (tenant_id varchar not null, id int generated always as identity, country text, parent int,
        primary key (id, tenant_id), foreign key (parent, tenant_id) references t (id, tenant_id));
      create table others (country text primary key); alter table t add foreign key (country) references others;
      create view seen with (security_invoker = true) as select * from t; grant select on seen to ${env}_tenants;
      create view mine as select * from t; create function all_items() returns bigint language sql as 'select count(*) from t';
      create policy narrow on t as restrictive using (country <> 'x')`);
    expect((await isolate("t")).faults).toEqual([]);
    expect((await isolate("t")).statements).toEqual([]);
  });
});

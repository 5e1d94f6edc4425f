import type pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import { isolateTable } from "../src/isolation/pool/pool.ts";
import { type Login, open, type TenantServer, tenantServer } from "./support/tenant-server.ts";

let server: TenantServer;
let admin: Database;
let superuser: pg.Client;
let vendor: pg.Client;
let reader: Login;
let env: string;

beforeAll(async () => {
  server = await tenantServer();
  env = server.environment;
  admin = connect({ url: server.server.url, connections: 1 });
  reader = await server.reader(server.a.id);
  [superuser, vendor] = await Promise.all([open(server.server.superuserUrl), open(server.vendor.url)]);
});

afterAll(async () => {
  await Promise.all([superuser.end(), vendor.end(), admin.close()]);
  await server.drop();
});

interface More {
  readonly column?: string;
  readonly vendors?: readonly string[];
  readonly excused?: readonly string[];
  readonly dryRun?: boolean;
}

function isolate(table: string, { column = "tenant_id", vendors = [], excused = [], dryRun = false }: More = {}) {
  return isolateTable(admin, { environment: server.environment, table, column, vendors, excused }, dryRun);
}

/** As this login, outside any transaction of its own. */
async function as(url: string, sql: string): Promise<unknown> {
  const client = await open(url);
  try {
    const answer = await client.query({ text: sql, rowMode: "array" });
    return answer.command === "SELECT" ? answer.rows.map((row: unknown[]) => row[0]) : answer.rowCount;
  } catch (fault) {
    return (fault as pg.DatabaseError).code;
  } finally {
    await client.end();
  }
}

/** As the vendor's own role within this tenant. */
async function within(tenant: string, sql: string): Promise<unknown> {
  await vendor.query(`begin; select set_config('app.tenant_id', '${tenant}', true)`);
  try {
    const { rows, rowCount } = await vendor.query({ text: sql, rowMode: "array" });
    return sql.startsWith("select") ? rows.map((row: unknown[]) => row[0]) : rowCount;
  } catch (fault) {
    return (fault as pg.DatabaseError).code;
  } finally {
    await vendor.query("rollback");
  }
}

describe("a table put under the wall", () => {
  beforeAll(async () => {
    await vendor.query(`create table orders (tenant_id text not null, id uuid not null default gen_random_uuid(), item text,
                          primary key (tenant_id, id))`);
    await vendor.query(
      `insert into orders (tenant_id, item) values ('${server.a.id}', 'of a'), ('${server.a.id}', 'of a'), ('${server.b.id}', 'of b')`,
    );
  });

  test("a dry run says what would be done and does none of it", async () => {
    const { table, statements, faults } = await isolate("orders", { dryRun: true });
    expect(faults).toEqual([]);
    expect(table).toBe("public.orders");
    expect(statements[0]).toBe("alter table public.orders enable row level security");
    expect(statements).toHaveLength(11);
    expect(await as(server.a.url, "select item from public.orders")).toBe("42501");
  });

  test("shows each tenant's login its own rows, whatever it sets, and nobody else's", async () => {
    expect((await isolate("orders")).statements).toHaveLength(11);
    expect(await as(server.a.url, "select item from orders")).toEqual(["of a", "of a"]);
    expect(await as(server.b.url, "select item from orders")).toEqual(["of b"]);
    const set = `select set_config('app.tenant_id', '${server.b.id}', false)`;
    const asking = new URL(server.a.url);
    asking.searchParams.set("options", `-c app.tenant_id=${server.b.id}`);
    expect(await as(asking.href, "select item from orders")).toEqual(["of a", "of a"]);
    expect(await as(server.a.url, `with x as materialized (${set}) select item from orders, x`)).toEqual([
      "of a",
      "of a",
    ]);
  });

  test("takes what a tenant writes as its own, and as nobody else's", async () => {
    expect(await as(server.b.url, "insert into orders (item) values ('new of b')")).toBe(1);
    expect(await as(server.b.url, `insert into orders (tenant_id, item) values ('${server.a.id}', 'x')`)).toBe("42501");
    expect(await as(server.b.url, `update orders set tenant_id = '${server.a.id}'`)).toBe("42501");
    expect(await as(server.b.url, "update orders set item = 'renewed'")).toBe(2);
    expect(await as(server.b.url, "delete from orders")).toBe(2);
    expect(await as(server.a.url, "select count(*)::int from orders")).toEqual([2]);
  });

  test("is asked in the name of the login, and no other name is taken for one", async () => {
    const id = server.a.id;
    const strange = [
      `${env}_${id}_aaaaa`,
      `${env}_${id}_aaaaaaa`,
      `${env}_${id}xaaaaaa`,
      `x${env}_${id}_aaaaaa`,
      `${env}x${id}_aaaaaa`,
    ];
    for (const role of strange) {
      await superuser.query(`create role ${role} in role ${env}_connect`);
      await superuser.query(`begin; set local session authorization ${role}`);
      const { rows } = await superuser.query(`select ${env}_stallholder.tenant() as tenant`);
      await superuser.query(`rollback; drop role ${role}`);
      expect([role, rows]).toEqual([role, [{ tenant: null }]]);
    }
    const client = await open(server.a.url);
    for (const role of ["none", `${env}_tenants`, `${env}_${id}`]) {
      await client.query(`set role ${role}`);
      expect((await client.query(`select ${env}_stallholder.tenant() as tenant`)).rows).toEqual([{ tenant: id }]);
    }
    await client.end();
  });

  test("holds when somebody adds a policy that lets everything pass", async () => {
    await vendor.query("create policy careless on orders using (true) with check (true)");
    const ofB = `insert into orders (tenant_id, item) values ('${server.b.id}', 'x')`;
    expect(await as(server.a.url, "select count(*)::int from orders")).toEqual([2]);
    expect(await as(server.a.url, ofB)).toBe("42501");
    expect(await within(server.a.id, "select count(*)::int from orders")).toEqual([2]);
    expect(await within(server.a.id, ofB)).toBe("42501");
    await vendor.query("drop policy careless on orders");
  });

  test("lets a reading login read its own rows, and write none", async () => {
    expect(await as(reader.url, "select item from orders")).toEqual(["of a", "of a"]);
    for (const write of [
      "insert into orders (item) values ('x')",
      "update orders set item = 'x'",
      "delete from orders",
    ]) {
      expect(await as(reader.url, `begin read write; ${write}`)).toBe("42501");
    }
  });

  test("shows the vendor's own role the tenant that its transaction names, and without one nothing", async () => {
    expect(await within(server.a.id, "select item from orders")).toEqual(["of a", "of a"]);
    expect(await within(server.b.id, "insert into orders (item) values ('by the vendor')")).toBe(1);
    expect(await within(server.b.id, `insert into orders (tenant_id, item) values ('${server.a.id}', 'x')`)).toBe(
      "42501",
    );
    expect(await within("", "select item from orders")).toEqual([]);
    expect(await as(server.vendor.url, "select item from orders")).toEqual([]);
  });

  test("is found in order the second time, and mended where somebody has loosened it", async () => {
    expect(await isolate("orders")).toEqual({ table: "public.orders", statements: [], faults: [] });
    await vendor.query("alter table orders no force row level security");
    await vendor.query(`drop policy ${server.environment}_wall on orders`);
    await vendor.query(`alter policy ${server.environment}_tenants on orders using (true)`);
    const { statements } = await isolate("orders");
    expect(statements.map((statement) => statement.split(" ").slice(0, 3).join(" "))).toEqual([
      "alter table public.orders",
      `create policy ${server.environment}_wall`,
      `drop policy ${server.environment}_tenants`,
      `create policy ${server.environment}_tenants`,
    ]);
    expect((await isolate("orders")).statements).toEqual([]);
  });

  test("uses an index for the tenant's rows, by login and by setting", async () => {
    await superuser.query(
      `insert into orders select chr(97 + n % 26) || repeat('b', 25), gen_random_uuid(), 'x' from generate_series(1, 20000) n;
       analyze orders`,
    );
    const plan = async (client: pg.Client) => JSON.stringify((await client.query("explain select * from orders")).rows);
    const a = await open(server.a.url);
    expect(await plan(a)).toMatch(/Index|Bitmap/);
    await a.end();
    await vendor.query(`begin; select set_config('app.tenant_id', '${server.a.id}', true)`);
    expect(await plan(vendor)).toMatch(/Index|Bitmap/);
    await vendor.query("rollback");
  });

  test("is covered in each of its partitions, also one that comes later and is asked by its name", async () => {
    await vendor.query(`create table visits (tenant_id text not null, n int, at date not null) partition by range (at);
      create table visits_may partition of visits for values from ('2026-05-01') to ('2026-06-01');
      create table visits_june partition of visits for values from ('2026-06-01') to ('2026-07-01') partition by list (n);
      create table visits_june_1 partition of visits_june for values in (1)`);
    expect((await isolate("visits_may")).faults).toEqual([
      { at: "visits_may", message: "is a partition: name the table it is of, visits" },
    ]);
    expect((await isolate("visits")).faults).toEqual([]);
    expect((await isolate("visits")).statements).toEqual([]);
    await vendor.query(`begin; select set_config('app.tenant_id', '${server.b.id}', true);
      insert into visits (n, at) values (1, '2026-05-02'), (1, '2026-06-02'); commit`);
    for (const table of ["visits", "visits_may", "visits_june", "visits_june_1"]) {
      expect(await within(server.a.id, `select n from ${table}`)).toEqual([]);
      expect(await as(server.a.url, `select n from ${table}`)).toEqual(table === "visits" ? [] : "42501");
    }
    expect(await as(server.b.url, "select at::text from visits order by 1")).toEqual(["2026-05-02", "2026-06-02"]);
    await vendor.query("create table visits_july partition of visits for values from ('2026-07-01') to ('2026-08-01')");
    expect((await isolate("visits")).statements).toHaveLength(6);
    expect((await isolate("visits")).statements).toEqual([]);
  });
});

import { connect } from "../src/db/db.ts";
import { isolateTable } from "../src/isolation/pool/pool.ts";
import { buy, DAY, rowOf } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;
let shop: TestProvider;

beforeAll(async () => {
  server = await tenantsServer();
  shop = await testProvider({ tenants: server });
  const { environment } = server;
  await buy(shop, "basic");
  for (const statement of [
    `create role ${environment}_vendor nologin`,
    `create schema vendor authorization ${environment}_vendor`,
    `set role ${environment}_vendor;
     create table vendor.a_parent (tenant_id text not null, id int, primary key (tenant_id, id));
     create table vendor.b_child (tenant_id text not null, id int, foreign key (tenant_id, id) references vendor.a_parent);
     create table vendor.leaky (tenant_id text, word text);
     alter table vendor.leaky enable row level security;
     create policy everybody on vendor.leaky using (true);
     grant select, insert, delete on vendor.leaky to ${environment}_tenants`,
  ]) {
    await server.look(statement);
  }
  const admin = connect({ url: server.superuserUrl, connections: 1 });
  for (const table of ["vendor.a_parent", "vendor.b_child"]) {
    const request = { environment, table, column: "tenant_id", vendors: [], excused: [] };
    expect((await isolateTable(admin, request, false)).faults).toEqual([]);
  }
  await admin.close();
});

afterAll(async () => {
  await closeProviders();
  await server.look("drop schema vendor cascade");
  await server.drop();
});

const tenantsIn = (table: string) =>
  server.look<{ tenant_id: string; rows: number }>(
    `select tenant_id, count(*)::int as rows from vendor.${table} group by 1 order by 2 desc`,
  );

test("a removed tenant's rows go from every walled table, whatever refers to what, and nobody else's do", async () => {
  const [gone, stays] = [await buy(shop, "basic"), await buy(shop, "basic")];
  for (const { url } of [gone, stays]) {
    await asCustomer(url, async (client) => {
      await client.query("insert into vendor.a_parent (id) select n from generate_series(1, 6000) n");
      await client.query("insert into vendor.b_child (id) values (1)");
      await client.query("insert into vendor.leaky values ('nobody', 'kept')");
    });
  }
  await shop.deprovision(about(gone.tenant));
  await shop.rest();
  expect(await tenantsIn("a_parent")).toHaveLength(2);

  shop.clock.advance(8 * DAY);
  await shop.rest();
  expect(await rowOf(shop, gone.tenant)).toMatchObject({ state: "removed" });
  expect((await server.things()).filter((name) => name.includes(gone.tenant.id))).toEqual([]);
  expect(await tenantsIn("a_parent")).toEqual([{ tenant_id: stays.tenant.id, rows: 6_000 }]);
  expect(await tenantsIn("b_child")).toEqual([{ tenant_id: stays.tenant.id, rows: 1 }]);
  // What no wall protects is no tenant's to delete.
  expect(await tenantsIn("leaky")).toEqual([{ tenant_id: "nobody", rows: 2 }]);
});

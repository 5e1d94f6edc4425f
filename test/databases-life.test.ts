import { Refused } from "../src/product/product.ts";
import { buy, DAY, HOUR, one, rotate, rowOf, URL_VAR, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;
let shop: TestProvider;

beforeAll(async () => {
  server = await tenantsServer();
  shop = await testProvider({ tenants: server });
});

afterEach(() => shop.product.reset());

afterAll(async () => {
  await closeProviders();
  await server.drop();
});

const remainsOf = async ({ id }: { readonly id: string }) =>
  (await server.things()).filter((name) => name.includes(id));

test("a new login works beside the old one on the same data, and the old one ends with its overlap", async () => {
  const { tenant, url: old } = await buy(shop, "standard");
  await asCustomer(old, (client) => client.query("create table kept as select 1 as one"));
  await rotate(shop, tenant, 60);
  const fresh = await urlOf(shop, tenant);
  expect(fresh).not.toBe(old);
  expect(await one(old, "select one from kept")).toBe(1);
  await asCustomer(fresh, (client) => client.query("alter table kept add column two int"));
  await shop.rest();
  shop.clock.advance(HOUR);
  await shop.rest();
  await expect(one(old, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
  expect(await one(fresh, "select one from kept")).toBe(1);
});

test.each(["standard", "premium"])("what a login of %s made by itself outlives it", async (plan) => {
  const { tenant, url: old } = await buy(shop, plan);
  await asCustomer(old, async (client) => {
    const schema = plan === "premium" ? "public" : new URL(old).username.slice(0, -7);
    await client.query("set role none");
    await client.query(`create table ${schema}.own as select 7 as seven`);
  });
  await rotate(shop, tenant, 0);
  const fresh = await urlOf(shop, tenant);
  expect(await one(fresh, "select seven from own")).toBe(7);
  await asCustomer(fresh, (client) => client.query("drop table own"));
});

test("a session of a revoked login ends with it", async () => {
  const { tenant, url } = await buy(shop, "premium");
  await asCustomer(url, async (client) => {
    await client.query("select 1");
    await rotate(shop, tenant, 0);
    await expect(client.query("select 1")).rejects.toThrow();
  });
});

test("whatever a customer sets for its login, the next settlement puts right", async () => {
  const { tenant, url } = await buy(shop, "standard");
  const { username } = new URL(url);
  await asCustomer(url, async (client) => {
    await client.query("set role none");
    await client.query(`alter role ${username} set statement_timeout = 0`);
    await client.query(`alter role ${username} set role = none`);
    await client.query(`alter role ${username} set work_mem = '1GB'`);
    await client.query(`alter role ${username} password 'my own'`);
  });
  await shop.deps.databases?.settle(tenant.id);
  expect(await one(url, "show statement_timeout")).toBe("30s");
  expect(await one(url, "show work_mem")).not.toBe("1GB");
  expect(await one(url, "select current_user::text")).toBe(username.slice(0, -7));
});

test.each(["basic", "standard", "premium"])(
  "a suspended tenant of %s is locked out with its sessions and comes back to its data",
  async (plan) => {
    const { tenant, url } = await buy(shop, plan);
    await asCustomer(url, async (client) => {
      await client.query("select 1");
      await shop.suspend({ ...about(tenant), reason: "unpaid" });
      await expect(client.query("select 1")).rejects.toThrow();
    });
    await expect(one(url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    await shop.rest();
    expect(await rowOf(shop, tenant)).toMatchObject({ state: "suspended" });
    await shop.resume(about(tenant));
    expect(await one(url, "select 1")).toBe(1);
  },
);

test("a deprovision ends logins at once, keeps the data for the plan's days, and then removes all", async () => {
  const { tenant, url } = await buy(shop, "premium");
  await asCustomer(url, async (client) => {
    await client.query("create table kept as select 1 as one");
    await shop.deprovision(about(tenant));
    await expect(client.query("select 1")).rejects.toThrow();
  });
  await expect(one(url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
  const name = `${server.environment}_${tenant.id}`;
  expect(await remainsOf(tenant)).toEqual([`database ${name}`, `role ${name}`, `role ${name}_ro`]);
  expect(await server.look("select one from kept", [], name)).toEqual([{ one: 1 }]);

  shop.clock.advance(29 * DAY);
  await shop.rest();
  expect(await remainsOf(tenant)).toHaveLength(3);
  shop.clock.advance(2 * DAY);
  await shop.rest();
  expect(await remainsOf(tenant)).toEqual([]);
  expect(await rowOf(shop, tenant)).toMatchObject({ state: "removed", due_at: null });
  expect((await shop.events(tenant)).filter((type) => type.startsWith("database"))).toEqual([
    "database.retained",
    "database.removed",
  ]);
});

test("a purchase that the product refuses leaves nothing", async () => {
  shop.product.answer(new Refused("Not you."));
  const asked = purchase({ plan: "premium" });
  await expect(shop.provision(asked)).rejects.toThrow("Not you.");
  await shop.rest();
  const failed = await shop.findTenant(asked);
  expect(failed?.state).toBe("failed");
  expect(await remainsOf({ id: failed?.id ?? "" })).toEqual([]);
});

test("another plan's limits count at once, and what its model changes is put down to be moved", async () => {
  const { tenant, url } = await buy(shop, "standard");
  await shop.changePlan({ ...about(tenant), plan: "premium" });
  expect(await one(url, "show statement_timeout")).toBe("2min");
  expect(await rowOf(shop, tenant)).toMatchObject({ state: "moving", model: "bridge", wanted: "silo" });
  expect(await urlOf(shop, tenant)).toBe(url);
});

test("the test of a connection is of the customer's own login, and fails once that is refused", async () => {
  const { tenant } = await buy(shop, "standard");
  expect(await shop.testConnection(about(tenant), URL_VAR)).toEqual({ works: true, milliseconds: expect.any(Number) });
  const login = new URL(await urlOf(shop, tenant)).username;
  await server.look(`alter role ${login} nologin`);
  expect(await shop.testConnection(about(tenant), URL_VAR)).toEqual({ works: false });
  await server.look(`alter role ${login} login`);
});

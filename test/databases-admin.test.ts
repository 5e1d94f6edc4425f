import { buy, DAY, one, rotate, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;

beforeEach(async () => {
  server = await tenantsServer();
});

afterEach(async () => {
  await closeProviders();
  await server.drop();
  await server.dropAdmin();
});

/** Everything that is ever done to a tenant of each model. */
async function liveThrough(shop: TestProvider): Promise<void> {
  for (const plan of ["basic", "standard", "premium"]) {
    const { tenant, url: first } = await buy(shop, plan);
    if (plan !== "basic") {
      await asCustomer(first, async (client) => {
        await client.query("create table kept as select 7 as seven");
        await client.query("set role none");
        await client.query("create table own as select 8 as eight");
      });
    }
    await asCustomer(first, async (client) => {
      await client.query("select 1");
      await shop.suspend({ ...about(tenant), reason: "unpaid" });
      await expect(client.query("select 1")).rejects.toThrow();
    });
    await shop.resume(about(tenant));
    await asCustomer(first, async (client) => {
      await client.query("select 1");
      await rotate(shop, tenant, 0);
      await expect(client.query("select 1")).rejects.toThrow();
    });
    const second = await urlOf(shop, tenant);
    if (plan !== "basic") expect(await one(second, "select seven + eight from kept, own")).toBe(15);
    await shop.deprovision(about(tenant));
    await expect(one(second, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
  }
  expect(await shop.deps.databases?.check(true)).toEqual([]);
  shop.clock.advance(31 * DAY);
  await shop.rest();
  expect(await server.things()).toEqual([]);
}

test("a superuser may administer", async () => {
  await liveThrough(await testProvider({ tenants: { ...server, url: server.superuserUrl } }));
});

test("so may a role that only makes roles and databases, and that limits are then advice is said", async () => {
  const url = await server.plainAdmin();
  const shop = await testProvider({ tenants: { ...server, url } });
  await liveThrough(shop);
  expect(await shop.deps.databases?.openness()).toContainEqual(expect.stringContaining("pg_signal_backend"));
});

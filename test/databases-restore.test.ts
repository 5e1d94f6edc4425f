import { restoreDatabase } from "../src/provider/restore-database.ts";
import { buy, DAY, one, rowOf } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;
let shop: TestProvider;

beforeAll(async () => {
  server = await tenantsServer();
  shop = await testProvider({ tenants: server });
});

afterAll(async () => {
  await closeProviders();
  await server.drop();
});

async function removed(plan: string) {
  const { tenant, url } = await buy(shop, plan);
  await asCustomer(url, (client) => client.query("create table kept as select 7 as seven"));
  await shop.deprovision(about(tenant));
  await shop.rest();
  return { tenant, url };
}

const restore = (tenant: { readonly id: string }, days: number) =>
  restoreDatabase(shop.deps, { tenant: tenant.id, days, by: "operator:test", at: shop.clock.now() });

test.each(["standard", "premium"])(
  "data of %s are opened again within the grace to a fresh login, and removed after its time",
  async (plan) => {
    const { tenant, url: old } = await removed(plan);
    shop.clock.advance(DAY);
    const { url } = await restore(tenant, 40);
    expect(await one(url, "select seven from kept")).toBe(7);
    await expect(one(old, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    expect(await rowOf(shop, tenant)).toMatchObject({ state: "ready" });
    expect((await shop.findTenant({ tenant: tenant.id }))?.state).toBe("gone");
    expect(await shop.deps.databases?.check(true)).toEqual([]);

    shop.clock.advance(39 * DAY);
    await shop.rest();
    expect(await one(url, "select seven from kept")).toBe(7);
    shop.clock.advance(2 * DAY);
    await shop.rest();
    await expect(one(url, "select 1")).rejects.toThrow();
    expect(await rowOf(shop, tenant)).toMatchObject({ state: "removed" });
    expect(await shop.deps.databases?.check(true)).toEqual([]);
    expect((await shop.events(tenant)).filter((type) => type.startsWith("database."))).toEqual([
      "database.retained",
      "database.restored",
      "database.removed",
    ]);
  },
);

test("a second restore ends the login of the first", async () => {
  const { tenant } = await removed("standard");
  const first = await restore(tenant, 3);
  const second = await restore(tenant, 3);
  await expect(one(first.url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
  expect(await one(second.url, "select seven from kept")).toBe(7);
});

test("only what is still kept is restored, and only after a deprovision", async () => {
  const living = await buy(shop, "standard");
  await expect(restore(living.tenant, 3)).rejects.toMatchObject({ code: "request_malformed" });
  const { tenant } = await removed("standard");
  shop.clock.advance(8 * DAY);
  await shop.rest();
  await expect(restore(tenant, 3)).rejects.toMatchObject({ message: "Its data are no longer kept." });
  await expect(restore({ id: "aaaaaaaaaaaaaaaaaaaaaaaaaa" }, 3)).rejects.toMatchObject({ code: "tenant_not_found" });
});

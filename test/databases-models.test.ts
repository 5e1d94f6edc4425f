import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

const URL_VAR = "ACME_STORAGE_DATABASE_URL";

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

async function buy(plan: string) {
  const bought = await shop.provision(purchase({ plan }));
  if (bought.kind !== "done") throw new Error("It is not ready at once.");
  return { tenant: bought.value.tenant, url: bought.value.config[URL_VAR] };
}

async function one(url: string | undefined, sql: string): Promise<unknown> {
  return asCustomer(url, async (client) => Object.values((await client.query(sql)).rows[0] ?? {})[0]);
}

test("a customer of the pool connects with the config var and is known by the login", async () => {
  const { tenant, url } = await buy("basic");
  expect(await one(url, `select ${server.environment}_stallholder.tenant()`)).toBe(tenant.id);
  await asCustomer(url, async (client) => {
    await client.query("reset role");
    await client.query("set role none");
    const { rows } = await client.query(`select ${server.environment}_stallholder.tenant() as tenant`);
    expect(rows).toEqual([{ tenant: tenant.id }]);
    await expect(client.query("create table mine (id int)")).rejects.toThrow();
    await expect(client.query("create temp table mine (id int)")).rejects.toThrow("permission denied");
  });
});

test.each(["standard", "premium"])("a customer of the plan %s makes tables of its own", async (plan) => {
  const { url } = await buy(plan);
  await asCustomer(url, async (client) => {
    await client.query("create table mine (id int generated always as identity, word text)");
    await client.query("insert into mine (word) values ('one'), ('two')");
  });
  expect(await one(url, "select count(*)::int from mine")).toBe(2);
  expect(await one(url, "show statement_timeout")).toBe(plan === "standard" ? "30s" : "2min");
});

test("the second settlement changes nothing", async () => {
  const { tenant, url } = await buy("standard");
  const before = await server.things();
  await shop.deps.databases?.settle(tenant.id);
  expect(await server.things()).toEqual(before);
  expect(await one(url, "select 1")).toBe(1);
  expect(await shop.configVars(tenant.id)).toMatchObject({ [URL_VAR]: url });
});

test("a new login works beside the old one on the same data, and the old one ends with its overlap", async () => {
  const { tenant, url: old } = await buy("standard");
  await asCustomer(old, (client) => client.query("create table kept as select 1 as one"));
  await shop.rotateCredentials({ ...about(tenant), kind: "postgres", overlapSeconds: 60 });
  const fresh = (await shop.configVars(tenant.id))[URL_VAR];
  expect(fresh).not.toBe(old);
  expect(await one(old, "select one from kept")).toBe(1);
  await asCustomer(fresh, (client) => client.query("alter table kept add column two int"));
  await shop.rest();
  shop.clock.advance(3_600_000);
  await shop.rest();
  await expect(one(old, "select 1")).rejects.toThrow(/authentication failed|not exist/);
  expect(await one(fresh, "select one from kept")).toBe(1);
});

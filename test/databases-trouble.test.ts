import type { AddressInfo } from "node:net";
import { createServer, type Server } from "node:net";
import { readSettings } from "../src/config.ts";
import { mintLogin } from "../src/isolation/databases/names.ts";
import { buy, one, rowOf, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, purchase, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;

beforeAll(async () => {
  server = await tenantsServer();
});

afterAll(async () => {
  await closeProviders();
  await server.drop();
});

/** Says nothing to whoever connects. */
async function silentServer(): Promise<{ readonly server: Server; readonly url: string }> {
  const silent = createServer((socket) => void socket.on("error", () => undefined));
  await new Promise<void>((resolve) => void silent.listen(0, "127.0.0.1", resolve));
  const { port } = silent.address() as AddressInfo;
  return { server: silent, url: `postgres://admin:secret-word@127.0.0.1:${port}/tenants` };
}

test("while the tenants' server is away a purchase is answered as under way, and finished when it is back", async () => {
  let away = true;
  const shop = await testProvider({
    tenants: {
      ...server,
      through: (open) => (database) =>
        away
          ? Promise.reject(Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" }))
          : open(database),
    },
  });
  const asked = purchase({ plan: "standard" });
  const answer = await shop.provision(asked);
  expect(answer).toMatchObject({ kind: "running", value: { config: {} } });
  expect(shop.product.calls).toEqual([]);
  expect(await rowOf(shop, answer.value.tenant)).toMatchObject({
    state: "making",
    fault: expect.stringContaining("REFUSED"),
  });

  away = false;
  await shop.rest();
  expect(await one(await urlOf(shop, answer.value.tenant), "select 1")).toBe(1);
  expect(await rowOf(shop, answer.value.tenant)).toMatchObject({ state: "ready", fault: null });
});

test("a server that never answers takes no longer than the time that is set for it", async () => {
  const { server: silent, url } = await silentServer();
  const shop = await testProvider({ tenants: { ...server, url }, budgets: { databases: 500 } });
  const began = performance.now();
  const answer = await shop.provision(purchase({ plan: "standard" }));
  expect(performance.now() - began).toBeLessThan(4_000);
  expect(answer.kind).toBe("running");
  silent.close();
});

test("a purchase that comes to its deadline while the server is away fails, and leaves nothing when it is back", async () => {
  let away = true;
  const shop = await testProvider({
    tenants: {
      ...server,
      through: (open) => (database) => (away ? Promise.reject(new Error("The server is away.")) : open(database)),
    },
  });
  const { value } = await shop.provision(purchase({ plan: "premium" }));
  shop.clock.advance(13 * 3_600_000);
  await shop.work();
  expect((await shop.findTenant({ tenant: value.tenant.id }))?.state).toBe("failed");
  away = false;
  await shop.rest();
  expect(await rowOf(shop, value.tenant)).toMatchObject({ state: "removed" });
  expect((await server.things()).filter((name) => name.includes(value.tenant.id))).toEqual([]);
});

test("a server without a free connection is one that is away", async () => {
  const shop = await testProvider({
    tenants: {
      ...server,
      through: () => () =>
        Promise.reject(Object.assign(new Error("sorry, too many clients already"), { code: "53300" })),
    },
  });
  const { kind, value } = await shop.provision(purchase({ plan: "standard" }));
  expect(kind).toBe("running");
  expect((await rowOf(shop, value.tenant))?.fault).toBe("53300: sorry, too many clients already");
});

test("a deprovision is not over before the logins have ended", async () => {
  let away = false;
  const shop = await testProvider({
    tenants: {
      ...server,
      through: (open) => (database) => (away ? Promise.reject(new Error("The server is away.")) : open(database)),
    },
  });
  const { tenant, url } = await buy(shop, "standard");
  away = true;
  expect((await shop.deprovision(about(tenant))).kind).toBe("running");
  expect(shop.product.calls.map(({ verb }) => verb)).toEqual(["provision"]);
  expect(await one(url, "select 1")).toBe(1);
  away = false;
  await shop.rest();
  expect((await shop.findTenant({ tenant: tenant.id }))?.state).toBe("gone");
  await expect(one(url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
});

test("the second process settles what the first has under way, and not at the same time", async () => {
  const shop = await testProvider({ tenants: server });
  const beside = await testProvider({ beside: shop, tenants: server });
  const { tenant, url } = await buy(shop, "standard");
  const settlements = [shop, beside, shop, beside].map(({ deps }) => deps.databases?.settle(tenant.id));
  await Promise.all(settlements);
  expect(await one(url, "select 1")).toBe(1);
});

test("many purchases at once all get their own", async () => {
  const shop = await testProvider({ tenants: server, budgets: { databases: 20_000 } });
  const bought = await Promise.all(
    ["basic", "standard", "standard", "premium", "premium", "basic"].map((plan) => buy(shop, plan)),
  );
  for (const { url } of bought) expect(await one(url, "select 1")).toBe(1);
  expect(new Set(bought.map(({ url }) => new URL(url).username)).size).toBe(6);
  expect(await shop.deps.databases?.check(true)).not.toContainEqual(expect.objectContaining({ cure: "settle" }));
});

test("no name is longer than PostgreSQL keeps, whatever the environment is called", () => {
  const longest = "e123456789012345";
  expect(readSettings({ STALLHOLDER_ENV: longest, DATA_DIR: "/tmp/stallholder-names" }).environment).toBe(longest);
  expect(mintLogin(longest, "a".repeat(26)).length).toBeLessThan(63);
  expect(() => readSettings({ STALLHOLDER_ENV: `${longest}x`, DATA_DIR: "/tmp/stallholder-names" })).toThrow(
    "not usable",
  );
  for (const wrong of ["Live", "live_two", "1st", "live-eu"]) {
    expect(() => readSettings({ STALLHOLDER_ENV: wrong, DATA_DIR: "/tmp/stallholder-names" })).toThrow("not usable");
  }
});

test("customers get the address that is set for them", async () => {
  const shop = await testProvider({ tenants: { ...server, address: "pooler.example.com:6432" } });
  const { url, tenant } = await buy(shop, "premium");
  expect(url).toMatch(
    new RegExp(`^postgres://${server.environment}_${tenant.id}_[a-z2-7]{6}:\\w{43}@pooler\\.example\\.com:6432/`),
  );
});

test("no password is written where a statement could be logged", async () => {
  const said: string[] = [];
  const shop = await testProvider({
    tenants: {
      ...server,
      through: (open) => async (database) => {
        const session = await open(database);
        return {
          ...session,
          run: (text, values) => {
            said.push(text, JSON.stringify(values ?? []));
            return session.run(text, values);
          },
        };
      },
    },
  });
  const { url } = await buy(shop, "standard");
  const { password } = new URL(url);
  expect(said.join()).toContain("SCRAM-SHA-256$4096:");
  expect(said.join()).not.toContain(password);
  await asCustomer(url, (client) => client.query("select 1"));
});

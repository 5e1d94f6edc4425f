import type { Tenant } from "../src/tenants/tenants.ts";
import { type Crashes, crashes } from "./support/crash.ts";
import { buy, DAY, one, rotate, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

const PLANS = ["basic", "standard", "premium"] as const;
const MOST_STATEMENTS = 40;

const servers: TenantsServer[] = [];

afterAll(async () => {
  await closeProviders();
  for (const server of servers) await server.drop();
});

async function open(kind: "cut" | "killed", crash: Crashes): Promise<{ shop: TestProvider; server: TenantsServer }> {
  const server = await tenantsServer();
  servers.push(server);
  const shop = await testProvider({ tenants: { ...server, through: crash.through }, budgets: { databases: 3_000 } });
  // Its own preparation would never end in a process that is killed and goes on here.
  if (kind === "killed") await buy(shop, "basic");
  return { shop, server };
}

/** Crashes after the first statement, after the second, … until the work has fewer; answers whom it happened to. */
async function crashEverywhere(crash: Crashes, begin: () => Promise<() => Promise<Tenant>>) {
  const hit: { tenant: () => Promise<Tenant>; after: string }[] = [];
  for (let statement = 1; statement <= MOST_STATEMENTS; statement += 1) {
    const work = await begin();
    let result: Promise<Tenant> | undefined;
    const after = await crash.after(statement, () => {
      result = work();
      return result;
    });
    if (after === undefined) return hit;
    hit.push({ after, tenant: () => result ?? Promise.reject(new Error("It did not begin.")) });
  }
  throw new Error("It never came to its end.");
}

async function nothingAstray(shop: TestProvider): Promise<void> {
  await shop.rest();
  expect(await shop.deps.databases?.check(true)).toEqual([]);
}

/** Of the purchase that prepared the server. */
async function thingsOfTheFirst(shop: TestProvider, server: TenantsServer): Promise<string[]> {
  const [first] = await shop.look<{ id: string }>("select id from tenants order by created_at limit 1");
  return (await server.things()).filter((name) => name.includes(first?.id ?? "nobody"));
}

/** The other kind takes as long again: it belongs to `npm run test:long`. */
const KINDS = process.env["DATABASE_CRASHES"] === "all" ? (["cut", "killed"] as const) : (["cut"] as const);

describe.each(KINDS)("a connection or process that is %s after any statement", (kind) => {
  test("of a provision leaves a purchase that is finished later", async () => {
    const crash = crashes(kind);
    const { shop } = await open(kind, crash);
    for (const plan of kind === "cut" ? PLANS : (["premium"] as const)) {
      const hit = await crashEverywhere(crash, async () => async () => {
        const { value } = await shop.provision(purchase({ plan }));
        return value.tenant;
      });
      expect(hit.length).toBeGreaterThanOrEqual(plan === "premium" ? 7 : 4);
      await nothingAstray(shop);
      for (const { tenant, after } of hit) {
        const url = await urlOf(shop, await tenant());
        expect({ after, answer: await one(url, "select 1") }).toEqual({ after, answer: 1 });
      }
    }
  });

  test("of a rotation leaves the new login and not the old one", async () => {
    const crash = crashes(kind);
    const { shop } = await open(kind, crash);
    const old = new Map<string, string>();
    const hit = await crashEverywhere(crash, async () => {
      const { tenant, url } = await buy(shop, "standard");
      old.set(tenant.id, url);
      return async () => (await rotate(shop, tenant, 0)).value;
    });
    expect(hit.length).toBeGreaterThanOrEqual(7);
    await nothingAstray(shop);
    for (const { tenant } of hit) {
      const there = await tenant();
      expect(await one(await urlOf(shop, there), "select 1")).toBe(1);
      await expect(one(old.get(there.id) ?? "", "select 1")).rejects.toMatchObject({
        code: expect.stringMatching(/^28/),
      });
    }
  });

  test("of a removal leaves nothing", async () => {
    const crash = crashes(kind);
    const { shop, server } = await open(kind, crash);
    for (const plan of kind === "cut" ? ["standard", "premium"] : ["premium"]) {
      const hit = await crashEverywhere(crash, async () => {
        const { tenant } = await buy(shop, plan);
        await shop.deprovision(about(tenant));
        await shop.rest();
        shop.clock.advance(31 * DAY);
        return async () => {
          await shop.deps.databases?.settle(tenant.id);
          return tenant;
        };
      });
      expect(hit.length).toBeGreaterThanOrEqual(5);
      await nothingAstray(shop);
    }
    expect(await server.things()).toEqual(kind === "cut" ? [] : await thingsOfTheFirst(shop, server));
  });
});

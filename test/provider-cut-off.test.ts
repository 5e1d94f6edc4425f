import { SECOND } from "./support/clock.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { hangs } from "./support/scripted-product.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider({ budgets: { product: 1_500, parting: 150 } });
});

afterEach(async () => {
  shop.deliver = () => ({ outcome: "delivered" });
  shop.product.reset();
  await shop.rest();
  shop.product.reset();
  shop.told.length = 0;
});

afterAll(async () => {
  await closeProviders();
  await closeProxies();
});

/** The same provider with less patience: its product answers "not yet" at once in the eyes of the customer. */
const hasty = () => testProvider({ beside: shop, budgets: { product: 50, parting: 50, turn: 50 } });

async function stateOf(tenant: string): Promise<string | undefined> {
  return (await shop.findTenant({ tenant }))?.state;
}

describe("a provision that is cut off", () => {
  /** Takes the first step of a provision and no other: what a killed process leaves. */
  async function crashAfterBegin(order: ReturnType<typeof purchase>): Promise<void> {
    const dying = await testProvider({ beside: shop, budgets: { product: 100 } });
    dying.product.answer(hangs);
    const { store } = dying.deps;
    const finish = store.throughDoor.bind(store);
    Object.assign(store, {
      throughDoor: (statement: Parameters<typeof finish>[0]) =>
        statement.text.includes("finish_operation") ? Promise.reject(new Error("killed")) : finish(statement),
    });
    await expect(dying.provision(order)).rejects.toThrow("killed");
  }

  test("a repeat within the lease waits and is told later; after the lease a worker takes over", async () => {
    const order = purchase();
    await crashAfterBegin(order);
    const impatient = await hasty();
    expect(await impatient.provision(order)).toMatchObject({ kind: "running" });
    expect(await shop.work()).toBe(false);
    shop.clock.advance(20 * SECOND);
    await shop.work();
    expect(await shop.provision(order)).toMatchObject({ kind: "done", fresh: false });
    expect(shop.told.map((call) => call.kind)).toEqual(["push-config", "finish-provision"]);
  });

  test("removing it waits for the lease of whoever is still inside the product", async () => {
    const order = purchase();
    await crashAfterBegin(order);
    const found = await shop.findTenant({ marketplace: "bazaar", resourceId: order.resourceId });
    const outcome = await shop.deprovision(about({ id: String(found?.id) }));
    expect(outcome).toMatchObject({ kind: "running", value: { state: "deprovisioning" } });
    await shop.work();
    expect(shop.product.calls).toEqual([]);
    shop.clock.advance(20 * SECOND);
    await shop.work();
    expect(shop.product.calls.map((call) => call.verb)).toEqual(["deprovision"]);
    expect(await stateOf(String(found?.id))).toBe("gone");
  });

  test.each([
    ["begin", "before", "begin_provision"],
    ["begin", "after", "begin_provision"],
    ["end", "before", "finish_operation"],
    ["end", "after", "finish_operation"],
  ] as const)(
    "a connection lost at the %s, %s the commit, still gives one tenant and the right answer",
    async (_, when, statement) => {
      const proxy = await pgProxy(shop.database.appUrl);
      const cut = await testProvider({ beside: shop, url: proxy.url });
      const order = purchase();
      proxy.cut({ statement, when });
      const outcome = await cut.provision(order);
      expect(proxy.cuts).toBe(1);
      expect(outcome).toMatchObject({ kind: "done", fresh: true, value: { tenant: { state: "active" } } });
      expect(proxy.cuts).toBe(1);
      expect(await cut.provision(order)).toEqual({ ...outcome, fresh: false });
      expect(cut.product.calls).toHaveLength(1);
      expect(await shop.look("select from tenants where resource_id = $1", [order.resourceId])).toHaveLength(1);
    },
  );
});

import { setTimeout as sleep } from "node:timers/promises";
import type { Tenant } from "../src/tenants/tenants.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { hangs, heldBack } from "./support/scripted-product.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider();
});

afterEach(async () => {
  shop.product.reset();
  await shop.rest();
  shop.product.reset();
  shop.told.length = 0;
});

afterAll(closeProviders);

const hasty = () => testProvider({ beside: shop, budgets: { product: 60, parting: 60, turn: 150 } });

async function bought(): Promise<Tenant> {
  const { tenant } = (await shop.provision(purchase())).value;
  shop.product.reset();
  return tenant;
}

const verbs = (one: TestProvider) => one.product.calls.map((call) => call.verb);

async function now(tenant: Tenant): Promise<Tenant> {
  return (await shop.findTenant({ tenant: tenant.id })) as Tenant;
}

describe("deprovision", () => {
  test("leaves a tombstone: the second time tenant_gone, every other command too", async () => {
    const tenant = await bought();
    const order = { ...purchase(), resourceId: tenant.resourceId };
    expect(await shop.deprovision(about(tenant))).toMatchObject({ kind: "done", value: { state: "gone" } });
    const gone = { code: "tenant_gone" };
    await expect(shop.deprovision(about(tenant))).rejects.toMatchObject(gone);
    await expect(shop.provision(order)).rejects.toMatchObject(gone);
    await expect(shop.changePlan({ ...about(tenant), plan: "premium" })).rejects.toMatchObject(gone);
    await expect(shop.suspend({ ...about(tenant), reason: "" })).rejects.toMatchObject(gone);
    await expect(shop.resume(about(tenant))).rejects.toMatchObject(gone);
    await expect(shop.rotateCredentials(about(tenant))).rejects.toMatchObject(gone);
    await expect(shop.configVars(tenant.id)).rejects.toMatchObject(gone);
    expect(verbs(shop)).toEqual(["deprovision"]);
  });

  test("keeps no secret of the tenant in any column of any table", async () => {
    shop.product.answer({ config: { ACME_SEARCH_INDEX: "canary-config" } });
    const owed = [{ marketplace: "bazaar", kind: "exchange-grant", payload: { code: "canary-code" } }];
    const facts = { app: "canary-app" };
    const { tenant } = (await shop.provision(purchase({ kept: { token: "canary-token" }, facts, owed }))).value;
    await shop.rotateCredentials(about(tenant));
    await shop.rest();
    await shop.rotateCredentials({ ...about(tenant), overlapSeconds: 0 });
    const before = await everything(tenant);
    expect(before).toMatch(/"v1\.test\./);
    expect(before).toMatch(/canary-app/);
    await shop.deprovision(about(tenant));
    const after = await everything(tenant);
    expect(after).toContain(tenant.id);
    expect(after).not.toMatch(/v1\.test\.|canary/);
  });

  /** Every row of every table that is about this tenant. */
  async function everything(tenant: Tenant): Promise<string> {
    const tables = await shop.look<{ name: string }>(
      `select table_name as name from information_schema.columns
       where table_schema = 'public' and column_name = 'tenant_id' order by 1`,
    );
    const rows = await Promise.all([
      shop.look("select * from tenants where id = $1", [tenant.id]),
      ...tables.map(({ name }) => shop.look(`select * from ${name} where tenant_id = $1`, [tenant.id])),
    ]);
    return JSON.stringify(rows);
  }

  test("of a product that does not answer is running; credentials are dead at once and a worker ends it", async () => {
    const order = purchase();
    const { config, tenant } = (await shop.provision(order)).value;
    const impatient = await hasty();
    impatient.product.answer(hangs);
    expect(await impatient.deprovision(about(tenant))).toMatchObject({
      kind: "running",
      value: { state: "deprovisioning" },
    });
    const key = String(config["ACME_SEARCH_API_KEY"]);
    expect(await shop.verifyKey(key)).toEqual({ valid: false, code: "gone" });
    await expect(shop.deprovision(about(tenant))).rejects.toMatchObject({ code: "tenant_gone" });
    await shop.rest();
    expect(await now(tenant)).toMatchObject({ state: "gone" });
  });

  test.each([
    [
      "provision",
      "tenant_gone",
      (tenant: Tenant, one: TestProvider) => one.provision({ ...purchase(), resourceId: tenant.resourceId }),
    ],
    [
      "change of plan",
      "tenant_gone",
      (tenant: Tenant, one: TestProvider) => one.changePlan({ ...about(tenant), plan: "premium" }),
    ],
    ["suspension", "tenant_gone", (tenant: Tenant, one: TestProvider) => one.suspend({ ...about(tenant), reason: "" })],
    ["rotation", "tenant_gone", (tenant: Tenant, one: TestProvider) => one.rotateCredentials(about(tenant))],
  ] as const)(
    "cancels a %s under way, which is then %s, and waits until it is out of the product",
    async (what, code, command) => {
      const held = heldBack<object>();
      const busy = await testProvider({ beside: shop });
      busy.product.answer(held.promise);
      const order = purchase();
      const tenant = what === "provision" ? undefined : await bought();
      const running = tenant ? command(tenant, busy) : busy.provision(order);
      const outcome = expect(running).rejects.toMatchObject({ code });
      while (busy.product.calls.length === 0) await sleep(5);
      const found =
        tenant ?? ((await shop.findTenant({ marketplace: "bazaar", resourceId: order.resourceId })) as Tenant);
      expect(await shop.deprovision(about(found))).toMatchObject({ kind: "running" });
      await shop.work();
      expect(verbs(shop)).toEqual([]);
      held.release({});
      await outcome;
      await shop.work();
      expect(verbs(shop)).toEqual(["deprovision"]);
      expect(await now(found)).toMatchObject({ state: "gone" });
    },
  );

  test("of an unknown tenant, or of one bought elsewhere, is tenant_not_found", async () => {
    const notFound = { code: "tenant_not_found" };
    const nobody = { ...about({ id: "a".repeat(26) }) };
    await expect(shop.deprovision(nobody)).rejects.toMatchObject(notFound);
    await expect(shop.deprovision({ ...nobody, ref: { tenant: "a'; drop table tenants" } })).rejects.toMatchObject(
      notFound,
    );
    const theirs = await bought();
    for (const resourceId of ["never", theirs.resourceId, theirs.id]) {
      const elsewhere = { marketplace: resourceId === "never" ? "bazaar" : "fair", resourceId };
      await expect(shop.deprovision({ ...nobody, ref: elsewhere })).rejects.toMatchObject(notFound);
    }
  });
});

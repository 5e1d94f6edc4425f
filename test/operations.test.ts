import { setTimeout as sleep } from "node:timers/promises";
import { claimOperations } from "../src/operations/operations.ts";
import { Refused, RetryLater } from "../src/product/product.ts";
import type { Tenant } from "../src/tenants/tenants.ts";
import { HOUR, SECOND } from "./support/clock.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";
import {
  about,
  closeProviders,
  purchase,
  runDueOperations,
  type TestProvider,
  testProvider,
} from "./support/provider.ts";
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

afterAll(async () => {
  await closeProviders();
  await closeProxies();
});

const hasty = () => testProvider({ beside: shop, budgets: { product: 60, parting: 60, turn: 150 } });

async function bought(): Promise<Tenant> {
  const { tenant } = (await shop.provision(purchase())).value;
  shop.product.reset();
  return tenant;
}

/** What happened since it was bought. */
const storyOf = async (tenant: Tenant) => (await shop.events(tenant)).slice(2);
const verbs = (one: TestProvider) => one.product.calls.map((call) => call.verb);
const kinds = () => shop.told.map((call) => call.kind);

async function now(tenant: Tenant): Promise<Tenant> {
  return (await shop.findTenant({ tenant: tenant.id })) as Tenant;
}

describe("changing the plan", () => {
  test("asks the product with both plans and takes effect at once", async () => {
    const tenant = await bought();
    const outcome = await shop.changePlan({ ...about(tenant), plan: "premium" });
    expect(outcome).toMatchObject({
      kind: "done",
      fresh: true,
      value: { tenant: { plan: "premium", state: "active" } },
    });
    expect(shop.product.calls).toMatchObject([{ verb: "changePlan", plan: "premium", previousPlan: "basic" }]);
    expect(await storyOf(tenant)).toEqual(["plan.change_requested", "plan.changed"]);
    await shop.rest();
    expect(kinds()).toEqual([]);
  });

  test("to the same plan is done, not fresh, and nobody hears of it", async () => {
    const tenant = await bought();
    const outcome = await shop.changePlan({ ...about(tenant), plan: "basic" });
    expect(outcome).toMatchObject({ kind: "done", fresh: false, value: { tenant: { plan: "basic" } } });
    expect([verbs(shop), await storyOf(tenant)]).toEqual([[], []]);
  });

  test("to an unknown plan changes nothing", async () => {
    const tenant = await bought();
    const change = shop.changePlan({ ...about(tenant), plan: "gold" });
    await expect(change).rejects.toMatchObject({ code: "plan_unknown", message: expect.stringContaining("premium") });
    expect(await storyOf(tenant)).toEqual([]);
  });

  test("that the product refuses leaves the plan and says why; asked again it may be accepted", async () => {
    const tenant = await bought();
    shop.product.answer(new Refused("You use more than basic allows."));
    const change = { ...about(tenant), plan: "standard" };
    await expect(shop.changePlan(change)).rejects.toMatchObject({
      code: "plan_change_refused",
      message: "You use more than basic allows.",
    });
    expect(await now(tenant)).toMatchObject({ plan: "basic", state: "active" });
    expect(await shop.changePlan(change)).toMatchObject({ kind: "done", fresh: true });
  });

  test("to two plans at once serialises: both take effect, the later one last", async () => {
    const tenant = await bought();
    const held = heldBack<object>();
    shop.product.answer(held.promise);
    const first = shop.changePlan({ ...about(tenant), plan: "standard" });
    while (verbs(shop).length === 0) await sleep(5);
    const second = shop.changePlan({ ...about(tenant), plan: "premium" });
    await sleep(50);
    held.release({});
    const outcomes = await Promise.all([first, second]);
    expect(outcomes.map((outcome) => outcome.kind)).toEqual(["done", "done"]);
    const asked = shop.product.calls.map((call) => [call.previousPlan, call.plan]);
    expect(asked).toEqual([
      ["basic", "standard"],
      ["standard", "premium"],
    ]);
    expect((await now(tenant)).plan).toBe("premium");
    expect(await storyOf(tenant)).toEqual(Array(2).fill(["plan.change_requested", "plan.changed"]).flat());
  });

  test("twice at once to the same plan is one change", async () => {
    const tenant = await bought();
    const held = heldBack<object>();
    shop.product.answer(held.promise);
    const both = Promise.all([1, 2].map(() => shop.changePlan({ ...about(tenant), plan: "premium" })));
    await sleep(60);
    held.release({});
    const outcomes = await both;
    expect(outcomes.map((outcome) => outcome.kind === "done" && outcome.fresh).sort()).toEqual([false, true]);
    expect(verbs(shop)).toEqual(["changePlan"]);
  });

  test("slowly is running, then pushed", async () => {
    const tenant = await bought();
    const impatient = await hasty();
    impatient.product.answer(hangs);
    const outcome = await impatient.changePlan({ ...about(tenant), plan: "premium" });
    expect(outcome).toMatchObject({ kind: "running", value: { tenant: { plan: "basic" } } });
    await shop.rest();
    expect(await now(tenant)).toMatchObject({ plan: "premium" });
    expect(kinds()).toEqual(["push-config"]);
  });

  test("while older config is still on its way is pushed too: what arrives last is the newest", async () => {
    const tenant = await bought();
    await shop.rotateCredentials(about(tenant));
    expect(kinds()).toEqual([]);
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.rest();
    expect(kinds()).toEqual(["push-config", "push-config"]);
  });

  test("while another change runs is refused as operation_running once its turn does not come", async () => {
    const tenant = await bought();
    const impatient = await hasty();
    impatient.product.answer(new RetryLater(3_600));
    await impatient.changePlan({ ...about(tenant), plan: "premium" });
    const late = impatient.changePlan({ ...about(tenant), plan: "basic" });
    await expect(late).rejects.toMatchObject({ code: "operation_running", retryAfter: 10 });
  });

  test("over a connection cut at COMMIT is never answered as failed: the change goes on and is told later", async () => {
    const tenant = await bought();
    const proxy = await pgProxy(shop.database.appUrl);
    const cut = await testProvider({ beside: shop, url: proxy.url, budgets: { product: 60 } });
    proxy.cut({ statement: "commit", when: "after" });
    expect(await cut.changePlan({ ...about(tenant), plan: "premium" })).toMatchObject({ kind: "running" });
    expect(proxy.cuts).toBe(1);
    await shop.rest();
    expect(await now(tenant)).toMatchObject({ plan: "premium" });
    expect([verbs(shop), kinds()]).toEqual([["changePlan"], ["push-config"]]);
  });
});

describe("suspend and resume", () => {
  const unpaid = { reason: "unpaid" };

  test("take effect, tell the product, and the second time are done and not fresh", async () => {
    const tenant = await bought();
    expect(await shop.suspend({ ...about(tenant), ...unpaid })).toMatchObject({ kind: "done", fresh: true });
    expect(await now(tenant)).toMatchObject({ state: "suspended", reason: "unpaid" });
    expect(await shop.suspend({ ...about(tenant), ...unpaid })).toMatchObject({ kind: "done", fresh: false });
    expect(await shop.resume(about(tenant))).toMatchObject({ kind: "done", fresh: true });
    expect(await shop.resume(about(tenant))).toMatchObject({ kind: "done", fresh: false });
    expect(await now(tenant)).toMatchObject({ state: "active", reason: null });
    expect(shop.product.calls).toMatchObject([{ verb: "suspend", ...unpaid }, { verb: "resume" }]);
    expect(await storyOf(tenant)).toEqual(["suspend.requested", "suspended", "resume.requested", "resumed"]);
  });

  test("cannot be lost behind their opposite: while that runs they are operation_running", async () => {
    const tenant = await bought();
    const impatient = await hasty();
    impatient.product.answer(new RetryLater(3_600));
    expect(await impatient.suspend({ ...about(tenant), ...unpaid })).toMatchObject({ kind: "running" });
    await expect(shop.resume(about(tenant))).rejects.toMatchObject({ code: "operation_running" });
    await shop.rest();
    impatient.product.answer(new RetryLater(3_600));
    expect(await impatient.resume(about(tenant))).toMatchObject({ kind: "running" });
    await expect(shop.suspend({ ...about(tenant), ...unpaid })).rejects.toMatchObject({ code: "operation_running" });
  });

  test("a suspended tenant can rotate, change its plan and leave", async () => {
    const tenant = await bought();
    await shop.suspend({ ...about(tenant), ...unpaid });
    expect(await shop.rotateCredentials(about(tenant))).toMatchObject({ kind: "done", value: { state: "suspended" } });
    expect(await shop.changePlan({ ...about(tenant), plan: "premium" })).toMatchObject({ kind: "done" });
    expect(await now(tenant)).toMatchObject({ state: "suspended", plan: "premium" });
    expect(await shop.deprovision(about(tenant))).toMatchObject({ kind: "done", value: { state: "gone" } });
  });
});

describe("the lease of an operation", () => {
  test("goes to one of many workers at once", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    shop.product.reset();
    const impatient = await testProvider({ beside: shop });
    impatient.product.answer(new RetryLater(1));
    await impatient.changePlan({ ...about(tenant), plan: "premium" });
    shop.clock.advance(SECOND);
    const claims = Array.from({ length: 20 }, () => claimOperations(shop.deps.store, shop.clock.now(), 10));
    expect((await Promise.all(claims)).flat()).toHaveLength(1);
    shop.clock.advance(20 * SECOND - 1);
    expect(await claimOperations(shop.deps.store, shop.clock.now(), 10)).toHaveLength(0);
    shop.clock.advance(1);
    expect(await claimOperations(shop.deps.store, shop.clock.now(), 10)).toHaveLength(1);
  });

  test("that went to another worker takes the end with it, and whoever was told to wait is still told the end", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    shop.product.reset();
    const held = heldBack<object>();
    shop.product.answer(held.promise);
    const slow = shop.changePlan({ ...about(tenant), plan: "premium" });
    while (shop.product.calls.length === 0) await sleep(5);
    shop.clock.advance(HOUR);
    const other = await testProvider({ beside: shop });
    const otherHeld = heldBack<object>();
    other.product.answer(otherHeld.promise);
    const taken = runDueOperations(other);
    while (other.product.calls.length === 0) await sleep(5);
    held.release({});
    expect(await slow).toMatchObject({ kind: "running", value: { tenant: { plan: "basic" } } });
    otherHeld.release({});
    await taken;
    await shop.work();
    expect(await shop.findTenant({ tenant: tenant.id })).toMatchObject({ plan: "premium" });
    const changed = "select from lifecycle_events where tenant_id = $1 and type = 'plan.changed'";
    expect(await shop.look(changed, [tenant.id])).toHaveLength(1);
    expect(shop.told.map((one) => one.kind)).toEqual(["push-config"]);
  });
});

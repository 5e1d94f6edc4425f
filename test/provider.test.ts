import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { builtinProduct } from "../src/product/builtin.ts";
import { Refused, RetryLater } from "../src/product/product.ts";
import type { Outcome, Provisioned } from "../src/provider/contract.ts";
import { createProvider } from "../src/provider/provider.ts";
import { HOUR, SECOND } from "./support/clock.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { hangs, heldBack } from "./support/scripted-product.ts";

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

const api = "ACME_SEARCH_API_KEY";

/** The same provider with less patience: its product answers "not yet" at once in the eyes of the customer. */
const hasty = () => testProvider({ beside: shop, budgets: { product: 50, parting: 50, turn: 50 } });

async function stateOf(tenant: string): Promise<string | undefined> {
  return (await shop.findTenant({ tenant }))?.state;
}

const keyOf = (outcome: Outcome<Provisioned>): string => String(outcome.value.config[api]);

describe("a provision with nobody to ask", () => {
  const atOnce = () => createProvider({ ...shop.deps, product: builtinProduct });
  const owed = [{ marketplace: "bazaar", kind: "bazaar:greet", once: "greeting" }];

  test("leaves the same rows as one that asked the product, but for the lease", async () => {
    const rowsOf = async (outcome: Outcome<Provisioned>) => {
      const { id } = outcome.value.tenant;
      const [rows] = await shop.look<{ rows: object }>(
        `select jsonb_build_object('tenant', (select to_jsonb(t) - '{id,resource_id}'::text[] from tenants t where id = $1),
           'operation', (select to_jsonb(o) - '{id,tenant_id}'::text[] from operations o where tenant_id = $1),
           'events', (select jsonb_agg(jsonb_build_array(sequence, type, by, at, recorded_at) order by sequence)
                      from lifecycle_events where tenant_id = $1),
           'credentials', (select jsonb_agg(jsonb_build_array(kind, var, state) order by var) from credentials where tenant_id = $1),
           'owed', (select jsonb_agg(jsonb_build_array(sequence, kind, once, state)) from owed_calls where tenant_id = $1)) as rows`,
        [id],
      );
      return rows?.rows;
    };
    const asked = await rowsOf(await shop.provision(purchase({ owed })));
    expect(await rowsOf(await atOnce().provision(purchase({ owed })))).toEqual(asked);
    expect(asked).toMatchObject({
      tenant: { state: "active", last_event: 2, last_call: 1 },
      operation: { state: "done" },
    });
  });

  test("is done at once, and a repeat gets the same answer", async () => {
    const request = purchase();
    const answers = await Promise.all(Array.from({ length: 20 }, () => atOnce().provision(request)));
    expect(answers.filter((answer) => answer.kind === "done" && answer.fresh)).toHaveLength(1);
    expect(new Set(answers.map(({ value }) => value.tenant.id)).size).toBe(1);
    expect(new Set(answers.map(keyOf)).size).toBe(1);
    expect(answers[0]?.value.tenant.state).toBe("active");
    expect((await shop.verifyKey(keyOf(answers[0] as Outcome<Provisioned>))).valid).toBe(true);
  });

  test("whose answer from the database is lost is told by the same statement again", async () => {
    const proxy = await pgProxy(shop.database.appUrl);
    const cut = await testProvider({ beside: shop, url: proxy.url, connections: 1 });
    const provider = createProvider({ ...cut.deps, product: builtinProduct });
    proxy.cut({ statement: "begin_provision", when: "after" });
    const outcome = await provider.provision(purchase());
    expect(outcome).toMatchObject({ kind: "done", fresh: true, value: { tenant: { state: "active" } } });
    expect(proxy.cuts).toBe(1);
  });
});

describe("provision", () => {
  test("a first provision asks the product once and answers the config vars", async () => {
    shop.product.answer({ config: { ACME_SEARCH_INDEX: "main" }, message: "Welcome." });
    const order = purchase({ options: { size: 3 } });
    const outcome = await shop.provision(order);
    expect(outcome).toMatchObject({
      kind: "done",
      fresh: true,
      value: {
        message: "Welcome.",
        tenant: { state: "active", plan: "basic", region: "us", resourceId: order.resourceId },
      },
    });
    expect(outcome.value.config).toEqual({
      [api]: expect.stringMatching(/^acmesearch_live_/),
      ACME_SEARCH_URL: "https://addons.example",
      ACME_SEARCH_INDEX: "main",
    });
    expect(shop.product.calls).toEqual([
      expect.objectContaining({
        verb: "provision",
        plan: "basic",
        limits: { requests: 100_000, documents: 10_000 },
        tenant: expect.objectContaining({ id: outcome.value.tenant.id, options: { size: 3 } }),
      }),
    ]);
    expect(await shop.events(outcome.value.tenant)).toEqual(["provision.requested", "provision.done"]);
    expect(await shop.work()).toBe(false);
  });

  test("a second provision with the same id answers the same tenant and asks the product nothing", async () => {
    const order = purchase({ options: { a: 1, b: true } });
    const first = await shop.provision(order);
    const again = { ...order, options: { b: true, a: 1 }, name: "renamed", at: new Date() };
    const second = await shop.provision(again);
    expect(second).toEqual({ ...first, fresh: false });
    expect(shop.product.calls).toHaveLength(1);
  });

  test("a repeat after a rotation answers the credentials that are active now", async () => {
    const order = purchase();
    const first = await shop.provision(order);
    await shop.rotateCredentials(about(first.value.tenant));
    const second = await shop.provision(order);
    expect(keyOf(second)).not.toBe(keyOf(first));
    expect(await shop.verifyKey(keyOf(second))).toMatchObject({ valid: true, tenant: first.value.tenant.id });
  });

  test("50 identical provisions at once make one tenant, ask the product once and get 50 equal answers", async () => {
    const order = purchase({ owed: [{ marketplace: "bazaar", kind: "exchange-grant", once: "code-1" }] });
    const held = heldBack<object>();
    shop.product.answer(held.promise);
    const all = Promise.all(Array.from({ length: 50 }, () => shop.provision(order)));
    await sleep(100);
    held.release({});
    const outcomes = await all;
    expect(outcomes.filter((outcome) => outcome.kind === "done" && outcome.fresh)).toHaveLength(1);
    expect(new Set(outcomes.map(({ value }) => JSON.stringify(value))).size).toBe(1);
    expect(outcomes[0]).toMatchObject({ kind: "done", value: { tenant: { state: "active" } } });
    expect(shop.product.calls).toHaveLength(1);
    expect(await shop.look("select from tenants where resource_id = $1", [order.resourceId])).toHaveLength(1);
    expect(await shop.look("select from owed_calls where once = 'code-1'")).toHaveLength(1);
  });

  test("20 repeats at once with a newer grant owe its exchange once", async () => {
    const order = purchase();
    const { tenant } = (await shop.provision(order)).value;
    const owed = [{ marketplace: "bazaar", kind: "exchange-grant", once: "code-2" }];
    const outcomes = await Promise.all(Array.from({ length: 20 }, () => shop.provision({ ...order, owed })));
    expect(outcomes.every((outcome) => outcome.kind === "done")).toBe(true);
    expect(await shop.look("select from owed_calls where tenant_id = $1", [tenant.id])).toHaveLength(1);
  });

  test.each([
    ["plan", { plan: "standard" }],
    ["region", { region: "eu" }],
    ["options", { options: { size: 1 } }],
  ])("the same id with another %s is a conflict and leaves the first untouched", async (_, other) => {
    const order = purchase();
    const first = await shop.provision(order);
    const owed = [{ marketplace: "bazaar", kind: "exchange-grant", once: randomUUID() }];
    await expect(shop.provision({ ...order, ...other, owed })).rejects.toMatchObject({ code: "request_conflict" });
    expect(await shop.provision(order)).toEqual({ ...first, fresh: false });
    expect(await shop.look("select from owed_calls where tenant_id = $1", [first.value.tenant.id])).toHaveLength(0);
  });

  test.each([
    ["plan_unknown", { plan: "gold" }],
    ["region_unknown", { region: "mars" }],
  ])("%s stores nothing", async (code, wrong) => {
    const order = purchase(wrong);
    await expect(shop.provision(order)).rejects.toMatchObject({ code });
    expect(await shop.look("select from tenants where resource_id = $1", [order.resourceId])).toHaveLength(0);
  });

  test("a product that refuses makes a failed tenant: the same request gets the same refusal and removing it works", async () => {
    shop.product.answer(new Refused("No room in us."));
    const order = purchase({ kept: { log_token: "t.canary" } });
    const refusal = { code: "product_refused", message: "No room in us." };
    await expect(shop.provision(order)).rejects.toMatchObject(refusal);
    await expect(shop.provision(order)).rejects.toMatchObject(refusal);
    expect(shop.product.calls).toHaveLength(1);
    const found = await shop.findTenant({ marketplace: "bazaar", resourceId: order.resourceId });
    expect(found).toMatchObject({ state: "failed", reason: "No room in us.", keptSealed: null });
    const outcome = await shop.deprovision(about({ id: String(found?.id) }));
    expect(outcome).toMatchObject({ kind: "done", value: { state: "gone" } });
    await expect(shop.provision(order)).rejects.toMatchObject({ code: "tenant_gone" });
  });

  const silences = [
    ["is slow", hangs],
    ["says not yet", new RetryLater()],
    ["throws", new Error("boom")],
    ["answers an undeclared config var", { config: { OTHER_VAR: "x" } }],
    ["answers a config var that a credential fills", { config: { [api]: "mine" } }],
    ["answers nothing at all", undefined as never],
  ] as const;

  test.each(silences)(
    "when the product %s the answer is running; a worker ends it, pushes config, then says so",
    async (_, line) => {
      const impatient = await hasty();
      impatient.product.answer(line);
      const order = purchase();
      const outcome = await impatient.provision(order);
      const { tenant } = outcome.value;
      expect(outcome).toMatchObject({ kind: "running", value: { config: {}, tenant: { state: "provisioning" } } });
      expect(await shop.work()).toBe(false);
      shop.clock.advance(3 * SECOND);
      await shop.work();
      expect(await stateOf(tenant.id)).toBe("active");
      expect(shop.told.map((call) => call.kind)).toEqual(["push-config", "finish-provision"]);
      expect(await shop.provision(order)).toMatchObject({
        kind: "done",
        fresh: false,
        value: { config: { [api]: expect.anything() } },
      });
      const ids = [...impatient.product.calls, ...shop.product.calls].map((call) => call.operationId);
      expect(new Set(ids).size).toBe(1);
    },
  );

  test("nothing is pushed where nobody was told to wait", async () => {
    await shop.provision(purchase());
    await shop.rest();
    expect(shop.told).toEqual([]);
  });

  test("a provision past its deadline fails, is abandoned over there, and the product is told to undo it", async () => {
    const impatient = await hasty();
    impatient.product.answer(new RetryLater(3_600));
    const order = purchase();
    const { tenant } = (await impatient.provision(order)).value;
    shop.clock.advance(12 * HOUR - SECOND);
    shop.product.answer(new RetryLater(3_600));
    await shop.work();
    expect(await stateOf(tenant.id)).toBe("provisioning");
    shop.clock.advance(SECOND);
    await shop.work();
    expect(await stateOf(tenant.id)).toBe("failed");
    expect(shop.told.map((call) => call.kind).sort()).toEqual(["abandon-provision", "deprovision"]);
    expect(shop.product.calls.map((call) => call.verb)).toEqual(["provision", "deprovision"]);
    await expect(shop.provision(order)).rejects.toMatchObject({ code: "product_refused" });
    expect(await shop.events(tenant)).toEqual(["provision.requested", "provision.refused"]);
  });
});

describe("signing in", () => {
  const claim = (tenant: { id: string }, ...tokenDigests: string[]) => ({
    ...about(tenant),
    person: { id: "7", email: "a@example.com" },
    tokenDigests,
    tokenEnds: shop.clock.now(),
  });
  const refused = { code: "signin_refused" };

  test("works once for each token, and refuses a used one, an unknown tenant and a failed one alike", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    const both = await Promise.allSettled([1, 2].map(() => shop.signIn(claim(tenant, "one"))));
    expect(both.map((one) => one.status).sort()).toEqual(["fulfilled", "rejected"]);
    await expect(shop.signIn(claim(tenant, "one"))).rejects.toMatchObject(refused);
    expect(await shop.signIn(claim(tenant, "two", "three"))).toMatchObject({ tenant: tenant.id, person: { id: "7" } });
    await expect(shop.signIn(claim(tenant, "three", "four"))).rejects.toMatchObject(refused);
    await expect(shop.signIn(claim({ id: "a".repeat(26) }, "five"))).rejects.toMatchObject(refused);
  });

  test("is refused where the tenant leaves at the same moment", async () => {
    const { tenant } = (await shop.provision(purchase())).value;
    const { signingIn } = await shop.deps.store.asTenant(tenant.id, async (tx) => {
      await tx.query("select from tenants for no key update");
      const attempt = shop.signIn(claim(tenant, "late")).catch((fault: unknown) => fault);
      await sleep(100);
      await tx.query("update tenants set state = 'gone'");
      return { signingIn: attempt };
    });
    expect(await signingIn).toMatchObject(refused);
    expect(await shop.events(tenant)).not.toContain("signed_in");
  });
});

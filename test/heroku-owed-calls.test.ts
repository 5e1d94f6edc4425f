import { randomUUID } from "node:crypto";
import { Refused, RetryLater } from "../src/product/product.ts";
import { HOUR, SECOND } from "./support/clock.ts";
import type { Said } from "./support/fake-heroku.ts";
import { ask, buy, clear, closeShops, grant, type HerokuShop, herokuShop } from "./support/heroku.ts";
import {
  type Bought,
  call,
  config,
  finish,
  grants,
  OAUTH,
  rotate,
  withGrant,
  workAfter,
} from "./support/heroku-calls.ts";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 100, parting: 100 } });
});

afterEach(() => clear(shop));
afterAll(closeShops);

const abandon = ({ uuid }: Bought) => `POST /addons/${uuid}/actions/deprovision`;
const addon = ({ uuid }: Bought) => `GET /addons/${uuid}`;

/** A purchase answered 202 whose product is done with its next call. */
async function buySlowly(wanted: object = { oauth_grant: grant(shop, randomUUID()) }): Promise<Bought> {
  shop.provider.product.answer(new RetryLater(1));
  return buy(shop, wanted);
}

describe("An asynchronous provision", () => {
  test("pushes the config vars and then tells Heroku that it is done", async () => {
    const bought = await buySlowly();
    await shop.provider.rest();
    const about = shop.heroku.heard.filter(({ path }) => path.startsWith(`/addons/${bought.uuid}/`));
    expect(about.map(({ method, path }) => `${method} ${path}`)).toEqual([config(bought), finish(bought)]);
    const vars = await shop.provider.configVars(bought.id);
    expect(JSON.parse(about[0]?.text ?? "")).toEqual({
      config: Object.entries(vars).map(([name, value]) => ({ name, value })),
    });
    expect(about[0]?.headers).toMatchObject({
      accept: "application/vnd.heroku+json; version=3",
      authorization: "Bearer access-1",
      "content-type": "application/json",
    });
  });

  test("waits for the grant, and goes on as soon as it is there", async () => {
    const bought = await buySlowly();
    shop.heroku.say(OAUTH, ...Array<Said>(4).fill({ status: 503 }));
    await shop.provider.rest();
    expect(shop.heroku.to(finish(bought))).toHaveLength(1);
    expect(await call(shop, bought, "finish-provision")).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test("without any grant is given up at once and not tried for ever", async () => {
    const bought = await buySlowly({ heroku_id: "app1@heroku.com" });
    await workAfter(shop, 2 * SECOND);
    const push = await call(shop, bought, "push-config");
    expect(push).toMatchObject({ state: "given_up", attempts: 1, last_fault: expect.stringContaining("no grant") });
    expect(shop.heroku.heard).toEqual([]);
  });

  test("is tried again on 404 that comes too early, on 5xx, a redirect and a broken connection", async () => {
    const bought = await buySlowly();
    const redirect = { status: 302, headers: { location: `${shop.heroku.url}/elsewhere` } };
    shop.heroku.say(finish(bought), { status: 404, body: { id: "not_found" } }, { status: 500 }, redirect, "break");
    await shop.provider.rest();
    expect(await call(shop, bought, "finish-provision")).toMatchObject({ state: "delivered", attempts: 5 });
    expect(shop.heroku.to("POST /elsewhere").length + shop.heroku.to("GET /elsewhere").length).toBe(0);
  });

  test("waits as long as Heroku says on 429", async () => {
    const bought = await buySlowly();
    await shop.provider.work();
    shop.heroku.say(config(bought), { status: 429, headers: { "retry-after": "120" }, body: { id: "rate_limit" } });
    await workAfter(shop, 2 * SECOND);
    await shop.provider.work();
    await workAfter(shop, 119 * SECOND);
    expect(shop.heroku.to(config(bought))).toHaveLength(1);
    await workAfter(shop, 2 * SECOND);
    expect(shop.heroku.to(config(bought))).toHaveLength(2);
  });

  test("that Heroku calls provisioned already is delivered", async () => {
    const bought = await buySlowly();
    shop.heroku.say(finish(bought), { status: 422, body: { id: "invalid_params" } });
    await shop.provider.rest();
    expect(shop.heroku.to(addon(bought))).not.toEqual([]);
    expect((await call(shop, bought, "finish-provision"))?.state).toBe("delivered");
    expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("active");
  });

  test("that Heroku does not want finished for another reason is given up, and the tenant stays", async () => {
    const bought = await buySlowly();
    shop.heroku.world.addonState = "provisioning";
    shop.heroku.say(finish(bought), { status: 422, body: { id: "invalid_params", message: "secret-value" } });
    await shop.provider.rest();
    expect(await call(shop, bought, "finish-provision")).toMatchObject({
      state: "given_up",
      last_fault: "Heroku answered 422 (invalid_params).",
    });
    expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("active");
  });

  test.each<[string, readonly Said[]]>([
    ["answers 410", [{ status: 410, body: { id: "gone" } }]],
    ["answers 404 past the deadline", Array<Said>(40).fill({ status: 404, body: { id: "not_found" } })],
  ])("is deprovisioned here when Heroku %s", async (_name, answers) => {
    const bought = await buySlowly();
    shop.heroku.say(finish(bought), ...answers);
    await workAfter(shop, 2 * SECOND);
    if (answers.length > 1) expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("active");
    if (answers.length > 1) await workAfter(shop, 12 * HOUR);
    await shop.provider.rest();
    expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("gone");
    expect(await shop.provider.events(bought)).toContain("deprovision.requested");
  });

  test("whose config vars Heroku refused is not finished", async () => {
    const bought = await buySlowly();
    shop.heroku.say(config(bought), { status: 422, body: { id: "invalid_params" } });
    await shop.provider.rest();
    expect(shop.heroku.to(finish(bought))).toEqual([]);
    expect((await call(shop, bought, "finish-provision"))?.state).toBe("given_up");
  });

  test("that the product refuses later is told to Heroku, after which no token is left", async () => {
    shop.provider.product.answer(new RetryLater(1), new Refused("No room."));
    const bought = await buy(shop, { oauth_grant: grant(shop, "c") });
    await workAfter(shop, 2 * SECOND);
    await shop.provider.rest();
    expect(shop.heroku.to(abandon(bought))).toHaveLength(1);
    expect(shop.heroku.to(finish(bought))).toEqual([]);
    await shop.marketplace.upkeep?.();
    expect(await grants(shop, bought)).toEqual([]);
  });

  test("that is refused before the grant could be exchanged is still told to Heroku", async () => {
    shop.provider.product.answer(new RetryLater(1), new Refused("No room."));
    shop.heroku.say(OAUTH, { status: 503 }, { status: 503 });
    const bought = await buy(shop, { oauth_grant: grant(shop, "c") });
    await shop.provider.rest();
    expect(shop.heroku.to(abandon(bought))).toHaveLength(1);
    await shop.marketplace.upkeep?.();
    expect(await grants(shop, bought)).toEqual([]);
  });

  test.each([404, 410, 422])("whose failure meets %i because Heroku has removed it already is told", async (status) => {
    shop.provider.product.answer(new RetryLater(1), new Refused("No room."));
    shop.heroku.world.addonState = "deprovisioned";
    const bought = await buy(shop, { oauth_grant: grant(shop, "c") });
    shop.heroku.say(abandon(bought), ...Array<Said>(40).fill({ status }));
    await workAfter(shop, 2 * SECOND);
    await workAfter(shop, 13 * HOUR);
    expect((await call(shop, bought, "abandon-provision"))?.state).toBe("delivered");
  });
});

describe("Config vars", () => {
  test("are pushed after a rotation and after a slow plan change, as they are by then", async () => {
    const bought = await withGrant(shop);
    await rotate(shop, bought);
    shop.provider.product.answer(new RetryLater(1), { config: { ACME_SEARCH_INDEX: "big" } });
    expect((await ask(shop, "PUT", `/resources/${bought.id}`, { body: { plan: "standard" } })).status).toBe(202);
    await shop.provider.rest();
    const [, last] = shop.heroku.to(config(bought));
    const vars = await shop.provider.configVars(bought.id);
    expect(JSON.parse(last?.text ?? "").config).toContainEqual({ name: "ACME_SEARCH_INDEX", value: "big" });
    expect(JSON.parse(last?.text ?? "").config).toHaveLength(Object.keys(vars).length);
  });

  test("that the manifest does not declare never leave", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    const undeclared = await herokuShop({
      configVars: () => Promise.resolve({ ACME_SEARCH_OTHER: "x" }),
      database: shop.provider.database,
    });
    const delivery = await undeclared.marketplace.deliver({
      tenant: bought.id,
      resourceId: bought.uuid,
      sequence: 9,
      marketplace: "heroku",
      kind: "push-config",
      lane: "main",
      payload: {},
      attempt: 1,
      createdAt: shop.provider.clock.now(),
    });
    expect(delivery).toEqual({ outcome: "given_up", fault: expect.stringContaining("ACME_SEARCH_OTHER") });
    expect(undeclared.heroku.heard).toEqual([]);
  });

  test("for a resource Heroku has removed are given up after some time", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    shop.heroku.say(config(bought), ...Array<Said>(40).fill({ status: 404, body: { id: "not_found" } }));
    await rotate(shop, bought);
    await shop.provider.work();
    expect((await call(shop, bought, "push-config"))?.state).toBe("owed");
    await workAfter(shop, 13 * HOUR);
    expect(await call(shop, bought, "push-config")).toMatchObject({
      state: "given_up",
      last_fault: "Heroku answered 404 (not_found).",
    });
    expect(await shop.provider.events(bought)).toContain("call.given_up");
  });

  test("end an attempt that Heroku leaves without an answer, and one whose answer has no end", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    shop.heroku.say(config(bought), "silence", { status: 200, body: "x".repeat(1_100_000) });
    await rotate(shop, bought);
    const startedAt = performance.now();
    await shop.provider.work();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await call(shop, bought, "push-config")).toMatchObject({
      state: "owed",
      last_fault: "Heroku did not answer in time.",
    });
    await workAfter(shop, 5 * SECOND);
    expect((await call(shop, bought, "push-config"))?.last_fault).toBe("Heroku's answer is too large.");
  });
});

test("a call of a kind nobody knows is given up", async () => {
  const bought = await withGrant(shop);
  const delivery = await shop.marketplace.deliver({
    tenant: bought.id,
    resourceId: bought.uuid,
    sequence: 9,
    marketplace: "heroku",
    kind: "constructor",
    lane: "main",
    payload: {},
    attempt: 1,
    createdAt: shop.provider.clock.now(),
  });
  expect(delivery.outcome).toBe("given_up");
});

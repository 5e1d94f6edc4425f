import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Refused, RetryLater } from "../src/product/product.ts";
import { HOUR, MINUTE, SECOND } from "./support/clock.ts";
import type { Said } from "./support/fake-heroku.ts";
import {
  ask,
  buy,
  CLIENT_SECRET,
  clear,
  closeShops,
  grant,
  type HerokuShop,
  herokuShop,
  order,
} from "./support/heroku.ts";
import { heldBack } from "./support/scripted-product.ts";

type Bought = { uuid: string; id: string };

const OAUTH = "POST /oauth/token";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 100, parting: 100 } });
});

afterEach(() => clear(shop));
afterAll(closeShops);

const form = (text: string | undefined) => Object.fromEntries(new URLSearchParams(text));
const config = ({ uuid }: Bought) => `PATCH /addons/${uuid}/config`;
const finish = ({ uuid }: Bought) => `POST /addons/${uuid}/actions/provision`;
const abandon = ({ uuid }: Bought) => `POST /addons/${uuid}/actions/deprovision`;
const addon = ({ uuid }: Bought) => `GET /addons/${uuid}`;
const bearers = (request: string) => shop.heroku.to(request).map(({ headers }) => headers.authorization);
const withGrant = (wanted: object = {}) => buy(shop, { oauth_grant: grant(shop, randomUUID()), ...wanted });
const rotate = (bought: Bought) =>
  shop.provider.rotateCredentials({ ref: { tenant: bought.id }, by: "operator:1", at: shop.provider.clock.now() });

interface Row {
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly last_fault: string | null;
}

async function call(bought: Bought, kind: string): Promise<Row | undefined> {
  const [row] = await shop.provider.look<Row>(
    "select kind, state, attempts, last_fault from owed_calls where tenant_id = $1 and kind = $2 order by sequence desc limit 1",
    [bought.id, kind],
  );
  return row;
}

async function events(bought: Bought): Promise<readonly string[]> {
  const rows = await shop.provider.look<{ type: string }>(
    "select type from lifecycle_events where tenant_id = $1 order by sequence",
    [bought.id],
  );
  return rows.map(({ type }) => type);
}

const grants = (bought: Bought) =>
  shop.provider.look<{ state: string; text: string }>(
    "select state, g::text as text from heroku_grants g where tenant_id = $1",
    [bought.id],
  );

/** A purchase answered 202 whose product is done with its next call. */
async function buySlowly(wanted: object = { oauth_grant: grant(shop, randomUUID()) }): Promise<Bought> {
  shop.provider.product.answer(new RetryLater(1));
  return buy(shop, wanted);
}

async function workAfter(ms: number): Promise<void> {
  shop.provider.clock.advance(ms);
  await shop.provider.work();
}

describe("The grant", () => {
  test("is exchanged at once with code and client secret, and neither code nor tokens can be read from the database", async () => {
    const bought = await withGrant({ oauth_grant: grant(shop, "the-code") });
    await shop.provider.work();
    const [exchange, ...more] = shop.heroku.to(OAUTH);
    expect(more).toEqual([]);
    expect(exchange?.headers["content-type"]).toContain("application/x-www-form-urlencoded");
    expect(form(exchange?.text)).toEqual({
      grant_type: "authorization_code",
      code: "the-code",
      client_secret: CLIENT_SECRET,
    });
    expect(await events(bought)).toContain("grant.exchanged");
    const dump = JSON.stringify([
      await grants(bought),
      await shop.provider.look("select c::text from owed_calls c"),
      await shop.provider.look("select e::text from lifecycle_events e"),
    ]);
    expect(dump).not.toMatch(/the-code|access-1|refresh-1|client-secret/);
  });

  test("is tried again while Heroku does not know the resource yet or is down", async () => {
    const bought = await withGrant();
    shop.heroku.say(OAUTH, { status: 404, body: {} }, { status: 503, body: "down" }, "break");
    await shop.provider.rest();
    expect(shop.heroku.to(OAUTH)).toHaveLength(4);
    expect(await call(bought, "heroku:exchange-grant")).toMatchObject({ state: "delivered", attempts: 4 });
  });

  test.each([5, 600])(
    "is lost, visibly, when its code of %i minutes could not be exchanged in five",
    async (minutes) => {
      const bought = await withGrant({ oauth_grant: grant(shop, "late", minutes) });
      shop.provider.clock.advance(7 * MINUTE);
      await shop.provider.work();
      expect(shop.heroku.to(OAUTH)).toEqual([]);
      expect(await events(bought)).toEqual(expect.arrayContaining(["grant.lost", "call.given_up"]));
    },
  );

  test("is given up when Heroku refuses the code until its end", async () => {
    const bought = await withGrant();
    shop.heroku.say(OAUTH, ...Array<Said>(30).fill({ status: 400, body: { id: "invalid_grant" } }));
    await shop.provider.rest();
    expect((await call(bought, "heroku:exchange-grant"))?.state).toBe("given_up");
    expect(await events(bought)).toContain("grant.lost");
  });

  test("of the newest code counts, in whatever order the codes come", async () => {
    const newer = order({ oauth_grant: grant(shop, "newer", 8) });
    const { json } = await ask(shop, "POST", "/resources", { body: newer });
    const bought = { uuid: newer.uuid, id: json.id };
    await shop.provider.work();
    await ask(shop, "POST", "/resources", { body: { ...newer, oauth_grant: grant(shop, "older", 7) } });
    await shop.provider.work();
    expect(shop.heroku.to(OAUTH).map(({ text }) => form(text)["code"])).toEqual(["newer"]);
    await ask(shop, "POST", "/resources", { body: { ...newer, oauth_grant: grant(shop, "newest", 9) } });
    await shop.provider.work();
    expect(shop.heroku.to(OAUTH).map(({ text }) => form(text)["code"])).toEqual(["newer", "newest"]);
    const [newest] = shop.heroku.to(OAUTH).slice(-1);
    await rotate(bought);
    await shop.provider.work();
    expect(bearers(config(bought))).toEqual([`Bearer access-${shop.heroku.heard.indexOf(newest as never) + 1}`]);
  });

  test("of an older code that is exchanged late does not replace a newer one", async () => {
    const body = order({ oauth_grant: grant(shop, "older", 7) });
    const { json } = await ask(shop, "POST", "/resources", { body });
    const newer = grant(shop, "newer", 8);
    await ask(shop, "POST", "/resources", { body: { ...body, oauth_grant: newer } });
    shop.heroku.say(OAUTH, { status: 503 }, { status: 503 });
    await shop.provider.rest();
    const codes = shop.heroku.to(OAUTH).map(({ text }) => form(text)["code"]);
    expect(codes).toContain("newer");
    const [kept] = await shop.provider.look<{ at: Date }>(
      "select code_expires_at as at from heroku_grants where tenant_id = $1",
      [json.id],
    );
    expect(kept?.at.toISOString()).toBe(newer.expires_at);
  });

  test("is refreshed ten minutes before its end, and what comes instead is used", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    await shop.marketplace.upkeep?.();
    await workAfter(28_799 * SECOND - 10 * MINUTE - SECOND);
    await shop.marketplace.upkeep?.();
    await shop.provider.work();
    expect(shop.heroku.to(OAUTH)).toHaveLength(1);
    shop.provider.clock.advance(2 * SECOND);
    await Promise.all([shop.marketplace.upkeep?.(), shop.marketplace.upkeep?.()]);
    await shop.provider.work();
    const [, refresh, ...more] = shop.heroku.to(OAUTH);
    expect(more).toEqual([]);
    expect(form(refresh?.text)).toEqual({
      grant_type: "refresh_token",
      refresh_token: "refresh-1",
      client_secret: CLIENT_SECRET,
    });
    await rotate(bought);
    await shop.provider.work();
    expect(bearers(config(bought))).not.toEqual(["Bearer access-1"]);
  });

  test("is refreshed before a call when nobody did it in time", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    shop.provider.clock.advance(28_799 * SECOND - MINUTE);
    await rotate(bought);
    await shop.provider.work();
    expect(bearers(config(bought))).toHaveLength(1);
    expect(bearers(config(bought))).not.toContain("Bearer access-1");
  });

  test("is refreshed once for a 401 and the call goes through", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    shop.heroku.say(config(bought), { status: 401, body: { id: "unauthorized" } });
    await rotate(bought);
    await shop.provider.work();
    expect(bearers(config(bought))).toHaveLength(2);
    expect(shop.heroku.to(OAUTH)).toHaveLength(2);
    expect(await call(bought, "push-config")).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test("is refreshed by one of several calls that meet its end together", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await rotate(bought);
    const held = heldBack<Said>();
    shop.heroku.say(OAUTH, held.promise, { status: 400, body: { id: "invalid_grant" } });
    const working = shop.provider.work();
    await sleep(300);
    held.release({ status: 200, body: { access_token: "new", refresh_token: "once", expires_in: 28_799 } });
    await working;
    await shop.provider.rest();
    expect(shop.heroku.to(OAUTH)).toHaveLength(2);
    expect((await call(bought, "push-config"))?.state).toBe("delivered");
    expect(await events(bought)).not.toContain("grant.lost");
  });

  test("that Heroku refreshes no more is lost, visibly, and later calls are given up at once", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    shop.heroku.say(OAUTH, { status: 400, body: { id: "invalid_grant" } });
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await shop.provider.work();
    expect(await events(bought)).toContain("grant.lost");
    expect(await grants(bought)).toEqual([expect.objectContaining({ state: "lost" })]);
    await rotate(bought);
    await shop.provider.work();
    expect(await call(bought, "push-config")).toMatchObject({
      state: "given_up",
      last_fault: expect.stringContaining("lost"),
    });
  });

  test("is not lost because our client secret is wrong or the token endpoint is down", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    shop.heroku.say(
      OAUTH,
      { status: 401, body: { id: "unauthorized" } },
      { status: 400, body: { error: "invalid_client" } },
      { status: 500 },
    );
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await shop.provider.rest();
    expect(await events(bought)).not.toContain("grant.lost");
    expect(await grants(bought)).toEqual([expect.objectContaining({ state: "active" })]);
  });

  test("is erased when the tenant goes", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    expect(await grants(bought)).toHaveLength(1);
    await ask(shop, "DELETE", `/resources/${bought.id}`);
    expect(await grants(bought)).toEqual([]);
    const rows = await shop.provider.look("select payload from owed_calls where tenant_id = $1 and payload <> '{}'", [
      bought.id,
    ]);
    expect(rows).toEqual([]);
  });

  test("that arrives after the removal is not kept", async () => {
    const bought = await withGrant();
    const [due] = await shop.provider.look<{ payload: Record<string, unknown> }>(
      "select payload from owed_calls where tenant_id = $1",
      [bought.id],
    );
    await ask(shop, "DELETE", `/resources/${bought.id}`);
    const late = {
      tenant: bought.id,
      resourceId: bought.uuid,
      sequence: 1,
      marketplace: "heroku",
      kind: "heroku:exchange-grant",
      lane: "x",
      payload: due?.payload ?? {},
      attempt: 1,
      createdAt: shop.provider.clock.now(),
    };
    expect((await shop.marketplace.deliver(late)).outcome).toBe("delivered");
    expect(await grants(bought)).toEqual([]);
  });

  test("whose code is being exchanged when the tenant goes is not kept", async () => {
    const bought = await withGrant();
    const held = heldBack<Said>();
    shop.heroku.say(OAUTH, held.promise);
    const working = shop.provider.work();
    while (shop.heroku.to(OAUTH).length === 0) await sleep(5);
    await ask(shop, "DELETE", `/resources/${bought.id}`);
    held.release({ status: 200, body: { access_token: "a", refresh_token: "r", expires_in: 28_799 } });
    await working;
    expect(await grants(bought)).toEqual([]);
    expect(await events(bought)).not.toContain("grant.exchanged");
  });

  test("of a purchase that was refused at once is not exchanged", async () => {
    shop.provider.product.answer(new Refused("no"));
    await ask(shop, "POST", "/resources", { body: order({ oauth_grant: grant(shop, "c") }) });
    await shop.provider.work();
    expect(shop.heroku.heard).toEqual([]);
  });
});

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
    expect(await call(bought, "finish-provision")).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test("without any grant is given up at once and not tried for ever", async () => {
    const bought = await buySlowly({ heroku_id: "app1@heroku.com" });
    await workAfter(2 * SECOND);
    const push = await call(bought, "push-config");
    expect(push).toMatchObject({ state: "given_up", attempts: 1, last_fault: expect.stringContaining("no grant") });
    expect(shop.heroku.heard).toEqual([]);
  });

  test("is tried again on 404 that comes too early, on 5xx, a redirect and a broken connection", async () => {
    const bought = await buySlowly();
    const redirect = { status: 302, headers: { location: `${shop.heroku.url}/elsewhere` } };
    shop.heroku.say(finish(bought), { status: 404, body: { id: "not_found" } }, { status: 500 }, redirect, "break");
    await shop.provider.rest();
    expect(await call(bought, "finish-provision")).toMatchObject({ state: "delivered", attempts: 5 });
    expect(shop.heroku.to("POST /elsewhere").length + shop.heroku.to("GET /elsewhere").length).toBe(0);
  });

  test("waits as long as Heroku says on 429", async () => {
    const bought = await buySlowly();
    await shop.provider.work();
    shop.heroku.say(config(bought), { status: 429, headers: { "retry-after": "120" }, body: { id: "rate_limit" } });
    await workAfter(2 * SECOND);
    await shop.provider.work();
    await workAfter(119 * SECOND);
    expect(shop.heroku.to(config(bought))).toHaveLength(1);
    await workAfter(2 * SECOND);
    expect(shop.heroku.to(config(bought))).toHaveLength(2);
  });

  test("that Heroku calls provisioned already is delivered", async () => {
    const bought = await buySlowly();
    shop.heroku.say(finish(bought), { status: 422, body: { id: "invalid_params" } });
    await shop.provider.rest();
    expect(shop.heroku.to(addon(bought))).not.toEqual([]);
    expect((await call(bought, "finish-provision"))?.state).toBe("delivered");
    expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("active");
  });

  test("that Heroku does not want finished for another reason is given up, and the tenant stays", async () => {
    const bought = await buySlowly();
    shop.heroku.world.addonState = "provisioning";
    shop.heroku.say(finish(bought), { status: 422, body: { id: "invalid_params", message: "secret-value" } });
    await shop.provider.rest();
    expect(await call(bought, "finish-provision")).toMatchObject({
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
    await workAfter(2 * SECOND);
    if (answers.length > 1) expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("active");
    if (answers.length > 1) await workAfter(12 * HOUR);
    await shop.provider.rest();
    expect((await shop.provider.findTenant({ tenant: bought.id }))?.state).toBe("gone");
    expect(await events(bought)).toContain("deprovision.requested");
  });

  test("whose config vars Heroku refused is not finished", async () => {
    const bought = await buySlowly();
    shop.heroku.say(config(bought), { status: 422, body: { id: "invalid_params" } });
    await shop.provider.rest();
    expect(shop.heroku.to(finish(bought))).toEqual([]);
    expect((await call(bought, "finish-provision"))?.state).toBe("given_up");
  });

  test("that the product refuses later is told to Heroku, after which no token is left", async () => {
    shop.provider.product.answer(new RetryLater(1), new Refused("No room."));
    const bought = await buy(shop, { oauth_grant: grant(shop, "c") });
    await workAfter(2 * SECOND);
    await shop.provider.rest();
    expect(shop.heroku.to(abandon(bought))).toHaveLength(1);
    expect(shop.heroku.to(finish(bought))).toEqual([]);
    await shop.marketplace.upkeep?.();
    expect(await grants(bought)).toEqual([]);
  });

  test("that is refused before the grant could be exchanged is still told to Heroku", async () => {
    shop.provider.product.answer(new RetryLater(1), new Refused("No room."));
    shop.heroku.say(OAUTH, { status: 503 }, { status: 503 });
    const bought = await buy(shop, { oauth_grant: grant(shop, "c") });
    await shop.provider.rest();
    expect(shop.heroku.to(abandon(bought))).toHaveLength(1);
    await shop.marketplace.upkeep?.();
    expect(await grants(bought)).toEqual([]);
  });

  test.each([404, 410, 422])("whose failure meets %i because Heroku has removed it already is told", async (status) => {
    shop.provider.product.answer(new RetryLater(1), new Refused("No room."));
    shop.heroku.world.addonState = "deprovisioned";
    const bought = await buy(shop, { oauth_grant: grant(shop, "c") });
    shop.heroku.say(abandon(bought), ...Array<Said>(40).fill({ status }));
    await workAfter(2 * SECOND);
    await workAfter(13 * HOUR);
    expect((await call(bought, "abandon-provision"))?.state).toBe("delivered");
  });
});

describe("Config vars", () => {
  test("are pushed after a rotation and after a slow plan change, as they are by then", async () => {
    const bought = await withGrant();
    await rotate(bought);
    shop.provider.product.answer(new RetryLater(1), { config: { ACME_SEARCH_INDEX: "big" } });
    expect((await ask(shop, "PUT", `/resources/${bought.id}`, { body: { plan: "standard" } })).status).toBe(202);
    await shop.provider.rest();
    const [, last] = shop.heroku.to(config(bought));
    const vars = await shop.provider.configVars(bought.id);
    expect(JSON.parse(last?.text ?? "").config).toContainEqual({ name: "ACME_SEARCH_INDEX", value: "big" });
    expect(JSON.parse(last?.text ?? "").config).toHaveLength(Object.keys(vars).length);
  });

  test("that the manifest does not declare never leave", async () => {
    const bought = await withGrant();
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
    const bought = await withGrant();
    await shop.provider.work();
    shop.heroku.say(config(bought), ...Array<Said>(40).fill({ status: 404, body: { id: "not_found" } }));
    await rotate(bought);
    await shop.provider.work();
    expect((await call(bought, "push-config"))?.state).toBe("owed");
    await workAfter(13 * HOUR);
    expect(await call(bought, "push-config")).toMatchObject({
      state: "given_up",
      last_fault: "Heroku answered 404 (not_found).",
    });
    expect(await events(bought)).toContain("call.given_up");
  });

  test("end an attempt that Heroku leaves without an answer, and one whose answer has no end", async () => {
    const bought = await withGrant();
    await shop.provider.work();
    shop.heroku.say(config(bought), "silence", { status: 200, body: "x".repeat(1_100_000) });
    await rotate(bought);
    const startedAt = performance.now();
    await shop.provider.work();
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(await call(bought, "push-config")).toMatchObject({
      state: "owed",
      last_fault: "Heroku did not answer in time.",
    });
    await workAfter(5 * SECOND);
    expect((await call(bought, "push-config"))?.last_fault).toBe("Heroku's answer is too large.");
  });
});

test("a call of a kind nobody knows is given up", async () => {
  const bought = await withGrant();
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

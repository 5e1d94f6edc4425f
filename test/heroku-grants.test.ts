import { setTimeout as sleep } from "node:timers/promises";
import { Refused } from "../src/product/product.ts";
import { HOUR, MINUTE, SECOND } from "./support/clock.ts";
import type { Said } from "./support/fake-heroku.ts";
import { ask, CLIENT_SECRET, clear, closeShops, grant, type HerokuShop, herokuShop, order } from "./support/heroku.ts";
import { bearers, call, config, grants, OAUTH, rotate, withGrant, workAfter } from "./support/heroku-calls.ts";
import { heldBack } from "./support/scripted-product.ts";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 100, parting: 100 } });
});

afterEach(() => clear(shop));
afterAll(closeShops);

const form = (text: string | undefined) => Object.fromEntries(new URLSearchParams(text));

describe("The grant", () => {
  test("is exchanged at once with code and client secret, and neither code nor tokens can be read from the database", async () => {
    const bought = await withGrant(shop, { oauth_grant: grant(shop, "the-code") });
    await shop.provider.work();
    const [exchange, ...more] = shop.heroku.to(OAUTH);
    expect(more).toEqual([]);
    expect(exchange?.headers["content-type"]).toContain("application/x-www-form-urlencoded");
    expect(form(exchange?.text)).toEqual({
      grant_type: "authorization_code",
      code: "the-code",
      client_secret: CLIENT_SECRET,
    });
    expect(await shop.provider.events(bought)).toContain("grant.exchanged");
    const dump = JSON.stringify([
      await grants(shop, bought),
      await shop.provider.look("select c::text from owed_calls c"),
      await shop.provider.look("select e::text from lifecycle_events e"),
    ]);
    expect(dump).not.toMatch(/the-code|access-1|refresh-1|client-secret/);
  });

  test("is tried again while Heroku does not know the resource yet or is down", async () => {
    const bought = await withGrant(shop);
    shop.heroku.say(OAUTH, { status: 404, body: {} }, { status: 503, body: "down" }, "break");
    await shop.provider.rest();
    expect(shop.heroku.to(OAUTH)).toHaveLength(4);
    expect(await call(shop, bought, "heroku:exchange-grant")).toMatchObject({ state: "delivered", attempts: 4 });
  });

  test.each([5, 600])(
    "is lost, visibly, when its code of %i minutes could not be exchanged in five",
    async (minutes) => {
      const bought = await withGrant(shop, { oauth_grant: grant(shop, "late", minutes) });
      shop.provider.clock.advance(7 * MINUTE);
      await shop.provider.work();
      expect(shop.heroku.to(OAUTH)).toEqual([]);
      expect(await shop.provider.events(bought)).toEqual(expect.arrayContaining(["grant.lost", "call.given_up"]));
    },
  );

  test("is given up when Heroku refuses the code until its end", async () => {
    const bought = await withGrant(shop);
    shop.heroku.say(OAUTH, ...Array<Said>(30).fill({ status: 400, body: { id: "invalid_grant" } }));
    await shop.provider.rest();
    expect((await call(shop, bought, "heroku:exchange-grant"))?.state).toBe("given_up");
    expect(await shop.provider.events(bought)).toContain("grant.lost");
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
    await rotate(shop, bought);
    await shop.provider.work();
    expect(bearers(shop, config(bought))).toEqual([`Bearer access-${shop.heroku.heard.indexOf(newest as never) + 1}`]);
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
    const bought = await withGrant(shop);
    await shop.provider.work();
    await shop.marketplace.upkeep?.();
    await workAfter(shop, 28_799 * SECOND - 10 * MINUTE - SECOND);
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
    await rotate(shop, bought);
    await shop.provider.work();
    expect(bearers(shop, config(bought))).not.toEqual(["Bearer access-1"]);
  });

  test("is refreshed before a call when nobody did it in time", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    shop.provider.clock.advance(28_799 * SECOND - MINUTE);
    await rotate(shop, bought);
    await shop.provider.work();
    expect(bearers(shop, config(bought))).toHaveLength(1);
    expect(bearers(shop, config(bought))).not.toContain("Bearer access-1");
  });

  test("is refreshed once for a 401 and the call goes through", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    shop.heroku.say(config(bought), { status: 401, body: { id: "unauthorized" } });
    await rotate(shop, bought);
    await shop.provider.work();
    expect(bearers(shop, config(bought))).toHaveLength(2);
    expect(shop.heroku.to(OAUTH)).toHaveLength(2);
    expect(await call(shop, bought, "push-config")).toMatchObject({ state: "delivered", attempts: 1 });
  });

  test("is refreshed by one of several calls that meet its end together", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await rotate(shop, bought);
    const held = heldBack<Said>();
    shop.heroku.say(OAUTH, held.promise, { status: 400, body: { id: "invalid_grant" } });
    const working = shop.provider.work();
    await sleep(300);
    held.release({ status: 200, body: { access_token: "new", refresh_token: "once", expires_in: 28_799 } });
    await working;
    await shop.provider.rest();
    expect(shop.heroku.to(OAUTH)).toHaveLength(2);
    expect((await call(shop, bought, "push-config"))?.state).toBe("delivered");
    expect(await shop.provider.events(bought)).not.toContain("grant.lost");
  });

  test("that Heroku refreshes no more is lost, visibly, and later calls are given up at once", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    shop.heroku.say(OAUTH, { status: 400, body: { id: "invalid_grant" } });
    shop.provider.clock.advance(8 * HOUR);
    await shop.marketplace.upkeep?.();
    await shop.provider.work();
    expect(await shop.provider.events(bought)).toContain("grant.lost");
    expect(await grants(shop, bought)).toEqual([expect.objectContaining({ state: "lost" })]);
    await rotate(shop, bought);
    await shop.provider.work();
    expect(await call(shop, bought, "push-config")).toMatchObject({
      state: "given_up",
      last_fault: expect.stringContaining("lost"),
    });
  });

  test("is not lost because our client secret is wrong or the token endpoint is down", async () => {
    const bought = await withGrant(shop);
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
    expect(await shop.provider.events(bought)).not.toContain("grant.lost");
    expect(await grants(shop, bought)).toEqual([expect.objectContaining({ state: "active" })]);
  });

  test("is erased when the tenant goes", async () => {
    const bought = await withGrant(shop);
    await shop.provider.work();
    expect(await grants(shop, bought)).toHaveLength(1);
    await ask(shop, "DELETE", `/resources/${bought.id}`);
    expect(await grants(shop, bought)).toEqual([]);
    const rows = await shop.provider.look("select payload from owed_calls where tenant_id = $1 and payload <> '{}'", [
      bought.id,
    ]);
    expect(rows).toEqual([]);
  });

  test("that arrives after the removal is not kept", async () => {
    const bought = await withGrant(shop);
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
    expect(await grants(shop, bought)).toEqual([]);
  });

  test("whose code is being exchanged when the tenant goes is not kept", async () => {
    const bought = await withGrant(shop);
    const held = heldBack<Said>();
    shop.heroku.say(OAUTH, held.promise);
    const working = shop.provider.work();
    while (shop.heroku.to(OAUTH).length === 0) await sleep(5);
    await ask(shop, "DELETE", `/resources/${bought.id}`);
    held.release({ status: 200, body: { access_token: "a", refresh_token: "r", expires_in: 28_799 } });
    await working;
    expect(await grants(shop, bought)).toEqual([]);
    expect(await shop.provider.events(bought)).not.toContain("grant.exchanged");
  });

  test("of a purchase that was refused at once is not exchanged", async () => {
    shop.provider.product.answer(new Refused("no"));
    await ask(shop, "POST", "/resources", { body: order({ oauth_grant: grant(shop, "c") }) });
    await shop.provider.work();
    expect(shop.heroku.heard).toEqual([]);
  });
});

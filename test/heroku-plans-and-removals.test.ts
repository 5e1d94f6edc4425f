import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Refused } from "../src/product/product.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { HOUR } from "./support/clock.ts";
import { ask, buy, closeShops, type HerokuShop, herokuShop, order } from "./support/heroku.ts";
import { hangs } from "./support/scripted-product.ts";

let shop: HerokuShop;

beforeAll(async () => {
  shop = await herokuShop({ budgets: { product: 300, parting: 100, turn: 300 } });
});

afterEach(() => shop.provider.product.reset());
afterAll(closeShops);

const post = (body: unknown, headers = {}) => ask(shop, "POST", "/resources", { body, headers });
const put = (id: string, body: unknown) => ask(shop, "PUT", `/resources/${id}`, { body });
const remove = (id: string) => ask(shop, "DELETE", `/resources/${id}`);
const count = async (text: string, ...values: unknown[]) =>
  Number((await shop.provider.look<{ count: string }>(`select count(*) from ${text}`, values))[0]?.count);

describe("PUT /resources/:id", () => {
  test("another plan is 200 with the config vars, by our id and by Heroku's", async () => {
    const { uuid, id } = await buy(shop);
    shop.provider.product.answer({ config: { ACME_SEARCH_INDEX: "big" }, message: "Moved." });
    const changed = await put(id, { plan: "standard" });
    expect(changed.status).toBe(200);
    expect(changed.json).toEqual({ config: await shop.provider.configVars(id), message: "Moved." });
    expect(changed.json.config.ACME_SEARCH_INDEX).toBe("big");
    expect((await put(uuid.toUpperCase(), { plan: "premium" })).status).toBe(200);
    expect((await shop.provider.findTenant({ tenant: id }))?.plan).toBe("premium");
  });

  test("the plan it has is 200 and the product is not asked", async () => {
    const { id } = await buy(shop);
    shop.provider.product.reset();
    expect((await put(id, { plan: "basic" })).status).toBe(200);
    expect(shop.provider.product.calls).toHaveLength(0);
  });

  test("a slow change is 202 without config vars", async () => {
    const { id } = await buy(shop);
    shop.provider.product.answer(hangs);
    const { status, json } = await put(id, { plan: "standard" });
    expect([status, json]).toEqual([202, { message: expect.stringContaining("plan") }]);
  });

  test("a refusal of the product is 422 in its words and the plan stays", async () => {
    const { id } = await buy(shop);
    shop.provider.product.answer(new Refused("You use more than Basic allows."));
    const { status, json } = await put(id, { plan: "standard" });
    expect([status, json.message]).toEqual([422, "You use more than Basic allows."]);
    expect((await shop.provider.findTenant({ tenant: id }))?.plan).toBe("basic");
  });

  test("unknown plan 422, unknown resource 404, no plan 422, while another change runs 422", async () => {
    const { id } = await buy(shop);
    expect((await put(id, { plan: "gold" })).status).toBe(422);
    expect((await put(id, {})).json.message).toContain("plan is missing");
    for (const unknown of [randomUUID(), "x", "%00", "a".repeat(26)])
      expect((await put(unknown, { plan: "basic" })).status).toBe(404);
    shop.provider.product.answer(hangs);
    await put(id, { plan: "standard" });
    const busy = await put(id, { plan: "premium" });
    expect([busy.status, busy.json.id]).toEqual([422, "operation_running"]);
  });
});

describe("DELETE /resources/:id", () => {
  test("204, then 410 for DELETE, PUT and POST, and the credentials are dead", async () => {
    const body = order();
    const { json } = await post(body);
    const removed = await remove(json.id);
    expect([removed.status, removed.text]).toEqual([204, ""]);
    expect((await shop.provider.verifyKey(json.config.ACME_SEARCH_API_KEY)).valid).toBe(false);
    for (const answer of [
      await remove(json.id),
      await remove(body.uuid),
      await put(json.id, { plan: "basic" }),
      await post(body),
    ]) {
      expect([answer.status, answer.json.id]).toEqual([410, "tenant_gone"]);
    }
  });

  test("what was never known is 404, also the second time", async () => {
    const id = randomUUID();
    for (const unknown of [id, id, "123", "%00", mintTenantId()]) expect((await remove(unknown)).status).toBe(404);
  });

  test("that overtakes its provision is 404; the provision is gone when it comes, and nobody hears of it", async () => {
    const body = order();
    const { calls } = shop.provider.product;
    const before = calls.length;
    expect((await remove(body.uuid.toUpperCase())).status).toBe(404);
    for (const answer of [await post(body), await post(body)]) {
      expect([answer.status, answer.json.id]).toEqual([410, "tenant_gone"]);
    }
    expect((await put(body.uuid, { plan: "basic" })).status).toBe(404);
    expect((await remove(body.uuid)).status).toBe(404);
    expect(await shop.provider.listTenants({ resourceId: body.uuid, limit: 10 })).toEqual([]);
    expect(calls.length).toBe(before);
  });

  test("at the same time as its provision leaves no living tenant, whichever comes first", async () => {
    const seen = new Set<string>();
    for (let round = 0; round < 30; round += 1) {
      const body = order();
      const late = round % 5;
      const asked = [sleep(late).then(() => post(body)), sleep(4 - late).then(() => remove(body.uuid))];
      const [provision, removal] = await Promise.all(asked);
      seen.add(`${provision?.status} ${removal?.status}`);
      const living = await count(
        "tenants where resource_id = $1 and state not in ('gone', 'deprovisioning')",
        body.uuid,
      );
      expect(living).toBe(0);
    }
    expect([...seen].every((pair) => ["200 204", "410 204", "410 404"].includes(pair))).toBe(true);
  });

  test("during provisioning it cancels the work, and nothing is told to Heroku afterwards", async () => {
    const body = order();
    shop.provider.product.answer(hangs);
    const { json } = await post(body);
    expect((await remove(json.id)).status).toBe(204);
    shop.provider.clock.advance(HOUR);
    await shop.provider.rest();
    expect((await shop.provider.findTenant({ tenant: json.id }))?.state).toBe("gone");
    expect(shop.heroku.heard.filter(({ path }) => path.includes(body.uuid))).toEqual([]);
  });
});

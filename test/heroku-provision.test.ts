import { randomUUID } from "node:crypto";
import { Refused, RetryLater } from "../src/product/product.ts";
import { HOUR } from "./support/clock.ts";
import { ask, basic, buy, closeShops, grant, type HerokuShop, herokuShop, order, PASSWORDS } from "./support/heroku.ts";
import { exchange } from "./support/listen.ts";
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

describe("POST /resources", () => {
  test("a purchase is answered 200 with our id and the declared config vars", async () => {
    const { status, json, headers } = await post(order());
    expect(status).toBe(200);
    expect(json.id).toMatch(/^[a-z][a-z2-7]{25}$/);
    expect(Object.keys(json.config)).toEqual(["ACME_SEARCH_API_KEY", "ACME_SEARCH_URL"]);
    expect(headers.get("content-type")).toBe("application/vnd.heroku-addons+json; version=3");
    expect(headers.get("cache-control")).toBe("no-store");
  });

  test.each(["text/html", "*/*", "application/json", "image/png;q=0.1"])(
    "JSON is answered to Accept: %s",
    async (accept) => {
      expect((await post(order(), { accept })).headers.get("content-type")).toBe("application/json; charset=utf-8");
      const refused = await post(order({ plan: "no-such" }), { accept });
      expect(refused.headers.get("content-type")).toBe("application/json; charset=utf-8");
      expect(refused.json).toEqual({ id: "plan_unknown", message: expect.stringContaining("no-such") });
    },
  );

  test.each(["application/vnd.heroku-addons+json; version=3", "application/json; charset=utf-8", "Application/JSON"])(
    "a body of %s is read",
    async (type) => {
      expect((await post(order(), { "content-type": type })).status).toBe(200);
    },
  );

  test("fifty identical requests at once make one tenant and get fifty equal answers", async () => {
    const body = order({ oauth_grant: grant(shop, randomUUID()) });
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(body)));
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(await count("tenants where resource_id = $1", body.uuid)).toBe(1);
    expect(shop.provider.product.calls).toHaveLength(1);
  });

  test("a repeat with another name, a newer grant and unknown members gets the same bytes", async () => {
    const body = order({ oauth_grant: grant(shop, "first"), options: { size: 3, fork: "x" } });
    const first = await post(body);
    const repeat = {
      ...body,
      name: "renamed",
      oauth_grant: grant(shop, "second"),
      options: { fork: "x", size: 3 },
      new_in_2031: [{}],
    };
    expect((await post({ ...repeat, uuid: body.uuid.toUpperCase() })).text).toBe(first.text);
    expect(await count("owed_calls where tenant_id = $1 and kind = 'heroku:exchange-grant'", first.json.id)).toBe(2);
  });

  test("a repeat after a rotation carries the credentials that are active now", async () => {
    const body = order();
    const first = await post(body);
    await shop.provider.rotateCredentials({ ref: { tenant: first.json.id }, by: "operator:1", at: new Date() });
    const { json } = await post(body);
    expect(json.id).toBe(first.json.id);
    expect(json.config.ACME_SEARCH_API_KEY).not.toBe(first.json.config.ACME_SEARCH_API_KEY);
    expect(json.config).toEqual(await shop.provider.configVars(json.id));
  });

  test.each([{ plan: "premium" }, { region: "eu" }, { options: { more: true } }])(
    "a repeat with %p is 422 and leaves the first as it is",
    async (other) => {
      const body = order();
      const first = await post(body);
      const { status, json } = await post({ ...body, ...other });
      expect([status, json.id]).toEqual([422, "request_conflict"]);
      expect((await post(body)).text).toBe(first.text);
    },
  );

  test.each([
    ["amazon-web-services::us-east-1", "us"],
    ["amazon-web-services::eu-west-1", "eu"],
    ["eu", "eu"],
    [undefined, null],
    [null, null],
  ])("the region %p is kept as %p", async (region, kept) => {
    const { id } = await buy(shop, { region });
    expect((await shop.provider.findTenant({ tenant: id }))?.region).toBe(kept);
  });

  test.each(["amazon-web-services::ap-south-1", "virginia", "google::us-east-1", "mars", "constructor"])(
    "the region %s is 422 and nothing is stored",
    async (region) => {
      const body = order({ region });
      const { status, json } = await post(body);
      expect([status, json.id]).toEqual([422, "region_unknown"]);
      expect(await count("tenants where resource_id = $1", body.uuid)).toBe(0);
    },
  );

  test("options may be an object of text, numbers and switches, null or absent", async () => {
    const { id } = await buy(shop, { options: { fork: "x", size: 3, fast: true, slow: "true" } });
    expect((await shop.provider.findTenant({ tenant: id }))?.options).toEqual({
      fork: "x",
      size: 3,
      fast: true,
      slow: "true",
    });
    for (const options of [null, undefined]) expect((await post(order({ options }))).status).toBe(200);
  });

  test.each([
    [{ options: [] }, "options"],
    [{ options: "x" }, "options"],
    [{ options: { deep: { er: 1 } } }, "options.deep"],
    [{ options: { none: null } }, "options.none"],
    [{ options: { many: [1] } }, "options.many"],
    [{ uuid: "not-one" }, "uuid must be a UUID"],
    [{ uuid: 7 }, "uuid"],
    [{ uuid: undefined }, "uuid is missing"],
    [{ plan: undefined }, "plan is missing"],
    [{ plan: ["basic"] }, "plan"],
    [{ name: { a: 1 } }, "name"],
    [{ oauth_grant: "code" }, "oauth_grant"],
    [{ name: "a\0b" }, "name must not contain NUL"],
    [{ name: "\ud800" }, "name"],
  ])("%p is 422 and the message names the fault", async (wrong, named) => {
    const { status, json } = await post(order(wrong));
    expect([status, json.id]).toEqual([422, "request_malformed"]);
    expect(json.message).toContain(named);
  });

  test("every fault is named at once", async () => {
    const { json } = await post(order({ uuid: "x", plan: 1, options: 2 }));
    for (const name of ["uuid", "plan", "options"]) expect(json.message).toContain(name);
  });

  test.each([
    ["cut off", '{"uuid":', 400],
    ["empty", "", 400],
    ["forty deep", "[".repeat(40) + "]".repeat(40), 400],
    ["a list", "[]", 422],
    ["a text", '"text"', 422],
    ["null", "null", 422],
    ["reaching for the prototype", '{"__proto__": {"plan": "basic"}}', 422],
    ["too large", `{"name": "${"x".repeat(300_000)}"}`, 413],
  ])("a body that is %s gets a clear answer", async (_name, body, expected) => {
    const { status, json } = await post(body);
    expect(status).toBe(expected);
    expect(json.message).toMatch(/\w/);
    expect({}).not.toHaveProperty("plan");
  });

  test("a body that is not JSON by its type, and a second Authorization header, are 400", async () => {
    expect((await post("plan=basic", { "content-type": "application/x-www-form-urlencoded" })).status).toBe(400);
    const login = `Authorization: ${basic("acme-search", PASSWORDS[1] ?? "")}\r\n`;
    const { text } = await exchange(
      Number(new URL(shop.url).port),
      `DELETE /heroku/resources/x HTTP/1.1\r\nHost: x\r\n${login}${login}Connection: close\r\n\r\n`,
    );
    expect(text).toMatch(/^HTTP\/1.1 400/);
  });

  test("log tokens are kept sealed and nothing of them is shown", async () => {
    const { id } = await buy(shop, { log_drain_token: "d.secret-1", log_input_url: "https://u:secret-2@logs.example" });
    const tenant = await shop.provider.findTenant({ tenant: id });
    const kept = shop.provider.deps.vault.open({ tenant: id, field: "kept", id }, tenant?.keptSealed ?? "");
    expect(JSON.parse(kept)).toEqual({
      log_drain_token: "d.secret-1",
      log_input_url: "https://u:secret-2@logs.example",
    });
    const rows = await shop.provider.look(
      "select t::text || coalesce(c::text, '') as row from tenants t left join owed_calls c on c.tenant_id = t.id where t.id = $1",
      [id],
    );
    expect(JSON.stringify(rows)).not.toMatch(/secret-[12]/);
  });

  test("the product's refusal is 422 word for word, again and again, and DELETE is 204", async () => {
    const body = order();
    shop.provider.product.answer(new Refused("Basic is sold out; try Standard."));
    const first = await post(body);
    expect([first.status, first.json.message]).toEqual([422, "Basic is sold out; try Standard."]);
    expect((await post(body)).text).toBe(first.text);
    expect((await remove(body.uuid)).status).toBe(204);
    expect((await post(body)).status).toBe(410);
  });

  test("a product that hangs is answered 202 with id and message, and so is a repeat", async () => {
    const body = order();
    shop.provider.product.answer(hangs);
    const first = await post(body);
    expect(first.status).toBe(202);
    expect(first.json).toEqual({ id: expect.any(String), message: expect.stringContaining("Acme Search") });
    expect((await post(body)).text).toBe(first.text);
  });

  test("a purchase that is not done within twelve hours is refused for good", async () => {
    const own = await herokuShop({ budgets: { product: 100 } });
    own.provider.product.answer(new RetryLater(13 * 3_600));
    const body = order();
    expect((await ask(own, "POST", "/resources", { body })).status).toBe(202);
    own.provider.clock.advance(12 * HOUR);
    await own.provider.work();
    const late = await ask(own, "POST", "/resources", { body });
    expect([late.status, late.json.id]).toEqual([422, "product_refused"]);
    expect((await ask(own, "DELETE", `/resources/${body.uuid}`)).status).toBe(204);
  });
});

describe("The legacy shape", () => {
  const legacy = (wanted = {}) => ({
    heroku_id: "app123@heroku.com",
    plan: "basic",
    callback_url: "http://x",
    logplex_token: null,
    options: {},
    ...wanted,
  });
  const accept = { accept: "application/json" };

  test("without uuid, grant, name and region it is 200, and the id holds nothing of heroku_id", async () => {
    const { status, json } = await post(legacy(), accept);
    expect(status).toBe(200);
    expect(json.id).not.toContain("app123");
    expect(await count("tenants where id = $1 and resource_id ~ '^[0-9a-f-]{36}$'", json.id)).toBe(1);
  });

  test("two purchases for one app are two tenants, and a uuid makes a repeat one", async () => {
    expect((await post(legacy(), accept)).json.id).not.toBe((await post(legacy(), accept)).json.id);
    const known = legacy({ uuid: randomUUID() });
    expect((await post(known, accept)).text).toBe((await post(known, accept)).text);
  });

  test("a plan change ignores the uuid of its body, and removal is 204", async () => {
    const { json } = await post(legacy(), accept);
    const changed = await put(json.id, legacy({ plan: "standard", uuid: randomUUID() }));
    expect(changed.status).toBe(200);
    expect((await remove(json.id)).status).toBe(204);
    const wrong = { headers: { authorization: basic("acme-search", "wrong") } };
    expect((await ask(shop, "DELETE", `/resources/${json.id}`, wrong)).status).toBe(401);
  });
});

import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { Refused, RetryLater } from "../src/product/product.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
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

describe("Basic authentication", () => {
  test("unknown user, wrong password and none at all are the same 401 with a challenge, whatever the verb", async () => {
    const wrong = [basic("acme-search", "wrong"), basic("other", PASSWORDS[0] ?? ""), "", "Basic ???", "Bearer x"];
    const before = await count("tenants");
    const bodies = new Set<string>();
    for (const [method, path] of [
      ["POST", "/resources"],
      ["PUT", "/resources/x"],
      ["DELETE", "/resources/x"],
    ] as const) {
      for (const authorization of wrong) {
        const answer = await ask(shop, method, path, { headers: { authorization } });
        expect(answer.status).toBe(401);
        expect(answer.headers.get("www-authenticate")).toMatch(/^Basic realm=/);
        bodies.add(answer.text);
      }
    }
    expect([...bodies]).toEqual([expect.stringContaining("not_authenticated")]);
    expect(await count("tenants")).toBe(before);
  });

  test("both passwords work during a rotation", async () => {
    for (const password of PASSWORDS) {
      const headers = { authorization: basic("acme-search", password) };
      expect((await post(order(), headers)).status).toBe(200);
    }
  });

  test("the password is checked before the body is read", async () => {
    const head = `POST /heroku/resources HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 9999\r\nConnection: close\r\n`;
    const port = Number(new URL(shop.url).port);
    expect((await exchange(port, `${head}\r\n{`)).text).toMatch(/^HTTP\/1.1 401/);
  });

  test("after a hundred wrong ones the right one is still let in", async () => {
    const other = await herokuShop();
    const wrong = { headers: { authorization: basic("acme-search", "wrong") } };
    const statuses = await Promise.all(Array.from({ length: 120 }, () => ask(other, "DELETE", "/resources/x", wrong)));
    expect(new Set(statuses.map(({ status }) => status))).toEqual(new Set([401, 429]));
    expect((await ask(other, "POST", "/resources", { body: order() })).status).toBe(200);
  });
});

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

test("while the database takes no connection it is 503 with Retry-After, and afterwards everything works again", async () => {
  const own = await herokuShop();
  const { name } = own.provider.database;
  const body = order();
  await own.provider.look(`alter database "${name}" connection limit 0`);
  await own.provider.look(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and usename <> current_user",
    [name],
  );
  const down = await ask(own, "POST", "/resources", { body });
  expect([down.status, down.json.id]).toEqual([503, "unavailable"]);
  expect(Number(down.headers.get("retry-after"))).toBeGreaterThan(0);
  await own.provider.look(`alter database "${name}" connection limit -1`);
  expect((await ask(own, "POST", "/resources", { body })).status).toBe(200);
});

test("anything else under /heroku is 404 in Heroku's shape", async () => {
  for (const [method, path] of [
    ["GET", "/nothing"],
    ["PATCH", "/resources/x"],
    ["GET", "/sso"],
  ] as const) {
    const { status, json } = await ask(shop, method, path);
    expect([status, json.id]).toEqual([404, "route_not_found"]);
  }
});

import { randomUUID } from "node:crypto";
import express from "express";
import { apiRoutes } from "../src/api/api.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { DAY, HOUR, MINUTE } from "./support/clock.ts";
import { dashboardOf } from "./support/dashboard-app.ts";
import { closeServers, listen } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, recordsOf, send, settle } from "./support/usage.ts";

const SECRET = "the-product-secret-of-the-tests";

let shop: TestProvider;
let url: string;
let tenant: string;

beforeAll(async () => {
  shop = await testProvider();
  const { tokens, catalog, clock } = shop.deps;
  const api = express();
  api.set("query parser", "simple");
  api.use(apiRoutes({ provider: shop, tokens, catalog, clock, productSecret: SECRET, attempts: failedAttempts() }));
  api.use(problemAnswer);
  ({ url } = await listen(api));
});

beforeEach(async () => {
  tenant = await newTenant(shop);
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const event = (more: object = {}) => ({ id: randomUUID(), tenant, dimension: "requests", quantity: 1, ...more });

async function call(method: string, path: string, body?: unknown, bearer = SECRET) {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: text }),
  });
  return { status: answer.status, json: await answer.json() };
}

/** The tenant's key, with these scopes in place of its own. */
async function keyWith(...scopes: string[]): Promise<string> {
  if (scopes.length > 0) await shop.look("update credentials set scopes = $2 where tenant_id = $1", [tenant, scopes]);
  return String((await shop.configVars(tenant))["ACME_SEARCH_API_KEY"]);
}

describe("POST /v1/usage", () => {
  test("takes one event or a list, and answers a receipt for each", async () => {
    const one = event();
    expect(await call("POST", "/v1/usage", one)).toEqual({
      status: 200,
      json: { receipts: [{ id: one.id, status: "accepted" }] },
    });
    const unknown = event({ dimension: "pages" });
    expect(await call("POST", "/v1/usage", [one, unknown, 7, null, []])).toEqual({
      status: 200,
      json: {
        receipts: [
          { id: one.id, status: "duplicate" },
          { id: unknown.id, status: "refused", code: "usage_unknown_dimension" },
          ...[7, null, []].map(() => ({ id: null, status: "refused", code: "usage_malformed" })),
        ],
      },
    });
    expect(await call("POST", "/v1/usage", [])).toEqual({ status: 200, json: { receipts: [] } });
  });

  test("refuses an event with NUL, half a surrogate pair, a huge number or a prototype in it alone", async () => {
    const bad = [
      '{"id":"a\\u0000","tenant":"T","dimension":"requests","quantity":1}',
      '{"id":"a","tenant":"T","dimension":"req\\ud800","quantity":1}',
      '{"id":"b","tenant":"T","dimension":"requests","quantity":1e400}',
      '{"id":"c","tenant":"T","dimension":"requests","quantity":123456789012345678901234567890}',
      '{"id":"d","tenant":"T","dimension":"requests","quantity":1,"tags":{"a\\u0000":"b"}}',
      '{"__proto__":{"id":"e","tenant":"T","dimension":"requests","quantity":1}}',
    ];
    const good = `{"id":"${randomUUID()}","tenant":"T","dimension":"requests","quantity":"1.5"}`;
    const body = `[${[...bad, good].join(",").replaceAll('"T"', `"${tenant}"`)}]`;
    const { status, json } = await call("POST", "/v1/usage", body);
    expect(status).toBe(200);
    const codes = json.receipts.map(({ code, status: said }: { code?: string; status: string }) => code ?? said);
    expect(codes).toEqual([...bad.map(() => "usage_malformed"), "accepted"]);
  });

  test.each([
    ["no JSON", "{"],
    ["text", '"evt"'],
    ["a number", "7"],
    ["null", "null"],
  ])("refuses a body that is %s", async (_, body) => {
    const { status, json } = await call("POST", "/v1/usage", body);
    expect([status, json.code]).toEqual([400, "request_malformed"]);
  });

  test("refuses 1,001 events and four megabytes whole: nothing is stored", async () => {
    const many = Array.from({ length: 1_001 }, () => event());
    expect(await call("POST", "/v1/usage", many)).toMatchObject({ status: 413, json: { code: "body_too_large" } });
    const large = event({ note: "x".repeat(4 * 1024 * 1024) });
    expect(await call("POST", "/v1/usage", large)).toMatchObject({ status: 413, json: { code: "body_too_large" } });
    expect((await call("POST", "/v1/usage", many.slice(0, 1_000))).json.receipts).toHaveLength(1_000);
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toEqual([expect.stringMatching(/ 1000 open$/)]);
  });

  test("is not for a customer's ordinary key; one with the scope writes for its own tenant and in its own space", async () => {
    const mine = event();
    await send(shop, mine);
    const ordinary = await call("POST", "/v1/usage", event(), await keyWith());
    expect([ordinary.status, ordinary.json.code]).toEqual([403, "not_permitted"]);
    expect((await call("POST", "/v1/usage", event(), "nobody")).status).toBe(401);

    const { tenant: _, ...nameless } = mine;
    const other = event({ tenant: await newTenant(shop) });
    const { json } = await call("POST", "/v1/usage", [nameless, other], await keyWith("usage:write"));
    expect(json.receipts).toEqual([
      { id: mine.id, status: "accepted" },
      { id: other.id, status: "refused", code: "tenant_not_found" },
    ]);
  });
});

describe("GET /v1/usage", () => {
  test("lists the hours of a tenant page by page, and each tenant only its own with a key", async () => {
    const other = await newTenant(shop);
    const time = (hours: number) => new Date(shop.clock.now().getTime() - hours * HOUR).toISOString();
    await send(shop, event({ tenant: other, quantity: 99 }));
    await send(
      shop,
      event({ quantity: "1.5" }),
      event({ dimension: "documents", quantity: 20 }),
      event({ quantity: "0.5" }),
    );
    await settle(shop);
    const hour = `${shop.clock.now().toISOString().slice(0, 13)}:00:00.000Z`;
    const records = [
      {
        tenant,
        dimension: "documents",
        hour,
        quantity: 20,
        state: "open",
        accepted_at: null,
        units: null,
        verdict: null,
      },
      {
        tenant,
        dimension: "requests",
        hour,
        quantity: 2,
        state: "open",
        accepted_at: null,
        units: null,
        verdict: null,
      },
    ];
    expect((await call("GET", `/v1/usage?tenant=${tenant}`)).json).toEqual({ data: records, next_cursor: null });
    const key = await keyWith("usage:read");
    expect((await call("GET", "/v1/usage", undefined, key)).json.data).toEqual(records);
    expect((await call("GET", `/v1/usage?tenant=${other}`, undefined, key)).status).toBe(404);
    expect((await call("GET", "/v1/usage?dimension=documents", undefined, key)).json.data).toEqual([records[0]]);
    expect((await call("GET", `/v1/usage?to=${time(1)}`, undefined, key)).json.data).toEqual([]);

    const first = (await call("GET", `/v1/usage?tenant=${tenant}&limit=1`)).json;
    expect(first.data).toEqual([records[0]]);
    const second = (await call("GET", `/v1/usage?tenant=${tenant}&limit=1&cursor=${first.next_cursor}`)).json;
    expect(second).toEqual({ data: [records[1]], next_cursor: null });
    const all = (await call("GET", `/v1/usage?from=${time(1)}&dimension=requests`)).json.data;
    expect(all).toEqual(expect.arrayContaining([records[1], expect.objectContaining({ tenant: other, quantity: 99 })]));
  });

  test.each(["from=yesterday", "limit=0", "cursor=abc", `cursor=${Buffer.from("[1,2]").toString("base64url")}`])(
    "refuses ?%s",
    async (query) => {
      const { status, json } = await call("GET", `/v1/usage?tenant=${tenant}&${query}`);
      expect([status, json.code]).toEqual([400, "request_malformed"]);
    },
  );
});

describe("GET /v1/metering/summary", () => {
  test("shows what no marketplace bills, to the product alone", async () => {
    const before = (await call("GET", "/v1/metering/summary")).json.not_billed.requests ?? 0;
    await send(shop, event({ quantity: 5 }));
    await settle(shop);
    shop.clock.advance(2 * HOUR);
    await settle(shop);
    expect((await call("GET", "/v1/metering/summary")).json).toEqual({
      waiting: {},
      at_risk: {},
      lost: {},
      carried: {},
      lost_by_reason: {},
      to_audit: {},
      marketplaces: {},
      not_billed: expect.objectContaining({ requests: before + 5 }),
      conflicts: 0,
      oldest_waiting_at: null,
    });
    expect((await call("GET", "/v1/metering/summary", undefined, await keyWith("usage:read"))).status).toBe(403);
  });
});

describe("POST /v1/keys/verify", () => {
  test("says over which limit a tenant is, beside valid true", async () => {
    const key = await keyWith();
    const verdict = async () => (await call("POST", "/v1/keys/verify", { key })).json;
    expect(Object.keys(await verdict()).sort()).toEqual(["limits", "plan", "scopes", "tenant", "valid"]);
    await send(shop, event({ dimension: "documents", quantity: 9_999 }));
    await settle(shop);
    expect(await verdict()).toMatchObject({ valid: true, over: "soft" });
    await send(shop, event({ dimension: "documents", quantity: 1 }));
    await settle(shop);
    expect(await verdict()).toMatchObject({ valid: true, over: "hard" });
  });
});

describe("the customer's page", () => {
  test("shows usage against the limits, where it leads, and how fresh it is", async () => {
    const pages = dashboardOf(shop);
    const { url: home } = await listen(pages.app);
    const card = async () => {
      const signedIn = await fetch(`${home}${pages.signInPath({ id: tenant })}`, { redirect: "manual" });
      const cookie = signedIn.headers.getSetCookie().map((line) => line.split(";")[0]);
      const text = await (await fetch(`${home}/dashboard`, { headers: { cookie: cookie.join("; ") } })).text();
      return /<section class="card" id="usage".*?<\/section>/s.exec(text)?.[0] ?? "";
    };
    expect(await card()).toContain("0 of 100,000");
    await send(shop, event({ quantity: 90_000 }));
    await settle(shop);
    shop.clock.advance(5 * MINUTE);
    expect(await card()).toMatch(/<meter[^>]* max="100000"[^>]* value="90000"/);
    expect(await card()).toContain("90,000 of 100,000");
    expect(await card()).toContain("5 minutes ago");
    expect(await card()).not.toContain("At this rate");
    shop.clock.advance(2 * DAY);
    expect(await card()).toMatch(/At this rate [\d,]+ by the end of the month, which is more than the plan includes/);
  });
});

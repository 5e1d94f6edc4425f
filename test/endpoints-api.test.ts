import express from "express";
import { apiRoutes } from "../src/api/api.ts";
import { docsRoutes } from "../src/api/docs.ts";
import { endpointRoutes } from "../src/api/endpoints.ts";
import { eventTypes } from "../src/events/catalogue.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { notFound, problemAnswer } from "../src/http/problem.ts";
import { MINUTE } from "./support/clock.ts";
import { closeServers, listen } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { answers, closeReceivers, type Receiver, receiver, verify } from "./support/receiver.ts";
import { boughtTenant, happens, PUBLIC_URL, type Subscribed, subscribed } from "./support/subscribed.ts";

const SECRET = "the-product-secret-of-the-tests";
const OPERATOR = "the-operator-token-of-the-tests";

let shop: TestProvider;
let out: Subscribed;
let url: string;
let desk: Receiver;

beforeAll(async () => {
  shop = await testProvider();
  out = subscribed(shop);
  const { tokens, catalog, clock } = shop.deps;
  const attempts = failedAttempts();
  const app = express();
  app.set("query parser", "simple");
  app.use(apiRoutes({ provider: shop, tokens, catalog, clock, productSecret: SECRET, attempts }));
  app.use(endpointRoutes({ subscriptions: out, productSecret: SECRET, operatorToken: OPERATOR, attempts }));
  app.use(docsRoutes({ publicUrl: PUBLIC_URL, serviceId: catalog.id }));
  app.use(notFound, problemAnswer);
  ({ url } = await listen(app));
});

beforeEach(async () => {
  desk = await receiver();
});

afterEach(async () => {
  for (const { id } of await out.list()) await out.remove(id);
});

afterAll(async () => {
  await closeReceivers();
  await closeServers();
  await closeProviders();
});

async function call(method: string, path: string, body?: unknown, bearer = SECRET) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  return { status: answer.status, json: text === "" ? undefined : JSON.parse(text) };
}

async function made(more: object = {}) {
  return (await call("POST", "/v1/endpoints", { url: desk.url, ...more })).json;
}

describe("/v1/endpoints", () => {
  test("makes, lists, shows, changes and removes an endpoint; its secret is shown once", async () => {
    const { status, json } = await call("POST", "/v1/endpoints", { url: desk.url, name: "Desk", types: ["suspended"] });
    expect(status).toBe(201);
    expect(json).toMatchObject({
      kind: "http",
      url: desk.url,
      name: "Desk",
      types: ["suspended"],
      state: "on",
      owed: 0,
    });
    expect(json.secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    const { secret: _, ...shown } = json;
    expect(await call("GET", `/v1/endpoints/${json.id}`)).toEqual({ status: 200, json: shown });
    expect((await call("GET", "/v1/endpoints")).json).toEqual({ data: [shown], next_cursor: null });
    const changed = await call("PATCH", `/v1/endpoints/${json.id}`, { types: null, state: "off" });
    expect(changed.json).toEqual({ ...shown, types: null, state: "off" });
    expect((await call("DELETE", `/v1/endpoints/${json.id}`)).status).toBe(204);
    expect(await call("DELETE", `/v1/endpoints/${json.id}`)).toMatchObject({
      status: 404,
      json: { code: "endpoint_not_found" },
    });
  });

  test("lets in the product and operators, and nobody with a tenant's key", async () => {
    const tenant = await boughtTenant(shop);
    await shop.look("update credentials set scopes = '{usage:write,events:write}' where tenant_id = $1", [tenant.id]);
    const key = String((await shop.configVars(tenant.id))["ACME_SEARCH_API_KEY"]);
    expect((await call("GET", "/v1/endpoints", undefined, OPERATOR)).status).toBe(200);
    for (const bearer of [key, "wrong", ""]) {
      for (const [method, path] of [
        ["GET", ""],
        ["POST", ""],
        ["GET", "/ep_x"],
        ["PATCH", "/ep_x"],
        ["DELETE", "/ep_x"],
        ["POST", "/ep_x/rotate-secret"],
        ["POST", "/ep_x/test"],
        ["GET", "/ep_x/deliveries"],
        ["POST", "/ep_x/deliveries/x/resend"],
        ["POST", "/ep_x/recover"],
      ] as const) {
        expect((await call(method, `/v1/endpoints${path}`, method === "GET" ? undefined : {}, bearer)).status).toBe(
          401,
        );
      }
    }
  });

  test.each([
    [{}, ""],
    [{ url: "https://example.com/", bus: "default" }, ""],
    [{ url: "ftp://example.com/" }, "/url"],
    [{ url: "http://169.254.169.254/latest" }, "/url"],
    [{ bus: "default" }, "/region"],
    [{ bus: "arn:aws:sns:eu-west-1:111122223333:topic" }, "/bus"],
    [{ url: "http://127.0.0.1/", types: ["plan.changed", "nonsense", "nonsense*"] }, "/types/1"],
    [{ url: "http://127.0.0.1/", types: [] }, "/types"],
    [{ url: 7 }, "/url"],
  ])("refuses %j and says where", async (body, at) => {
    const { status, json } = await call("POST", "/v1/endpoints", body);
    expect({ status, at: json.faults[0].at }).toEqual({ status: 400, at });
  });

  test("answers 404 for an endpoint that is not there, whatever is asked of it", async () => {
    const none = "/v1/endpoints/ep_none";
    for (const [method, path, body] of [
      ["GET", none, undefined],
      ["PATCH", none, {}],
      ["POST", `${none}/rotate-secret`, {}],
      ["POST", `${none}/test`, {}],
      ["GET", `${none}/deliveries`, undefined],
      ["POST", `${none}/deliveries/x/resend`, undefined],
      ["POST", `${none}/recover`, { since: "2026-03-01T00:00:00Z" }],
    ] as const) {
      expect(await call(method, path, body)).toMatchObject({ status: 404, json: { code: "endpoint_not_found" } });
    }
  });

  test("sends a made-up event at once, signed and marked, whatever the endpoint's state, and nothing follows from it", async () => {
    const { id, secret } = await made();
    await call("PATCH", `/v1/endpoints/${id}`, { state: "off" });
    const sent = await call("POST", `/v1/endpoints/${id}/test`, { type: "usage.at_risk" });
    expect(sent).toMatchObject({ status: 200, json: { outcome: "delivered", status: 204, type: "usage.at_risk" } });
    const [got] = desk.got;
    if (got === undefined) throw new Error("Nothing came.");
    expect(got.event).toMatchObject({ madeup: true, id: sent.json.event });
    verify(secret, got);
    desk.manner = answers(410);
    expect((await call("POST", `/v1/endpoints/${id}/test`, {})).json).toMatchObject({
      outcome: "given_up",
      status: 410,
      fault: "It answered 410.",
    });
    expect((await out.find(id)).state).toBe("off");
  });

  test("lists attempts page by page, newest first, and sends an event again", async () => {
    const { id } = await made({ types: ["signed_in"] });
    const tenant = await boughtTenant(shop);
    for (let count = 0; count < 5; count += 1) {
      await happens(shop, tenant);
      await out.send();
      shop.clock.advance(MINUTE);
    }
    const all = (await call("GET", `/v1/endpoints/${id}/deliveries`)).json.data;
    expect(all).toHaveLength(5);
    expect(all.map((one: { started_at: string }) => one.started_at)).toEqual(
      all
        .map((one: { started_at: string }) => one.started_at)
        .toSorted()
        .reverse(),
    );
    const paged: unknown[] = [];
    for (let cursor: string | null = ""; cursor !== null; ) {
      const { json } = await call("GET", `/v1/endpoints/${id}/deliveries?limit=2${cursor && `&cursor=${cursor}`}`);
      paged.push(...json.data);
      cursor = json.next_cursor;
    }
    expect(paged).toEqual(all);
    expect((await call("GET", `/v1/endpoints/${id}/deliveries?cursor=nonsense`)).status).toBe(400);
    const again = await call("POST", `/v1/endpoints/${id}/deliveries/${all[4].id}/resend`);
    expect(again).toEqual({ status: 202, json: { owed: 1 } });
    await out.send();
    expect(desk.got.at(-1)?.event.id).toBe(all[4].event);
  });

  test("recovers what was not taken", async () => {
    const since = shop.clock.now().toISOString();
    const tenant = await boughtTenant(shop);
    const { id } = await made({ types: ["provision.done"] });
    const recovered = await call("POST", `/v1/endpoints/${id}/recover`, { since });
    expect(recovered).toEqual({ status: 202, json: { owed: 1, recovered_through: null } });
    await out.send();
    expect(desk.got.map(({ event }) => event.subject)).toEqual([tenant.id]);
    expect((await call("POST", `/v1/endpoints/${id}/recover`, { since: "soon" })).status).toBe(400);
  });

  test("keeps the same order among secrets however often they are rotated: four sign at most", async () => {
    const { id, secret } = await made({ types: ["provision.done"] });
    const secrets = [secret];
    for (let count = 0; count < 5; count += 1) {
      secrets.unshift((await call("POST", `/v1/endpoints/${id}/rotate-secret`, {})).json.secret);
    }
    await boughtTenant(shop);
    await out.send();
    const [got] = desk.got;
    if (got === undefined) throw new Error("Nothing came.");
    expect(got.headers["webhook-signature"]?.split(" ")).toHaveLength(4);
    for (const one of secrets.slice(0, 4)) verify(one, got);
    expect(() => verify(secret, got)).toThrow();
  });
});

describe("/docs/events", () => {
  test("shows every type with a schema that its example fits", async () => {
    const page = await (await fetch(`${url}/docs/events`)).text();
    const described = (await call("GET", "/docs/events.json")).json as { type: string; schema: object }[];
    expect(described.map(({ type }) => type)).toEqual([...eventTypes, "external"]);
    for (const { type, schema } of described) {
      expect(page).toContain(`<section id="${type}">`);
      expect((await call("GET", `/docs/events/${type}.json`)).json).toEqual(schema);
    }
    expect((await call("GET", "/docs/events/nothing.json")).status).toBe(404);
  });
});

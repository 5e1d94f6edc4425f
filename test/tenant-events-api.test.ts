import { setTimeout as sleep } from "node:timers/promises";
import express from "express";
import { apiRoutes } from "../src/api/api.ts";
import { docsRoutes } from "../src/api/docs.ts";
import { endpointRoutes } from "../src/api/endpoints.ts";
import { recentEvents } from "../src/events/events.ts";
import { attachExternal } from "../src/events/external.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { notFound, problemAnswer } from "../src/http/problem.ts";
import { closeServers, listen } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { closeReceivers, type Receiver, receiver, takes } from "./support/receiver.ts";
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

describe("POST /v1/tenants/:id/events", () => {
  const ticket = {
    specversion: "1.0",
    source: "https://desk.example",
    id: "4711",
    type: "ticket.answered",
    time: "2026-03-01T10:00:00Z",
    title: "Ticket 4711 was answered.",
    data: { ticket: 4711, tags: ["a"] },
  };
  const attach = (tenant: { id: string }, event: object, bearer?: string) =>
    call("POST", `/v1/tenants/${tenant.id}/events`, event, bearer);
  const history = (tenant: { id: string }, forCustomer = false) =>
    shop.deps.store.asTenant(tenant.id, (tx) => recentEvents(tx, 100, { forCustomer }));

  test("puts an event into the tenant's history, once by source and id", async () => {
    const tenant = await boughtTenant(shop);
    const first = await attach(tenant, ticket);
    expect(first).toEqual({ status: 201, json: { event: expect.any(String), fresh: true } });
    const again = { ...ticket, data: { tags: ["a"], ticket: 4711 } };
    expect(await attach(tenant, again)).toEqual({ status: 200, json: { event: first.json.event, fresh: false } });
    expect(await attach(tenant, { ...ticket, title: "Other" })).toMatchObject({
      status: 409,
      json: { code: "request_conflict" },
    });
    expect((await attach(tenant, { ...ticket, source: "https://other.example" })).status).toBe(201);
    const { source, id, title, data } = ticket;
    expect((await history(tenant)).at(1)).toMatchObject({
      id: first.json.event,
      type: "external.ticket.answered",
      by: "product",
      at: new Date(ticket.time),
      data: { source, id, title, data, public: false },
    });
    expect(await history(tenant)).toHaveLength(4);
  });

  test("that comes while the same is being written waits for it and is a repeat", async () => {
    const tenant = await boughtTenant(shop);
    const { source, id, type } = ticket;
    const { written, pending } = await shop.deps.store.asTenant(tenant.id, async (tx) => {
      const event = { source, id, type, public: false };
      const first = await attachExternal(tx, event, "product", shop.clock.now());
      const second = attach(tenant, { specversion: "1.0", source, id, type });
      await sleep(300);
      return { written: first, pending: { second } };
    });
    expect(await pending.second).toEqual({ status: 200, json: { event: written.event, fresh: false } });
  });

  test("that come at once are one", async () => {
    const tenant = await boughtTenant(shop);
    const all = await Promise.all(Array.from({ length: 8 }, () => attach(tenant, ticket)));
    expect(all.map(({ status }) => status).toSorted()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(all.map(({ json }) => json.event)).size).toBe(1);
  });

  test("is seen by the customer only where it is marked public", async () => {
    const tenant = await boughtTenant(shop);
    await attach(tenant, ticket);
    await attach(tenant, { ...ticket, id: "2", public: true });
    await happens(shop, tenant, "endpoint.disabled", {});
    await happens(shop, tenant, "event.given_up", {});
    const seen = await history(tenant, true);
    expect(seen.map(({ type, data }) => [type, data["id"]])).toEqual([
      ["external.ticket.answered", "2"],
      ["provision.done", undefined],
      ["provision.requested", undefined],
    ]);
  });

  test("takes a key with the scope events:write for its own tenant, and no other key", async () => {
    const [tenant, other] = [await boughtTenant(shop), await boughtTenant(shop)];
    const key = String((await shop.configVars(tenant.id))["ACME_SEARCH_API_KEY"]);
    expect(await attach(tenant, ticket, key)).toMatchObject({ status: 403, json: { code: "not_permitted" } });
    await shop.look("update credentials set scopes = '{events:write}' where tenant_id = $1", [tenant.id]);
    expect((await attach(tenant, ticket, key)).status).toBe(201);
    expect((await attach(other, ticket, key)).status).toBe(404);
    expect((await attach(tenant, ticket, "wrong")).status).toBe(401);
    expect(await history(other)).toHaveLength(2);
  });

  test.each([
    [{ specversion: "0.3" }, "/specversion"],
    [{ id: "" }, "/id"],
    [{ source: "x".repeat(501) }, "/source"],
    [{ type: "spaced out" }, "/type"],
    [{ time: "yesterday" }, "/time"],
    [{ data_base64: "AA==" }, "/data_base64"],
    [{ datacontenttype: "text/xml" }, "/datacontenttype"],
    [{ public: "yes" }, "/public"],
  ])("refuses %j and says where", async (fault, at) => {
    const tenant = await boughtTenant(shop);
    const { status, json } = await attach(tenant, { ...ticket, ...fault });
    expect({ status, at: json.faults[0].at }).toEqual({ status: 400, at });
  });

  test("refuses more than 64 kB, and tenants that are not there", async () => {
    const tenant = await boughtTenant(shop);
    expect((await attach(tenant, { ...ticket, data: "x".repeat(64 * 1024) })).status).toBe(413);
    expect((await attach({ id: "nobody" }, ticket)).status).toBe(404);
    expect((await attach({ id: `k${"a".repeat(25)}` }, ticket)).status).toBe(404);
  });

  test("goes out to who asked for such events, and to nobody else", async () => {
    const all = await receiver(takes);
    await made({ types: ["external.ticket.*"] });
    await out.create({ url: all.url });
    const tenant = await boughtTenant(shop);
    await attach(tenant, ticket);
    await out.send();
    expect(desk.got.map(({ event }) => event)).toEqual([
      expect.objectContaining({
        type: `com.${shop.deps.catalog.id}.tenant.external.ticket.answered.v1`,
        dataschema: `${PUBLIC_URL}/docs/events/external.json`,
        data: expect.objectContaining({ details: expect.objectContaining({ id: "4711", data: ticket.data }) }),
      }),
    ]);
    expect(all.got).toHaveLength(2);
  });
});

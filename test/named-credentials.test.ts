import { randomUUID } from "node:crypto";
import express from "express";
import { apiRoutes } from "../src/api/api.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { verifyKey } from "../src/provider/verify-key.ts";
import { verdictOf } from "./support/audit.ts";
import { MINUTE } from "./support/clock.ts";
import { closeServers, listen } from "./support/listen.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

const SECRET = "the-product-secret-of-the-tests";
const API_KEY = "ACME_SEARCH_API_KEY";

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
  tenant = (await shop.provision(purchase())).value.tenant.id;
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

async function call(method: string, path: string, body?: unknown, bearer = SECRET) {
  const answer = await fetch(`${url}${path}`, {
    method,
    headers: { authorization: `Bearer ${bearer}`, "content-type": "application/json" },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return { status: answer.status, json: await answer.json() };
}

const wish = (more: object = {}) => ({ tenant, kind: "api-key", name: "reports", access: "read", ...more });
const issued = async (more: object = {}) => (await call("POST", "/v1/credentials", wish(more))).json;
const verdict = (key: string) => shop.verifyKey(key);
const listed = async () =>
  (await call("GET", `/v1/credentials?tenant=${tenant}`)).json.data as Record<string, unknown>[];

describe("a named credential", () => {
  test("is issued with its value once, and listed without it", async () => {
    const { status, json } = await call("POST", "/v1/credentials", wish());
    expect(status).toBe(201);
    const { value, ...rest } = json;
    expect(rest).toEqual({
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      kind: "api-key",
      name: "reports",
      var: null,
      access: "read",
      scopes: ["tenant:read"],
      key_id: value.split("_")[2],
      last_four: value.slice(-4),
      state: "active",
      created_at: shop.clock.now().toISOString(),
      retires_at: null,
      last_used_at: null,
    });
    expect(await verdict(value)).toMatchObject({ valid: true, tenant, scopes: ["tenant:read"] });
    const all = await listed();
    expect(all).toContainEqual(rest);
    expect(all.map((one) => one["name"] ?? one["var"]).sort()).toEqual([API_KEY, "reports"]);
    expect(JSON.stringify(all)).not.toContain(value.slice(0, -4));
  });

  test("is in no config var, and a repeated provision does not tell of it", async () => {
    const request = purchase();
    const bought = await shop.provision(request);
    const before = bought.value.config;
    tenant = bought.value.tenant.id;
    await issued({ access: "full" });
    expect((await shop.provision(request)).value.config).toEqual(before);
    expect(await shop.configVars(tenant)).toEqual(before);
  });

  test("may do no more than a customer's ordinary key, unless the product asks", async () => {
    expect((await issued({ name: "all", access: "full" })).scopes).toEqual(["tenant:read", "token"]);
    expect((await issued({ name: "meter", access: "full", scopes: ["usage:write"] })).scopes).toEqual(["usage:write"]);
    const { value: rotator } = await issued({
      name: "rotator",
      access: "full",
      scopes: ["credentials:rotate", "token"],
    });
    const ask = (more: object) => call("POST", "/v1/credentials", wish({ name: randomUUID(), ...more }), rotator);
    expect(await ask({ access: "full" })).toMatchObject({ status: 201, json: { scopes: ["tenant:read", "token"] } });
    expect(await ask({ access: "full", scopes: ["token"] })).toMatchObject({ status: 201 });
    for (const scope of [
      "usage:write",
      "usage:read",
      "keys:verify",
      "tenants:read",
      "credentials:rotate",
      "aws:credentials",
    ]) {
      expect(await ask({ access: "full", scopes: ["token", scope] })).toMatchObject({
        status: 403,
        json: { code: "not_permitted" },
      });
    }
    const { value: meter } = await issued({ name: "meter2", access: "full", scopes: ["usage:write"] });
    expect(await call("POST", "/v1/credentials", wish({ name: "x" }), meter)).toMatchObject({ status: 403 });
    const event = { id: randomUUID(), dimension: "requests", quantity: 1 };
    expect((await call("POST", "/v1/usage", event, meter)).json.receipts).toMatchObject([{ status: "accepted" }]);
  });

  test.each([
    [{ kind: "url" }, "/kind"],
    [{ kind: "password" }, "/kind"],
    [{ name: "" }, "/name"],
    [{ name: "Reports" }, "/name"],
    [{ name: "a b" }, "/name"],
    [{ access: "admin" }, "/access"],
    [{ scopes: [] }, "/scopes"],
    [{ scopes: ["all"] }, "/scopes"],
    [{ scopes: ["usage:write"] }, "/scopes"],
    [{ scopes: ["token"] }, "/scopes"],
    [{ colour: "red" }, "/"],
  ])("is refused for %j, and nothing is issued", async (fault, at) => {
    const { status, json } = await call("POST", "/v1/credentials", wish(fault));
    expect([status, json.code, json.faults[0].at]).toEqual([400, "request_malformed", at]);
    expect(await listed()).toHaveLength(1);
  });

  test("has a name of its own among those that work; a revoked one gives its name back", async () => {
    const { id, value } = await issued();
    expect(await call("POST", "/v1/credentials", wish())).toMatchObject({
      status: 409,
      json: { code: "request_conflict" },
    });
    expect(await call("DELETE", `/v1/credentials/${id}?tenant=${tenant}`)).toEqual({
      status: 200,
      json: { id, state: "revoked" },
    });
    expect(await call("DELETE", `/v1/credentials/${id}?tenant=${tenant}`)).toMatchObject({ status: 200 });
    expect(await verdict(value)).toEqual({ valid: false, code: "revoked" });
    expect((await call("POST", "/v1/credentials", wish())).status).toBe(201);
    const events = (await shop.events({ id: tenant })).slice(2);
    expect(events).toEqual(["credential.issued", "credential.revoked", "credential.issued"]);
  });

  test("is one of twenty at most, also when many are asked for at once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 24 }, (_, n) => call("POST", "/v1/credentials", wish({ name: `key-${n}` }))),
    );
    expect(answers.filter(({ status }) => status === 201)).toHaveLength(20);
    expect(answers.filter(({ json }) => json.code === "quota_exceeded")).toHaveLength(4);
    const same = await Promise.all([1, 2, 3].map(() => call("POST", "/v1/credentials", wish({ name: "key-0" }))));
    expect(same.map(({ status }) => status)).toEqual([409, 409, 409]);
  });

  test("of another tenant is as good as none", async () => {
    const { id } = await issued();
    const other = (await shop.provision(purchase())).value.tenant.id;
    for (const path of [`/v1/credentials/${id}`, `/v1/credentials/${randomUUID()}`, "/v1/credentials/x"]) {
      const { status, json } = await call("DELETE", `${path}?tenant=${other}`);
      expect([status, json.code, json.detail]).toEqual([404, "credential_not_found", "There is no such credential."]);
    }
    const { value: key } = await issued({ name: "own", access: "full", scopes: ["credentials:rotate"] });
    expect((await call("GET", `/v1/credentials?tenant=${other}`, undefined, key)).status).toBe(404);
    expect((await call("GET", "/v1/credentials", undefined, key)).json.data).toHaveLength(3);
  });

  test("that fills a config var is not revoked without a successor", async () => {
    const [own] = await listed();
    expect(await call("DELETE", `/v1/credentials/${own?.["id"]}?tenant=${tenant}`)).toMatchObject({ status: 400 });
  });

  test("is renewed under its name with the same rights; the old one works on for the overlap", async () => {
    const old = await issued();
    const { credential, value } = await shop.reissueCredential({
      ...about({ id: tenant }),
      credential: old.id,
      overlapSeconds: 600,
    });
    expect(credential).toMatchObject({ name: "reports", access: "read", scopes: ["tenant:read"], named: true });
    expect(await verdict(value)).toMatchObject({ valid: true });
    expect(await verdict(old.value)).toMatchObject({ valid: true });
    shop.clock.advance(11 * MINUTE);
    await shop.sweep();
    expect(await verdict(old.value)).toMatchObject({ valid: false });
    const again = { ...about({ id: tenant }), credential: credential.id, overlapSeconds: 0 };
    const last = await shop.reissueCredential(again);
    expect(await verdict(value)).toEqual({ valid: false, code: "revoked" });
    await expect(shop.reissueCredential(again)).rejects.toMatchObject({ code: "credential_not_found" });
    expect(await verdict(last.value)).toMatchObject({ valid: true });
  });

  test("ends with its tenant, and all of it is in the audit", async () => {
    const { value } = await issued();
    await shop.deprovision(about({ id: tenant }));
    expect(await verdict(value)).toEqual({ valid: false, code: "gone" });
    const told = await shop.look(
      "select action, data->>'name' as name, data->>'access' as access from audit_entries where chain = $1 and data ? 'name' order by sequence",
      [tenant],
    );
    expect(told).toEqual([
      { action: "credential.issued", name: "reports", access: "read" },
      { action: "credential.revoked", name: "reports", access: "read" },
    ]);
    expect((await verdictOf(shop)).faults).toEqual([]);
  });
});

describe("the last use of a credential", () => {
  test("is known to the minute, with no write where a key is judged and one a minute at most", async () => {
    const { value } = await issued();
    const used = async () => (await listed()).find((one) => one["name"] === "reports")?.["last_used_at"];
    await shop.verifyKey(value);
    expect(await used()).toBeNull();
    await shop.deps.lastUse.flush();
    const first = shop.clock.now().toISOString();
    expect(await used()).toBe(first);
    const written = async () =>
      (
        await shop.look<{ xmin: string }>(
          "select xmin::text from credentials where tenant_id = $1 and name = 'reports'",
          [tenant],
        )
      )[0]?.xmin;
    const before = await written();
    shop.clock.advance(MINUTE / 2);
    for (let n = 0; n < 20; n += 1) await shop.verifyKey(value);
    await shop.deps.lastUse.flush();
    expect([await used(), await written()]).toEqual([first, before]);
    shop.clock.advance(MINUTE);
    await shop.verifyKey(value);
    await shop.deps.lastUse.flush();
    expect(await used()).toBe(shop.clock.now().toISOString());
  });

  test("is not noted for a key that is refused, and does not wait for a row that somebody holds", async () => {
    const { value, id } = await issued();
    const noted: string[] = [];
    const note = (_tenant: string, credential: string) => noted.push(credential);
    const deps = { ...shop.deps, lastUse: { ...shop.deps.lastUse, note } };
    await verifyKey(deps, value);
    await verifyKey(deps, `${value.slice(0, -6)}AAAAAA`);
    await shop.deps.store.asTenant(tenant, async (tx) => {
      await tx.query("update credentials set hint = hint where id = $1", [id]);
      await shop.verifyKey(value);
      await shop.deps.lastUse.flush();
    });
    await call("DELETE", `/v1/credentials/${id}?tenant=${tenant}`);
    await verifyKey(deps, value);
    expect(noted).toEqual([id]);
  });
});

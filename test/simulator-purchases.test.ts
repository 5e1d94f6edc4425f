import { answering, closeSimulations, openSimulation } from "./support/open-simulation.ts";
import { sampleManifest } from "./support/sample-manifest.ts";
import { configOf } from "./support/tiny-provider.ts";

afterEach(closeSimulations);

const LEGACY_MESSAGES = { "x-heroku-legacy-provider-messages": "true" };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

describe("buying", () => {
  test("the provider gets the v3 request of the add-on platform", async () => {
    const { buy, provider, simulator } = await openSimulation();
    const options = { fork: "x", flag: true, n: 3 };
    const { status, body } = await buy("basic", { name: "mine", config: options });
    expect(status).toBe(201);
    const [call] = provider.calls;
    expect(call).toMatchObject({ method: "POST", path: "/heroku/resources" });
    expect(call?.headers).toMatchObject({
      accept: "application/vnd.heroku-addons+json; version=3",
      "content-type": "application/json",
      authorization: `Basic ${Buffer.from("quiet-search:pässword:of-the-tests").toString("base64")}`,
    });
    expect(call?.body).toEqual({
      callback_url: `${simulator.origin}/addons/${body.id}`,
      name: "mine",
      oauth_grant: { code: expect.stringMatching(UUID), type: "authorization_code", expires_at: expect.any(String) },
      options: { fork: "x", flag: "true", n: "3" },
      plan: "basic",
      region: "amazon-web-services::us-east-1",
      uuid: body.id,
    });
  });

  test("log members are sent when the manifest requires them, and a missing log_drain_url is blamed", async () => {
    const requires = [...sampleManifest.api.requires, "log_input", "syslog_drain"];
    const { buy, provider, broken } = await openSimulation({
      manifest: { ...sampleManifest, api: { ...sampleManifest.api, requires } },
    });
    expect((await buy("basic")).status).toBe(201);
    const { log_input_url, log_drain_token } = provider.calls[0]?.body ?? {};
    expect(log_drain_token).toMatch(/^d\.[0-9a-f-]{36}$/);
    const { username, password, origin, pathname } = new URL(String(log_input_url));
    const authorization = `Basic ${Buffer.from(`${username}:${password}`).toString("base64")}`;
    const write = (headers: Record<string, string>) => fetch(`${origin}${pathname}`, { method: "POST", headers });
    expect((await write({ authorization })).status).toBe(204);
    expect((await write({})).status).toBe(404);
    expect(await broken()).toEqual(["log_drain_url_missing"]);
  });

  test("a finished add-on gives its app config vars under the attachment's name", async () => {
    const { ask, buy } = await openSimulation();
    const { body: first } = await buy("basic");
    const { body: second } = await buy("basic", { attachment: { name: "finder" } });
    const vars = await ask("GET", "/apps/demo/config-vars");
    expect(vars.body).toEqual({
      ...configOf(first.id),
      FINDER_URL: `https://search.example.com/${second.id}`,
      FINDER_API_KEY: `key-of-${second.id}`,
    });
    expect(second.config_vars).toEqual(["FINDER_URL", "FINDER_API_KEY"]);
  });

  test("the provider's message is shown only to whoever asks for it by the old header", async () => {
    const { ask } = await openSimulation();
    const order = { plan: { name: "quiet-search:basic" } };
    const without = await ask("POST", "/apps/demo/addons", order);
    const withHeader = await ask("POST", "/apps/demo/addons", order, LEGACY_MESSAGES);
    expect(without.body).not.toHaveProperty("provision_message");
    expect(withHeader.body.provision_message).toBe("Ready.");
  });

  test("plan and service are expanded on request", async () => {
    const { ask, buy } = await openSimulation();
    const { body } = await buy("basic");
    const plain = await ask("GET", `/addons/${body.name}`);
    const expanded = await ask("GET", `/addons/${body.name}`, undefined, { "accept-expansion": "addon_service,plan" });
    expect(plain.body.plan).not.toHaveProperty("price");
    expect(expanded.body.plan.price).toMatchObject({ cents: 900, unit: "month" });
    expect(expanded.body.addon_service.human_name).toBe("Quiet Search");
  });

  test("a refusal reaches the customer in the provider's words and leaves nothing behind", async () => {
    const { ask, buy, broken } = await openSimulation(
      answering("POST", () => ({ status: 422, body: { message: "Not today." } })),
    );
    const { status, body } = await buy("basic");
    expect(status).toBe(422);
    expect(body.message).toMatch(/create quiet-search:basic: Not today\.$/);
    expect((await ask("GET", "/addons")).body).toEqual([]);
    expect(await broken()).toEqual([]);
  });

  test("an unknown plan is refused without asking the provider", async () => {
    const { buy, provider } = await openSimulation();
    const { status, body } = await buy("golden");
    expect(status).toBe(422);
    expect(body.message).toMatch(/^Couldn't find either the add-on/);
    expect(provider.calls).toHaveLength(0);
  });

  test("an app in a region that the manifest does not name cannot buy", async () => {
    const { ask, provider } = await openSimulation();
    await ask("POST", "/apps", { name: "far-away", region: "tokyo" });
    const { status } = await ask("POST", "/apps/far-away/addons", { plan: "quiet-search:basic" });
    expect(status).toBe(422);
    expect(provider.calls).toHaveLength(0);
  });

  test("an app in Europe says so to the provider", async () => {
    const { ask, provider } = await openSimulation();
    await ask("POST", "/apps", { name: "near-by", region: "eu" });
    await ask("POST", "/apps/near-by/addons", { plan: "quiet-search:basic" });
    expect(provider.calls[0]?.body["region"]).toBe("amazon-web-services::eu-west-1");
  });
});

describe("changing the plan and removing", () => {
  test("the plan changes when the provider agrees, under the id that the provider gave", async () => {
    const { ask, buy, provider } = await openSimulation({
      twist: (call, honest) => {
        if (call.method === "POST") return { status: 200, body: { id: "its/own id" } };
        return call.method === "PUT" ? { status: 200, body: { config: { QUIET_SEARCH_API_KEY: "new" } } } : honest();
      },
    });
    const { body } = await buy("free");
    const changed = await ask("PATCH", `/apps/demo/addons/${body.name}`, { plan: { name: "quiet-search:basic" } });
    expect(changed.body.plan.name).toBe("quiet-search:basic");
    expect(provider.calls[1]).toMatchObject({
      method: "PUT",
      path: "/heroku/resources/its%2Fown%20id",
      body: { plan: "basic" },
    });
    expect((await ask("GET", "/apps/demo/config-vars")).body).toEqual({ QUIET_SEARCH_API_KEY: "new" });
  });

  test.each([
    ["refused", { status: 422, body: { message: "Downgrade first." } }, 422, /Downgrade first/, []],
    ["failed", { status: 502 }, 503, /try again/, ["status"]],
    ["answered with nonsense", { status: 200, body: "ok" }, 503, /try again/, ["body_not_json"]],
  ] as const)("a plan change that is %s leaves the plan", async (_name, answer, status, words, rules) => {
    const { ask, buy, broken } = await openSimulation(answering("PUT", () => answer));
    const { body } = await buy("free");
    const reply = await ask("PATCH", `/apps/demo/addons/${body.id}`, { plan: { name: "quiet-search:basic" } });
    expect(reply.status).toBe(status);
    expect(reply.body.message).toMatch(words);
    expect((await ask("GET", `/addons/${body.id}`)).body.plan.name).toBe("quiet-search:free");
    expect(await broken()).toEqual(rules);
  });

  test.each([200, 204, 404, 410])("%i to DELETE means that it is gone", async (status) => {
    const { ask, buy, broken } = await openSimulation(answering("DELETE", () => ({ status })));
    const { body } = await buy("free");
    const removed = await ask("DELETE", `/apps/${body.app.id}/addons/${body.id}`, { force: false });
    expect([removed.status, removed.body.state]).toEqual([200, "deprovisioned"]);
    expect((await ask("GET", `/addons/${body.id}`)).status).toBe(404);
    expect((await ask("GET", "/apps/demo/config-vars")).body).toEqual({});
    expect(await broken()).toEqual([]);
  });

  test("a DELETE that fails keeps the add-on and tells the customer", async () => {
    const { ask, buy, broken } = await openSimulation(answering("DELETE", () => ({ status: 500 })));
    const { body } = await buy("free");
    expect((await ask("DELETE", `/apps/demo/addons/${body.id}`)).status).toBe(503);
    expect((await ask("GET", `/addons/${body.id}`)).body.state).toBe("provisioned");
    expect(await broken()).toEqual(["status"]);
  });
});

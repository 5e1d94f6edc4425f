import { startSimulator } from "../src/simulator/simulator.ts";
import { openSimulation, type Simulation, type SimulationOptions } from "./support/open-simulation.ts";
import { sampleManifest } from "./support/sample-manifest.ts";
import { configOf, type TinyAnswer, type TinyCall } from "./support/tiny-provider.ts";

const opened: Simulation[] = [];

async function open(options?: SimulationOptions): Promise<Simulation> {
  const simulation = await openSimulation(options);
  opened.push(simulation);
  return simulation;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((simulation) => simulation.close()));
});

const LEGACY_MESSAGES = { "x-heroku-legacy-provider-messages": "true" };
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** A provider whose answer to one method is replaced. */
function answering(method: string, answer: (call: TinyCall) => TinyAnswer): SimulationOptions {
  return { twist: (call, honest) => (call.method === method ? answer(call) : honest()) };
}

describe("buying", () => {
  test("the provider gets the v3 request of the add-on platform", async () => {
    const { buy, provider, simulator } = await open();
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
    const { buy, provider, broken } = await open({
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
    const { ask, buy } = await open();
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
    const { ask } = await open();
    const order = { plan: { name: "quiet-search:basic" } };
    const without = await ask("POST", "/apps/demo/addons", order);
    const withHeader = await ask("POST", "/apps/demo/addons", order, LEGACY_MESSAGES);
    expect(without.body).not.toHaveProperty("provision_message");
    expect(withHeader.body.provision_message).toBe("Ready.");
  });

  test("plan and service are expanded on request", async () => {
    const { ask, buy } = await open();
    const { body } = await buy("basic");
    const plain = await ask("GET", `/addons/${body.name}`);
    const expanded = await ask("GET", `/addons/${body.name}`, undefined, { "accept-expansion": "addon_service,plan" });
    expect(plain.body.plan).not.toHaveProperty("price");
    expect(expanded.body.plan.price).toMatchObject({ cents: 900, unit: "month" });
    expect(expanded.body.addon_service.human_name).toBe("Quiet Search");
  });

  test("a refusal reaches the customer in the provider's words and leaves nothing behind", async () => {
    const { ask, buy, broken } = await open(
      answering("POST", () => ({ status: 422, body: { message: "Not today." } })),
    );
    const { status, body } = await buy("basic");
    expect(status).toBe(422);
    expect(body.message).toMatch(/create quiet-search:basic: Not today\.$/);
    expect((await ask("GET", "/addons")).body).toEqual([]);
    expect(await broken()).toEqual([]);
  });

  test("an unknown plan is refused without asking the provider", async () => {
    const { buy, provider } = await open();
    const { status, body } = await buy("golden");
    expect(status).toBe(422);
    expect(body.message).toMatch(/^Couldn't find either the add-on/);
    expect(provider.calls).toHaveLength(0);
  });

  test("an app in a region that the manifest does not name cannot buy", async () => {
    const { ask, provider } = await open();
    await ask("POST", "/apps", { name: "far-away", region: "tokyo" });
    const { status } = await ask("POST", "/apps/far-away/addons", { plan: "quiet-search:basic" });
    expect(status).toBe(422);
    expect(provider.calls).toHaveLength(0);
  });

  test("an app in Europe says so to the provider", async () => {
    const { ask, provider } = await open();
    await ask("POST", "/apps", { name: "near-by", region: "eu" });
    await ask("POST", "/apps/near-by/addons", { plan: "quiet-search:basic" });
    expect(provider.calls[0]?.body["region"]).toBe("amazon-web-services::eu-west-1");
  });
});

describe("what the provider does wrong while provisioning", () => {
  const good = { id: "x", config: {} };
  const cases: readonly (readonly [string, string, TinyAnswer])[] = [
    ["a server error", "status", { status: 500, body: { message: "Traceback" } }],
    ["our credentials refused", "status", { status: 401 }],
    ["a redirect", "status", { status: 302, headers: { location: "/elsewhere" } }],
    ["gone for a new uuid", "status", { status: 410, body: {} }],
    ["no JSON", "body_not_json", { status: 200, body: "<h1>ok</h1>" }],
    ["a JSON list", "body_not_json", { status: 200, body: [good] }],
    ["an empty body", "body_not_json", { status: 200 }],
    ["no id", "id_missing", { status: 200, body: { config: {} } }],
    ["an empty id", "id_missing", { status: 202, body: { id: "" } }],
    [
      "an undeclared config var",
      "config_undeclared",
      { status: 200, body: { ...good, config: { QUIET_SEARCH_HOST: "h" } } },
    ],
    ["an unprefixed config var", "config_unprefixed", { status: 200, body: { ...good, config: { URL: "http://h/" } } }],
    [
      "a config var that is a number",
      "config_not_text",
      { status: 200, body: { ...good, config: { QUIET_SEARCH_API_KEY: 7 } } },
    ],
    [
      "a URL that is none",
      "config_url_invalid",
      { status: 200, body: { ...good, config: { QUIET_SEARCH_URL: "h:/p" } } },
    ],
    ["config that is a list", "config_not_object", { status: 200, body: { ...good, config: [] } }],
  ];

  test.each(cases)("%s is an error for the customer and a verdict", async (_name, rule, answer) => {
    const { ask, buy, broken, lines } = await open(answering("POST", () => answer));
    const { status, body } = await buy("basic");
    expect(status).toBe(503);
    expect(body).toMatchObject({
      id: "service_unavailable",
      message: expect.stringMatching(/create quiet-search:basic: ./),
    });
    expect(await broken()).toContain(rule);
    expect(lines.some((line) => line.startsWith("✗ "))).toBe(true);
    expect((await ask("GET", "/apps/demo/addons")).body).toEqual([]);
    expect((await ask("GET", "/apps/demo/config-vars")).body).toEqual({});
  });

  test("a verdict points at the exchange", async () => {
    const { ask, buy } = await open(answering("POST", () => ({ status: 500 })));
    await buy("basic");
    const [verdict] = (await ask("GET", "/_verdicts")).body;
    const [exchange] = (await ask("GET", "/_exchanges")).body;
    expect(verdict).toMatchObject({ rule: "status", sentence: expect.stringContaining("500"), exchange: exchange.id });
    expect(exchange).toMatchObject({ direction: "to-provider", method: "POST", answer: { status: 500 } });
  });

  test("a provider that cannot be reached is named", async () => {
    const { buy, broken, provider } = await open();
    await provider.close();
    expect((await buy("basic")).status).toBe(503);
    expect(await broken()).toEqual(["unreachable"]);
  });

  test("an answer after the time limit counts as none, and DELETE is sent later until it succeeds", async () => {
    let deletes = 0;
    const { ask, buy, broken, until, provider } = await open({
      twist: (call, honest) => {
        if (call.method === "POST") return { ...honest(), afterMs: 400 };
        deletes += 1;
        return deletes < 3 ? { status: 503 } : honest();
      },
    });
    await ask("POST", "/_faults", { impatient: { value: 100, times: 1 } });
    expect((await buy("basic")).status).toBe(503);
    expect(await broken()).toEqual(["time_limit"]);
    for (const advance of ["6s", "31s", "121s"]) {
      const before = deletes;
      await ask("POST", "/_clock", { advance });
      await until("/_clock", () => deletes > before);
      await until("/_exchanges", ({ body }) => body[0].answer !== null);
    }
    await ask("POST", "/_clock", { advance: "1d" });
    await new Promise((resolve) => setTimeout(resolve, 50));
    expect(provider.calls.map(({ method }) => method)).toEqual(["POST", "DELETE", "DELETE", "DELETE"]);
  });

  test("a number as id is tolerated, as is a message that is no text", async () => {
    const { buy, broken } = await open(answering("POST", () => ({ status: 201, body: { id: 123, message: 1 } })));
    const { status, body } = await buy("basic");
    expect([status, body.provider_id, body.state]).toEqual([201, "123", "provisioned"]);
    expect(await broken()).toEqual(["message_not_text"]);
  });
});

describe("changing the plan and removing", () => {
  test("the plan changes when the provider agrees, under the id that the provider gave", async () => {
    const { ask, buy, provider } = await open({
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
    const { ask, buy, broken } = await open(answering("PUT", () => answer));
    const { body } = await buy("free");
    const reply = await ask("PATCH", `/apps/demo/addons/${body.id}`, { plan: { name: "quiet-search:basic" } });
    expect(reply.status).toBe(status);
    expect(reply.body.message).toMatch(words);
    expect((await ask("GET", `/addons/${body.id}`)).body.plan.name).toBe("quiet-search:free");
    expect(await broken()).toEqual(rules);
  });

  test.each([200, 204, 404, 410])("%i to DELETE means that it is gone", async (status) => {
    const { ask, buy, broken } = await open(answering("DELETE", () => ({ status })));
    const { body } = await buy("free");
    const removed = await ask("DELETE", `/apps/${body.app.id}/addons/${body.id}`, { force: false });
    expect([removed.status, removed.body.state]).toEqual([200, "deprovisioned"]);
    expect((await ask("GET", `/addons/${body.id}`)).status).toBe(404);
    expect((await ask("GET", "/apps/demo/config-vars")).body).toEqual({});
    expect(await broken()).toEqual([]);
  });

  test("a DELETE that fails keeps the add-on and tells the customer", async () => {
    const { ask, buy, broken } = await open(answering("DELETE", () => ({ status: 500 })));
    const { body } = await buy("free");
    expect((await ask("DELETE", `/apps/demo/addons/${body.id}`)).status).toBe(503);
    expect((await ask("GET", `/addons/${body.id}`)).body.state).toBe("provisioned");
    expect(await broken()).toEqual(["status"]);
  });
});

describe("attachments", () => {
  test("attach, see the variables, confirm a replacement, detach", async () => {
    const { ask, buy } = await open();
    const { body: one } = await buy("free");
    const { body: two } = await buy("free");
    const attach = (addon: string, more = {}) =>
      ask("POST", "/addon-attachments", { addon: { name: addon }, app: { name: "other" }, name: "find", ...more });
    expect((await attach(one.name)).status).toBe(201);
    const clash = await attach(two.name);
    expect([clash.status, clash.body.id]).toEqual([423, "confirmation_required"]);
    expect((await attach(two.name, { confirm: "other" })).status).toBe(201);
    expect((await ask("GET", "/apps/other/config-vars")).body.FIND_API_KEY).toBe(`key-of-${two.id}`);
    const { body: attachment } = await ask("GET", "/apps/other/addon-attachments/FIND");
    expect((await ask("DELETE", `/addon-attachments/${attachment.id}`)).status).toBe(200);
    expect((await ask("GET", "/apps/other/config-vars")).body).toEqual({});
  });

  test("an add-on that other apps use is removed only by force", async () => {
    const { ask, buy } = await open();
    const { body } = await buy("free");
    await ask("POST", "/addon-attachments", { addon: { name: body.name }, app: { name: "other" } });
    expect((await ask("DELETE", `/apps/demo/addons/${body.id}`, { force: false })).status).toBe(422);
    expect((await ask("DELETE", `/apps/demo/addons/${body.id}`, { force: true })).status).toBe(200);
  });

  test("several matches of a name are all returned, none is a 404 that names the resource", async () => {
    const { ask, buy } = await open();
    await buy("free");
    await buy("free");
    const resolve = (addon: string) => ask("POST", "/actions/addons/resolve", { addon, app: "demo" });
    expect((await resolve("quiet-search")).body).toHaveLength(2);
    expect((await resolve("nothing")).body).toMatchObject({ id: "not_found", resource: "add_on" });
  });

  test("lists are cut into pages by Range", async () => {
    const { ask, buy } = await open();
    for (const name of ["bb", "aa", "cc"]) await buy("free", { name });
    const first = await ask("GET", "/addons", undefined, { range: "name ..; max=2" });
    expect([first.status, first.body.map(({ name }: { name: string }) => name)]).toEqual([206, ["aa", "bb"]]);
    const next = await ask("GET", "/addons", undefined, { range: first.headers.get("next-range") ?? "" });
    expect([next.status, next.body.map(({ name }: { name: string }) => name)]).toEqual([200, ["cc"]]);
    const newest = await ask("GET", "/apps/demo/releases", undefined, { range: "version ..; max=1, order=desc" });
    expect([newest.status, newest.body[0].version]).toEqual([206, 4]);
  });
});

describe("faults on the way to the provider", () => {
  test("repeat sends each call several times at once; equal answers are no fault of the provider", async () => {
    const { ask, buy, broken, provider } = await open();
    await ask("POST", "/_faults", { repeat: 4 });
    const { body } = await buy("basic");
    await ask("DELETE", `/apps/demo/addons/${body.id}`);
    expect(provider.calls.map(({ method }) => method).join(" ")).toBe(
      "POST POST POST POST DELETE DELETE DELETE DELETE",
    );
    expect(new Set(provider.calls.slice(0, 4).map(({ text }) => text)).size).toBe(1);
    expect(await broken()).toEqual([]);
  });

  test.each([
    ["another id", (n: number): TinyAnswer => ({ status: 200, body: { id: `id-${n}` } })],
    [
      "other config vars",
      (n: number): TinyAnswer => ({ status: 200, body: { id: "x", config: { QUIET_SEARCH_API_KEY: `${n}` } } }),
    ],
    ["a conflict", (n: number): TinyAnswer => (n === 1 ? { status: 200, body: { id: "x" } } : { status: 409 })],
  ])("a repeated provision that is answered with %s is blamed", async (_name, answer) => {
    let count = 0;
    const countUp = (): TinyAnswer => {
      count += 1;
      return answer(count);
    };
    const { ask, buy, broken } = await open(answering("POST", countUp));
    await ask("POST", "/_faults", { repeat: { value: 2, times: 1 } });
    await buy("basic");
    expect(await broken()).toContain("repeat_differs");
  });

  test("a dropped answer is asked for again, with another grant", async () => {
    const { ask, buy, provider, broken } = await open();
    await ask("POST", "/_faults", { drop_answer: { times: 1 } });
    expect((await buy("basic")).body.state).toBe("provisioned");
    const [first, second] = provider.calls.map(({ body }) => body);
    expect(second?.["uuid"]).toBe(first?.["uuid"]);
    expect(second?.["oauth_grant"]).not.toEqual(first?.["oauth_grant"]);
    expect(await broken()).toEqual([]);
    expect((await ask("GET", "/_faults")).body.drop_answer).toBeNull();
  });

  test("reorder sends DELETE before the provision is answered, and the add-on ends as gone", async () => {
    const { ask, buy, provider, until } = await open({
      twist: (call, honest) => (call.method === "POST" ? { ...honest(), afterMs: 200 } : honest()),
    });
    await ask("POST", "/_faults", { reorder: { times: 1 } });
    expect((await buy("basic")).body.state).toBe("deprovisioned");
    expect(provider.calls.map(({ method }) => method)).toEqual(["POST", "DELETE"]);
    expect((await ask("GET", "/addons")).body).toEqual([]);
    await ask("POST", "/_clock", { advance: "6s" });
    await until("/_exchanges", () => provider.calls.length === 3);
  });

  test("410 to a provision that was overtaken by its DELETE is no fault of the provider", async () => {
    const { ask, buy, broken } = await open(answering("POST", () => ({ status: 410, body: {}, afterMs: 200 })));
    await ask("POST", "/_faults", { reorder: { times: 1 } });
    expect((await buy("basic")).body.state).toBe("deprovisioned");
    expect(await broken()).toEqual([]);
  });

  test("delay holds the call back", async () => {
    const { ask, buy } = await open();
    await ask("POST", "/_faults", { delay: { value: 150, times: 1 } });
    const began = performance.now();
    await buy("basic");
    expect(performance.now() - began).toBeGreaterThan(140);
  });

  test("an unknown fault or a setting that is none changes nothing", async () => {
    const { ask } = await open();
    expect((await ask("POST", "/_faults", { repeat: 2, flood: true })).status).toBe(400);
    expect((await ask("POST", "/_faults", { repeat: { times: 0 } })).status).toBe(400);
    expect(Object.values((await ask("GET", "/_faults")).body).every((setting) => setting === null)).toBe(true);
  });
});

describe("the simulator itself", () => {
  test("the clock moves on, is set, and returns to real time", async () => {
    const { ask } = await open();
    const ahead = async (): Promise<number> => Date.parse((await ask("GET", "/_clock")).body.now) - Date.now();
    await ask("POST", "/_clock", { advance: "90s" });
    await ask("POST", "/_clock", { advance: "PT1H" });
    expect(Math.round((await ahead()) / 1_000)).toBe(3_690);
    await ask("POST", "/_clock", { now: "2030-01-01T00:00:00Z" });
    expect((await ask("GET", "/_clock")).body.now).toMatch(/^2030-01-01T00:00:0/);
    await ask("POST", "/_clock", { reset: true });
    expect(Math.abs(await ahead())).toBeLessThan(1_000);
    expect((await ask("POST", "/_clock", { advance: "soon" })).status).toBe(400);
  });

  test("no secret is kept in the exchanges", async () => {
    const { ask, buy, until } = await open({ finishes: true });
    const { body } = await buy("slow");
    await buy("basic");
    await until(`/addons/${body.id}`, (reply) => reply.body.state === "provisioned");
    const shown = JSON.stringify((await ask("GET", "/_exchanges")).body);
    const [, basic] = (await ask("GET", "/addons")).body;
    for (const secret of [
      `key-of-${body.id}`,
      `key-of-${basic.id}`,
      "client-secret-of-the-tests",
      "sim-refresh-0",
      "of-the-tests",
    ]) {
      expect(shown).not.toContain(secret);
    }
    expect(shown).not.toMatch(/sim-(access|refresh)-[0-9a-f]{8}/);
    expect(shown).toContain("QUIET_SEARCH_API_KEY");
  });

  test("the page shows catalogue, add-ons and exchanges, and its forms work without scripts", async () => {
    const { simulator, ask } = await open();
    const form = new URLSearchParams({
      app: "demo",
      plan: "quiet-search:basic",
      options: "size=3\nfast",
      name: "from-page",
    });
    const bought = await fetch(`${simulator.origin}/_heroku/buy`, { method: "POST", body: form, redirect: "manual" });
    expect([bought.status, bought.headers.get("location")]).toEqual([303, "/"]);
    const { body: page, headers } = await ask("GET", "/");
    for (const text of ["Buy Quiet Search", "$9 a month", "from-page", "QUIET_SEARCH_URL", "/heroku/resources"]) {
      expect(page).toContain(text);
    }
    expect(page).not.toMatch(/<script(?![^>]*src=)|style=|onclick=/);
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
    const { body: addon } = await ask("GET", "/addons/from-page");
    const removed = await fetch(`${simulator.origin}/_heroku/addons/${addon.id}/remove`, {
      method: "POST",
      redirect: "manual",
    });
    expect(removed.status).toBe(303);
    expect((await ask("GET", "/addons")).body).toEqual([]);
  });

  test("names from outside are text on the page, never markup", async () => {
    const { ask, buy } = await open(answering("POST", () => ({ status: 422, body: { message: "<img src=x>" } })));
    await buy("basic", { config: { "<b>": "<i>" } });
    expect((await ask("GET", "/")).body).not.toMatch(/<img|<b>|<i>/);
  });

  test("a page of another origin cannot press the buttons", async () => {
    const { ask, provider } = await open();
    const origin = { origin: "http://elsewhere.example" };
    expect((await ask("POST", "/_reset", {}, origin)).status).toBe(403);
    expect((await ask("POST", "/_heroku/buy", { app: "demo", plan: "quiet-search:free" }, origin)).status).toBe(403);
    expect(provider.calls).toHaveLength(0);
  });

  test("reset forgets purchases, faults, the clock and what passed", async () => {
    const { ask, buy } = await open();
    await buy("basic");
    await ask("POST", "/_faults", { repeat: 2 });
    await ask("POST", "/_clock", { advance: "2d" });
    await ask("POST", "/_reset");
    expect((await ask("GET", "/addons")).body).toEqual([]);
    expect((await ask("GET", "/_exchanges")).body).toEqual([]);
    expect((await ask("GET", "/_faults")).body.repeat).toBeNull();
    expect((await ask("GET", "/apps")).body.map(({ name }: { name: string }) => name)).toEqual(["demo", "team-demo"]);
  });

  test("a port that is taken, and a manifest that cannot be used, are errors at start", async () => {
    const { simulator } = await open();
    const start = (port: number, manifest: typeof sampleManifest) =>
      startSimulator({ port, manifest, clientSecret: "s" });
    await expect(start(Number(new URL(simulator.origin).port), sampleManifest)).rejects.toMatchObject({
      code: "config_invalid",
    });
    const saltless = { ...sampleManifest, api: { ...sampleManifest.api, sso_salt: "" } };
    await expect(start(0, saltless)).rejects.toThrow("/api/sso_salt");
  });

  test("a body that is no JSON is refused, and an unknown address is a 404", async () => {
    const { simulator, ask } = await open();
    const headers = { "content-type": "application/json" };
    const broken = await fetch(`${simulator.origin}/apps/demo/addons`, { method: "POST", headers, body: "{" });
    expect(broken.status).toBe(400);
    expect((await ask("GET", "/nowhere")).body.id).toBe("not_found");
  });
});

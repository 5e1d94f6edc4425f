import { createHash, createHmac } from "node:crypto";
import { openSimulation, type Reply, type Simulation, type SimulationOptions } from "./support/open-simulation.ts";
import { CLIENT_SECRET, sampleManifest } from "./support/sample-manifest.ts";
import { configOf, type TinyCall } from "./support/tiny-provider.ts";

const opened: Simulation[] = [];

async function open(options?: SimulationOptions): Promise<Simulation> {
  const simulation = await openSimulation(options);
  opened.push(simulation);
  return simulation;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((simulation) => simulation.close()));
});

type Send = (method: string, path: string, body?: unknown) => Promise<Reply>;

interface Bought {
  readonly id: string;
  readonly name: string;
  /** Asks with the add-on's own token. */
  readonly asProvider: Send;
  readonly tokens: Readonly<Record<string, unknown>>;
}

function exchangeCode(simulation: Simulation, code: unknown, secret = CLIENT_SECRET): Promise<Reply> {
  const body = { grant_type: "authorization_code", code, client_secret: secret };
  return simulation.ask("POST", "/oauth/token", body);
}

function codeOf(call: TinyCall | undefined): unknown {
  return Object(call?.body["oauth_grant"]).code;
}

/** Buys, and exchanges the grant that came with it. */
async function buyWithToken(simulation: Simulation, plan: string, app = "demo"): Promise<Bought> {
  const { body } = await simulation.ask("POST", `/apps/${app}/addons`, { plan: `quiet-search:${plan}` });
  const { body: tokens } = await exchangeCode(simulation, codeOf(simulation.provider.calls.at(-1)));
  const headers = { authorization: `Bearer ${tokens.access_token}` };
  const asProvider: Send = (method, path, sent) => simulation.ask(method, path, sent, headers);
  return { id: body.id, name: body.name, asProvider, tokens };
}

describe("tokens", () => {
  test("a code gives tokens once, and the refresh token gives more", async () => {
    const simulation = await open();
    const { tokens, asProvider, id } = await buyWithToken(simulation, "basic");
    expect(tokens).toMatchObject({ expires_in: 28_799, token_type: "Bearer", session_nonce: null });
    expect((await asProvider("GET", `/addons/${id}`)).status).toBe(200);
    expect((await exchangeCode(simulation, codeOf(simulation.provider.calls[0]))).status).toBe(400);
    const form = {
      grant_type: "refresh_token",
      refresh_token: String(tokens["refresh_token"]),
      client_secret: CLIENT_SECRET,
    };
    const refreshed = await fetch(`${simulation.simulator.origin}/oauth/token?${new URLSearchParams(form)}`, {
      method: "POST",
    });
    const { access_token } = Object(await refreshed.json());
    expect(access_token).not.toBe(tokens["access_token"]);
    const headers = { authorization: `Bearer ${access_token}` };
    expect((await simulation.ask("GET", `/addons/${id}/config`, undefined, headers)).status).toBe(200);
  });

  test("a code lives five minutes of the simulator's clock", async () => {
    const simulation = await open();
    await simulation.buy("basic");
    await simulation.buy("basic");
    const [first, second] = simulation.provider.calls.map(codeOf);
    await simulation.ask("POST", "/_clock", { advance: "295s" });
    expect((await exchangeCode(simulation, first)).status).toBe(200);
    await simulation.ask("POST", "/_clock", { advance: "6s" });
    expect((await exchangeCode(simulation, second)).body.id).toBe("invalid_grant");
  });

  test("a wrong client secret is refused and blamed, and does not use the code up", async () => {
    const simulation = await open();
    await simulation.buy("basic");
    const code = codeOf(simulation.provider.calls[0]);
    expect((await exchangeCode(simulation, code, "guess")).status).toBe(401);
    expect(await simulation.broken()).toEqual(["client_secret"]);
    expect((await exchangeCode(simulation, code)).status).toBe(200);
  });

  test("an access token ends after eight hours, an unknown one never begins", async () => {
    const simulation = await open();
    const { asProvider, id } = await buyWithToken(simulation, "basic");
    await simulation.ask("POST", "/_clock", { advance: "28798s" });
    expect((await asProvider("GET", `/addons/${id}`)).status).toBe(200);
    await simulation.ask("POST", "/_clock", { advance: "2s" });
    expect((await asProvider("GET", `/addons/${id}`)).status).toBe(401);
    for (const authorization of ["Bearer sim-access-0", "Bearer undefined", "Bearer "]) {
      expect((await simulation.ask("GET", `/addons/${id}`, undefined, { authorization })).status).toBe(401);
    }
  });

  test("the expire_grant fault hands out codes that are too old", async () => {
    const simulation = await open();
    await simulation.ask("POST", "/_faults", { expire_grant: true });
    await simulation.buy("basic");
    const { expires_at } = Object(simulation.provider.calls[0]?.body["oauth_grant"]);
    expect(Date.parse(expires_at)).toBeLessThan(Date.now());
    expect((await exchangeCode(simulation, codeOf(simulation.provider.calls[0]))).status).toBe(400);
  });

  test("a token sees its own add-on and apps, and nothing else", async () => {
    const simulation = await open();
    const mine = await buyWithToken(simulation, "basic");
    const theirs = await buyWithToken(simulation, "basic", "theirs");
    const statuses = await Promise.all(
      [
        `/addons/${mine.id}`,
        "/apps/demo",
        "/apps/demo/addon-attachments",
        `/addons/${theirs.id}`,
        `/addons/${theirs.id}/config`,
        "/apps/theirs",
        "/apps/theirs/collaborators",
        "/teams/acme/members",
        "/apps/demo/config-vars",
        "/apps/demo/formation",
      ].map(async (path) => (await mine.asProvider("GET", path)).status),
    );
    expect(statuses).toEqual([200, 200, 200, 404, 404, 403, 403, 403, 403, 403]);
    expect((await mine.asProvider("GET", "/addons")).body).toHaveLength(1);
    expect((await simulation.ask("GET", `/addons/${mine.id}/config`)).status).toBe(401);
  });

  test("the tokens of a removed add-on find nothing and are not renewed", async () => {
    const simulation = await open();
    const { asProvider, id, tokens } = await buyWithToken(simulation, "basic");
    await simulation.ask("DELETE", `/apps/demo/addons/${id}`);
    expect((await asProvider("GET", `/addons/${id}`)).status).toBe(404);
    expect((await asProvider("PATCH", `/addons/${id}/config`, { config: [] })).status).toBe(404);
    const form = { grant_type: "refresh_token", refresh_token: tokens["refresh_token"], client_secret: CLIENT_SECRET };
    expect((await simulation.ask("POST", "/oauth/token", form)).status).toBe(400);
  });
});

describe("provisioning in the background", () => {
  test("202 is followed by the provider's own calls, and then the app has its config vars", async () => {
    const { buy, ask, until, provider } = await open({ finishes: true });
    const { status, body } = await buy("slow");
    expect([status, body.state]).toEqual([201, "provisioning"]);
    expect((await ask("GET", "/apps/demo/config-vars")).body).toEqual({});
    await until(`/apps/demo/addons/${body.name}`, (reply) => reply.body.state === "provisioned");
    expect((await ask("GET", "/apps/demo/config-vars")).body).toEqual(configOf(body.id));
    await until("/_clock", () => provider.asked.length === 3);
    expect(provider.asked).toEqual([
      "POST /oauth/token 200",
      "PATCH /addons/:uuid/config 200",
      "POST /addons/:uuid/actions/provision 200",
    ]);
  });

  test("what is not finished within twelve hours is removed, blamed and deleted at the provider", async () => {
    const { buy, ask, broken, until, provider } = await open();
    const { body } = await buy("slow");
    await ask("POST", "/_clock", { advance: "11h" });
    expect((await ask("GET", `/addons/${body.id}`)).body.state).toBe("provisioning");
    await ask("POST", "/_clock", { advance: "1h" });
    expect((await ask("GET", `/apps/demo/addons/${body.name}`)).body.state).toBe("deprovisioned");
    expect((await ask("GET", "/apps/demo/addons")).body).toEqual([]);
    expect(await broken()).toEqual(["provision_unfinished"]);
    await ask("POST", "/_clock", { advance: "5s" });
    await until("/_clock", () => provider.calls.at(-1)?.method === "DELETE");
  });

  test("the provider may give up; whoever waits sees the add-on as errored", async () => {
    const simulation = await open();
    const { asProvider, id, name } = await buyWithToken(simulation, "slow");
    expect((await asProvider("POST", `/addons/${id}/actions/deprovision`)).body.state).toBe("deprovisioned");
    expect((await simulation.ask("GET", `/apps/demo/addons/${name}`)).body.state).toBe("deprovisioned");
    expect((await asProvider("POST", `/addons/${id}/actions/provision`)).status).toBe(404);
    expect((await simulation.ask("PATCH", `/apps/demo/addons/${name}`, { name: "other" })).status).toBe(404);
  });

  test("the provision action said twice is answered twice", async () => {
    const simulation = await open();
    const { asProvider, id } = await buyWithToken(simulation, "slow");
    const statuses = [1, 2].map(async () => (await asProvider("POST", `/addons/${id}/actions/provision`)).body.state);
    expect(await Promise.all(statuses)).toEqual(["provisioned", "provisioned"]);
    expect((await asProvider("POST", `/addons/${id}/actions/deprovision`)).status).toBe(422);
  });

  test("an action that overtakes the 202 is not lost", async () => {
    const simulation = await open({
      twist: (call, honest) => {
        if (call.method !== "POST") return honest();
        void exchangeCode(simulation, codeOf(call)).then(({ body }) => {
          const headers = { authorization: `Bearer ${body.access_token}` };
          return simulation.ask("POST", `/addons/${String(call.body["uuid"])}/actions/provision`, undefined, headers);
        });
        return { status: 202, body: { id: "early" }, afterMs: 300 };
      },
    });
    const { body } = await simulation.buy("slow");
    expect([body.state, body.provider_id]).toEqual(["provisioned", "early"]);
    await simulation.ask("POST", "/_clock", { advance: "13h" });
    expect((await simulation.ask("GET", `/addons/${body.id}`)).body.state).toBe("provisioned");
  });
});

describe("config vars from the provider", () => {
  test("a change reaches every attached app as a release; null takes away", async () => {
    const simulation = await open();
    const { asProvider, id, name } = await buyWithToken(simulation, "basic");
    await simulation.ask("POST", "/addon-attachments", { addon: { name }, app: { name: "other" }, name: "FIND" });
    const config = [
      { name: "QUIET_SEARCH_API_KEY", value: "new" },
      { name: "QUIET_SEARCH_URL", value: null },
    ];
    const patched = await asProvider("PATCH", `/addons/${id}/config`, { config });
    expect(patched.body).toEqual([{ name: "QUIET_SEARCH_API_KEY", value: "new" }]);
    expect((await simulation.ask("GET", "/apps/demo/config-vars")).body).toEqual({ QUIET_SEARCH_API_KEY: "new" });
    expect((await simulation.ask("GET", "/apps/other/config-vars")).body).toEqual({ FIND_API_KEY: "new" });
    const releases = await simulation.ask("GET", "/apps/other/releases");
    expect(releases.body).toHaveLength(3);
  });

  test.each([
    ["undeclared", { name: "QUIET_SEARCH_HOST", value: "h" }, "config_undeclared"],
    ["no text", { name: "QUIET_SEARCH_API_KEY", value: 3 }, "config_not_text"],
    ["a URL that is none", { name: "QUIET_SEARCH_URL", value: "here" }, "config_url_invalid"],
  ])("one that is %s is refused with the others and blamed", async (_name, wrong, rule) => {
    const simulation = await open();
    const { asProvider, id } = await buyWithToken(simulation, "basic");
    const config = [{ name: "QUIET_SEARCH_API_KEY", value: "new" }, wrong].toReversed();
    expect((await asProvider("PATCH", `/addons/${id}/config`, { config })).status).toBe(422);
    expect(await simulation.broken()).toEqual([rule]);
    expect((await simulation.ask("GET", "/apps/demo/config-vars")).body).toEqual(configOf(id));
  });
});

describe("people", () => {
  test("the owner and the collaborators of an app, and the members of a team", async () => {
    const simulation = await open();
    const mine = await buyWithToken(simulation, "basic");
    const emails = ({ body }: Reply): string[] => body.map((row: { user: { email: string } }) => row.user.email);
    expect((await mine.asProvider("GET", "/apps/demo")).body.owner.email).toBe("customer@example.com");
    await simulation.ask("POST", "/apps/demo/collaborators", { user: "new@example.com" });
    expect(emails(await mine.asProvider("GET", "/apps/demo/collaborators"))).toEqual([
      "customer@example.com",
      "colleague@example.com",
      "new@example.com",
    ]);
    const ofTeam = await buyWithToken(simulation, "basic", "team-demo");
    expect((await ofTeam.asProvider("GET", "/apps/team-demo")).body.team.name).toBe("acme");
    expect(emails(await ofTeam.asProvider("GET", "/teams/acme/members"))).toContain("colleague@example.com");
  });
});

describe("webhooks", () => {
  const hooks = ({ provider }: Simulation): readonly TinyCall[] =>
    provider.calls.filter(({ path }) => path === "/hooks");

  /** A provider that takes events at /hooks with the status it is told. */
  function taking(status: () => number): SimulationOptions {
    return { twist: (call, honest) => (call.path === "/hooks" ? { status: status() } : honest()) };
  }

  test("events come signed with the secret that was generated for the subscription", async () => {
    const simulation = await open(taking(() => 204));
    const { asProvider, id } = await buyWithToken(simulation, "free");
    const url = `${simulation.provider.origin}/hooks`;
    const wanted = {
      include: ["api:addon", "api:collaborator", "api:app"],
      level: "notify",
      url,
      authorization: "Bearer hook",
    };
    const subscribed = await asProvider("POST", `/addons/${id}/webhooks`, wanted);
    const secret = subscribed.headers.get("heroku-webhook-secret") ?? "";
    expect([subscribed.status, secret.length > 30]).toEqual([201, true]);
    expect(JSON.stringify(subscribed.body)).not.toContain(secret);
    await simulation.ask("PATCH", `/apps/demo/addons/${id}`, { plan: { name: "quiet-search:basic" } });
    await simulation.ask("POST", "/apps/demo/collaborators", { user: "new@example.com" });
    await simulation.until("/_clock", () => hooks(simulation).length === 2);
    await simulation.ask("PATCH", "/apps/demo", { name: "renamed" });
    await simulation.until("/_clock", () => hooks(simulation).length === 3);
    const [first, second, third] = hooks(simulation);
    expect(third?.body).toMatchObject({ action: "update", resource: "app", data: { name: "renamed" } });
    expect(first?.headers["heroku-webhook-hmac-sha256"]).toBe(
      createHmac("sha256", secret)
        .update(first?.text ?? "")
        .digest("base64"),
    );
    expect(first?.headers.authorization).toBe("Bearer hook");
    expect(first?.body).toMatchObject({
      action: "update",
      resource: "addon",
      data: { id, plan: { name: "quiet-search:basic" } },
    });
    expect(second?.body).toMatchObject({ action: "create", resource: "collaborator", sequence: "2" });
  });

  test("a notify event is tried once, a sync event again and in order", async () => {
    let status = 500;
    const simulation = await open(taking(() => status));
    const { asProvider, id } = await buyWithToken(simulation, "free");
    const subscribe = (level: string, secret: string) =>
      asProvider("POST", `/addons/${id}/webhooks`, {
        include: ["api:addon"],
        level,
        secret,
        url: `${simulation.provider.origin}/hooks`,
      });
    const { body: notify } = await subscribe("notify", "own-secret");
    await simulation.ask("PATCH", `/apps/demo/addons/${id}`, { name: "first-name" });
    await simulation.until("/_verdicts", ({ body }) => body.length === 1);
    await asProvider("DELETE", `/addons/${id}/webhooks/${notify.id}`);
    await simulation.ask("POST", "/_clock", { advance: "2h" });
    expect(hooks(simulation)).toHaveLength(1);
    await subscribe("sync", "own-secret");
    await simulation.ask("PATCH", `/apps/demo/addons/${id}`, { name: "second-name" });
    await simulation.ask("PATCH", `/apps/demo/addons/${id}`, { name: "third-name" });
    await simulation.until("/_exchanges", ({ body }) => body[0].url.endsWith("/hooks") && body[0].answer !== null);
    expect(hooks(simulation)).toHaveLength(2);
    status = 204;
    await simulation.ask("POST", "/_clock", { advance: "3s" });
    await simulation.until("/_clock", () => hooks(simulation).length === 4);
    const names = hooks(simulation).map(({ body }) => Object(body["data"]).name);
    expect(names).toEqual(["first-name", "second-name", "second-name", "third-name"]);
    const deliveries = await asProvider("GET", `/addons/${id}/webhook-deliveries`);
    expect(deliveries.body.map((row: { num_attempts: number }) => row.num_attempts)).toEqual([1, 2, 1]);
  });

  test.each([
    [{ include: [], level: "notify" }],
    [{ include: ["api:build"], level: "notify" }],
    [{ include: ["api:addon"], level: "loud" }],
    [{ include: ["api:addon"], level: "sync", url: "mailto:a@b" }],
  ])("a subscription that asks for %j is refused", async (wanted) => {
    const simulation = await open();
    const { asProvider, id } = await buyWithToken(simulation, "free");
    expect(
      (await asProvider("POST", `/addons/${id}/webhooks`, { url: "http://127.0.0.1/hooks", ...wanted })).status,
    ).toBe(422);
    expect((await asProvider("GET", `/addons/${id}/webhooks`)).body).toEqual([]);
  });
});

describe("signing in", () => {
  test("the form carries all three tokens over what it shows", async () => {
    const { ask, buy, provider } = await open();
    const { body: addon } = await buy("basic");
    const { body: form } = await ask("GET", `/apps/demo/addons/${addon.name}/sso`);
    const { params } = form;
    const sign = (kind: string, ...parts: string[]): string => createHash(kind).update(parts.join(":")).digest("hex");
    const salt = sampleManifest.api.sso_salt;
    expect(form).toMatchObject({ method: "post", action: `${provider.origin}/heroku/sso` });
    expect(params).toMatchObject({
      id: addon.provider_id,
      resource_id: addon.id,
      email: "customer@example.com",
      app: "demo",
      context_app: "demo",
      token: sign("sha1", addon.provider_id, salt, params.timestamp),
      resource_token: sign("sha1", addon.id, salt, params.timestamp),
      user_scoped_resource_token: sign("sha256", addon.id, salt, params.timestamp, params.user_id, params.email),
    });
    expect(JSON.parse(Buffer.from(params["nav-data"], "base64url").toString())).toMatchObject({ appname: "demo" });
    expect(Math.abs(Number(params.timestamp) - Date.now() / 1_000)).toBeLessThan(5);
  });

  test("the tokens follow the test vectors of the format", async () => {
    const salt = "2f97bfa52ca102f8874716e2eb1d3b4920ad0be4";
    const manifest = { ...sampleManifest, api: { ...sampleManifest.api, sso_salt: salt } };
    const twist = (call: TinyCall, honest: () => { status: number }) =>
      call.method === "POST" ? { status: 200, body: { id: 123 } } : honest();
    const { ask, buy } = await open({ manifest, twist });
    const { body: addon } = await buy("basic");
    await ask("POST", "/_clock", { now: new Date(1_267_597_772_000).toISOString() });
    const { body: form } = await ask("GET", `/addons/${addon.id}/sso`);
    expect(form.params).toMatchObject({ timestamp: "1267597772", token: "bb466eb1d6bc345d11072c3cd25c311f21be130d" });
  });

  test("web_url is a page that posts the form, and works without scripts by a button", async () => {
    const { ask, buy, provider, simulator } = await open();
    const { body: addon } = await buy("basic");
    await ask("POST", "/addon-attachments", { addon: { name: addon.name }, app: { name: "other" }, name: "FIND" });
    const { body: found } = await ask("POST", "/actions/addon-attachments/resolve", {
      addon_attachment: "FIND",
      app: "other",
    });
    const { body: page, status } = await ask("GET", found[0].web_url.slice(simulator.origin.length));
    expect(status).toBe(200);
    expect(page).toMatch(/<button[^>]*type="submit"/);
    expect(page).not.toMatch(/<script(?![^>]*src=)/);
    const fields = [...page.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [
      name,
      value,
    ]);
    expect(Object.fromEntries(fields)).toMatchObject({ app: "demo", context_app: "other" });
    const [, action = ""] = /action="([^"]+)"/.exec(page) ?? [];
    const signedIn = await fetch(action, { method: "POST", body: new URLSearchParams(fields), redirect: "manual" });
    expect([action, signedIn.status]).toEqual([`${provider.origin}/heroku/sso`, 302]);
  });

  test("the clock_skew fault and the clock move the timestamp", async () => {
    const { ask, buy } = await open();
    const { body: addon } = await buy("basic");
    const offset = async (): Promise<number> => {
      const { body } = await ask("GET", `/addons/${addon.id}/sso`);
      return Math.round(Number(body.params.timestamp) - Date.now() / 1_000);
    };
    await ask("POST", "/_faults", { clock_skew: { value: -360, times: 1 } });
    expect(Math.abs((await offset()) + 360)).toBeLessThan(3);
    await ask("POST", "/_clock", { advance: "1h" });
    expect(Math.abs((await offset()) - 3_600)).toBeLessThan(3);
  });

  test("nobody signs in to an add-on that is gone", async () => {
    const { ask, buy } = await open();
    const { body: addon } = await buy("basic");
    await ask("DELETE", `/apps/demo/addons/${addon.id}`);
    expect((await ask("GET", `/sso/${addon.id}`)).status).toBe(404);
    expect((await ask("GET", `/addons/${addon.id}/sso`)).status).toBe(404);
  });
});

describe("faults that meet the provider", () => {
  test.each([
    ["platform_down", 503, "service_unavailable"],
    ["rate_limit", 429, "rate_limit"],
    ["gone", 404, "not_found"],
  ])("%s answers the provider %i as often as asked, and never the customer", async (fault, status, id) => {
    const simulation = await open();
    const bought = await buyWithToken(simulation, "basic");
    await simulation.ask("POST", "/_faults", { [fault]: { times: 2 } });
    expect((await simulation.ask("GET", `/addons/${bought.id}`)).status).toBe(200);
    const answers = [
      await bought.asProvider("GET", `/addons/${bought.id}/config`),
      await simulation.ask("POST", "/oauth/token", {}),
      await bought.asProvider("GET", `/addons/${bought.id}/config`),
    ];
    expect(answers.map((answer) => answer.status)).toEqual([status, status, 200]);
    expect(answers[0]?.body.id).toBe(id);
  });

  test("platform_slow lets the provider wait", async () => {
    const simulation = await open();
    const { asProvider, id } = await buyWithToken(simulation, "basic");
    await simulation.ask("POST", "/_faults", { platform_slow: { value: 200, times: 1 } });
    const began = performance.now();
    expect((await asProvider("GET", `/addons/${id}`)).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(190);
  });

  test("what the provider asks is recorded with its answer", async () => {
    const simulation = await open();
    const { asProvider, id, name } = await buyWithToken(simulation, "basic");
    await asProvider("PATCH", `/addons/${id}/config`, {
      config: [{ name: "QUIET_SEARCH_API_KEY", value: "secret-value" }],
    });
    const [exchange] = (await simulation.ask("GET", "/_exchanges")).body;
    expect(exchange).toMatchObject({
      direction: "from-provider",
      about: name,
      method: "PATCH",
      answer: { status: 200 },
    });
    expect(JSON.stringify(exchange)).not.toContain("secret-value");
  });
});

describe("the manifest server", () => {
  const { catalog: _catalog, ...contents } = sampleManifest;

  test("a pushed manifest comes back with its version and takes effect", async () => {
    const { ask, buy } = await open();
    const before = await ask("GET", "/api/v3/addons/quiet-search/current_manifest");
    expect(before.body.contents).toEqual({ ...contents, $base: 1 });
    const api = { ...contents.api, config_vars: ["QUIET_SEARCH_API_KEY"] };
    const pushed = await ask("POST", "/api/v3/addons/quiet-search/manifests", {
      contents: { ...before.body.contents, api },
    });
    expect(pushed.body.contents).toEqual({ ...contents, api, $base: 2 });
    const { body: list } = await ask("GET", "/api/v3/addons/quiet-search/manifests");
    expect(list).toHaveLength(2);
    const one = await ask("GET", `/api/v3/addons/quiet-search/manifests/${list[0].id}`);
    expect(one.body.contents.$base).toBe(2);
    expect((await buy("basic")).status).toBe(503);
  });

  test("every fault of a manifest is named, and nothing changes", async () => {
    const { ask, buy } = await open();
    const api = {
      ...contents.api,
      regions: [],
      config_vars: ["OTHER"],
      production: { base_url: "http://a/", sso_url: 3 },
    };
    const { status, body } = await ask("POST", "/api/v3/addons/quiet-search/manifests", {
      contents: { id: "other", api },
    });
    expect(status).toBe(422);
    expect(body.error.base).toEqual([
      expect.stringMatching(/^id /),
      expect.stringMatching(/^name /),
      expect.stringMatching(/^api.regions /),
      expect.stringMatching(/^api.config_vars /),
      expect.stringMatching(/^api.production.base_url /),
      expect.stringMatching(/^api.production.sso_url /),
    ]);
    expect((await buy("basic")).status).toBe(201);
  });

  test("a developer has to show a token, and an unknown add-on is not found", async () => {
    const { ask } = await open();
    const without = await ask("GET", "/api/v3/addons/quiet-search/manifests", undefined, { authorization: "" });
    expect([without.status, without.body]).toEqual([401, { error: expect.any(String) }]);
    expect((await ask("GET", "/api/v3/addons/nothing/current_manifest")).status).toBe(404);
  });
});

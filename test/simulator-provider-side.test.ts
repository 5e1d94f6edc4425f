import { buyWithToken, codeOf, exchangeCode } from "./support/bought-with-token.ts";
import { closeSimulations, openSimulation, type Reply } from "./support/open-simulation.ts";
import { CLIENT_SECRET } from "./support/sample-manifest.ts";
import { configOf } from "./support/tiny-provider.ts";

afterEach(closeSimulations);

describe("tokens", () => {
  test("a code gives tokens once, and the refresh token gives more", async () => {
    const simulation = await openSimulation();
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
    const simulation = await openSimulation();
    await simulation.buy("basic");
    await simulation.buy("basic");
    const [first, second] = simulation.provider.calls.map(codeOf);
    await simulation.ask("POST", "/_clock", { advance: "295s" });
    expect((await exchangeCode(simulation, first)).status).toBe(200);
    await simulation.ask("POST", "/_clock", { advance: "6s" });
    expect((await exchangeCode(simulation, second)).body.id).toBe("invalid_grant");
  });

  test("a wrong client secret is refused and blamed, and does not use the code up", async () => {
    const simulation = await openSimulation();
    await simulation.buy("basic");
    const code = codeOf(simulation.provider.calls[0]);
    expect((await exchangeCode(simulation, code, "guess")).status).toBe(401);
    expect(await simulation.broken()).toEqual(["client_secret"]);
    expect((await exchangeCode(simulation, code)).status).toBe(200);
  });

  test("an access token ends after eight hours, an unknown one never begins", async () => {
    const simulation = await openSimulation();
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
    const simulation = await openSimulation();
    await simulation.ask("POST", "/_faults", { expire_grant: true });
    await simulation.buy("basic");
    const { expires_at } = Object(simulation.provider.calls[0]?.body["oauth_grant"]);
    expect(Date.parse(expires_at)).toBeLessThan(Date.now());
    expect((await exchangeCode(simulation, codeOf(simulation.provider.calls[0]))).status).toBe(400);
  });

  test("a token sees its own add-on and apps, and nothing else", async () => {
    const simulation = await openSimulation();
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
    const simulation = await openSimulation();
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
    const { buy, ask, until, provider } = await openSimulation({ finishes: true });
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
    const { buy, ask, broken, until, provider } = await openSimulation();
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
    const simulation = await openSimulation();
    const { asProvider, id, name } = await buyWithToken(simulation, "slow");
    expect((await asProvider("POST", `/addons/${id}/actions/deprovision`)).body.state).toBe("deprovisioned");
    expect((await simulation.ask("GET", `/apps/demo/addons/${name}`)).body.state).toBe("deprovisioned");
    expect((await asProvider("POST", `/addons/${id}/actions/provision`)).status).toBe(404);
    expect((await simulation.ask("PATCH", `/apps/demo/addons/${name}`, { name: "other" })).status).toBe(404);
  });

  test("the provision action said twice is answered twice", async () => {
    const simulation = await openSimulation();
    const { asProvider, id } = await buyWithToken(simulation, "slow");
    const statuses = [1, 2].map(async () => (await asProvider("POST", `/addons/${id}/actions/provision`)).body.state);
    expect(await Promise.all(statuses)).toEqual(["provisioned", "provisioned"]);
    expect((await asProvider("POST", `/addons/${id}/actions/deprovision`)).status).toBe(422);
  });

  test("an action that overtakes the 202 is not lost", async () => {
    const simulation = await openSimulation({
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
    const simulation = await openSimulation();
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
    const simulation = await openSimulation();
    const { asProvider, id } = await buyWithToken(simulation, "basic");
    const config = [{ name: "QUIET_SEARCH_API_KEY", value: "new" }, wrong].toReversed();
    expect((await asProvider("PATCH", `/addons/${id}/config`, { config })).status).toBe(422);
    expect(await simulation.broken()).toEqual([rule]);
    expect((await simulation.ask("GET", "/apps/demo/config-vars")).body).toEqual(configOf(id));
  });
});

describe("people", () => {
  test("the owner and the collaborators of an app, and the members of a team", async () => {
    const simulation = await openSimulation();
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

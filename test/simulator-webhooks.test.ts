import { createHmac } from "node:crypto";
import { buyWithToken } from "./support/bought-with-token.ts";
import {
  closeSimulations,
  openSimulation,
  type Simulation,
  type SimulationOptions,
} from "./support/open-simulation.ts";
import type { TinyCall } from "./support/tiny-provider.ts";

afterEach(closeSimulations);

describe("webhooks", () => {
  const hooks = ({ provider }: Simulation): readonly TinyCall[] =>
    provider.calls.filter(({ path }) => path === "/hooks");

  /** A provider that takes events at /hooks with the status it is told. */
  function taking(status: () => number): SimulationOptions {
    return { twist: (call, honest) => (call.path === "/hooks" ? { status: status() } : honest()) };
  }

  test("events come signed with the secret that was generated for the subscription", async () => {
    const simulation = await openSimulation(taking(() => 204));
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
    const simulation = await openSimulation(taking(() => status));
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
    const simulation = await openSimulation();
    const { asProvider, id } = await buyWithToken(simulation, "free");
    expect(
      (await asProvider("POST", `/addons/${id}/webhooks`, { url: "http://127.0.0.1/hooks", ...wanted })).status,
    ).toBe(422);
    expect((await asProvider("GET", `/addons/${id}/webhooks`)).body).toEqual([]);
  });
});

describe("faults that meet the provider", () => {
  test.each([
    ["platform_down", 503, "service_unavailable"],
    ["rate_limit", 429, "rate_limit"],
    ["gone", 404, "not_found"],
  ])("%s answers the provider %i as often as asked, and never the customer", async (fault, status, id) => {
    const simulation = await openSimulation();
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
    const simulation = await openSimulation();
    const { asProvider, id } = await buyWithToken(simulation, "basic");
    await simulation.ask("POST", "/_faults", { platform_slow: { value: 200, times: 1 } });
    const began = performance.now();
    expect((await asProvider("GET", `/addons/${id}`)).status).toBe(200);
    expect(performance.now() - began).toBeGreaterThan(190);
  });

  test("what the provider asks is recorded with its answer", async () => {
    const simulation = await openSimulation();
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

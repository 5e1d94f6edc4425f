import { answering, closeSimulations, openSimulation } from "./support/open-simulation.ts";
import type { TinyAnswer } from "./support/tiny-provider.ts";

afterEach(closeSimulations);

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
    const { ask, buy, broken, lines } = await openSimulation(answering("POST", () => answer));
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
    const { ask, buy } = await openSimulation(answering("POST", () => ({ status: 500 })));
    await buy("basic");
    const [verdict] = (await ask("GET", "/_verdicts")).body;
    const [exchange] = (await ask("GET", "/_exchanges")).body;
    expect(verdict).toMatchObject({ rule: "status", sentence: expect.stringContaining("500"), exchange: exchange.id });
    expect(exchange).toMatchObject({ direction: "to-provider", method: "POST", answer: { status: 500 } });
  });

  test("a provider that cannot be reached is named", async () => {
    const { buy, broken, provider } = await openSimulation();
    await provider.close();
    expect((await buy("basic")).status).toBe(503);
    expect(await broken()).toEqual(["unreachable"]);
  });

  test("an answer after the time limit counts as none, and DELETE is sent later until it succeeds", async () => {
    let deletes = 0;
    const { ask, buy, broken, until, provider } = await openSimulation({
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
    const { buy, broken } = await openSimulation(
      answering("POST", () => ({ status: 201, body: { id: 123, message: 1 } })),
    );
    const { status, body } = await buy("basic");
    expect([status, body.provider_id, body.state]).toEqual([201, "123", "provisioned"]);
    expect(await broken()).toEqual(["message_not_text"]);
  });
});

describe("faults on the way to the provider", () => {
  test("repeat sends each call several times at once; equal answers are no fault of the provider", async () => {
    const { ask, buy, broken, provider } = await openSimulation();
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
    const { ask, buy, broken } = await openSimulation(answering("POST", countUp));
    await ask("POST", "/_faults", { repeat: { value: 2, times: 1 } });
    await buy("basic");
    expect(await broken()).toContain("repeat_differs");
  });

  test("a dropped answer is asked for again, with another grant", async () => {
    const { ask, buy, provider, broken } = await openSimulation();
    await ask("POST", "/_faults", { drop_answer: { times: 1 } });
    expect((await buy("basic")).body.state).toBe("provisioned");
    const [first, second] = provider.calls.map(({ body }) => body);
    expect(second?.["uuid"]).toBe(first?.["uuid"]);
    expect(second?.["oauth_grant"]).not.toEqual(first?.["oauth_grant"]);
    expect(await broken()).toEqual([]);
    expect((await ask("GET", "/_faults")).body.drop_answer).toBeNull();
  });

  test("reorder sends DELETE before the provision is answered, and the add-on ends as gone", async () => {
    const { ask, buy, provider, until } = await openSimulation({
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
    const { ask, buy, broken } = await openSimulation(
      answering("POST", () => ({ status: 410, body: {}, afterMs: 200 })),
    );
    await ask("POST", "/_faults", { reorder: { times: 1 } });
    expect((await buy("basic")).body.state).toBe("deprovisioned");
    expect(await broken()).toEqual([]);
  });

  test("delay holds the call back", async () => {
    const { ask, buy } = await openSimulation();
    await ask("POST", "/_faults", { delay: { value: 150, times: 1 } });
    const began = performance.now();
    await buy("basic");
    expect(performance.now() - began).toBeGreaterThan(140);
  });

  test("an unknown fault or a setting that is none changes nothing", async () => {
    const { ask } = await openSimulation();
    expect((await ask("POST", "/_faults", { repeat: 2, flood: true })).status).toBe(400);
    expect((await ask("POST", "/_faults", { repeat: { times: 0 } })).status).toBe(400);
    expect(Object.values((await ask("GET", "/_faults")).body).every((setting) => setting === null)).toBe(true);
  });
});

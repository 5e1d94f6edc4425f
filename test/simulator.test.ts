import { startSimulator } from "../src/simulator/simulator.ts";
import { answering, closeSimulations, openSimulation } from "./support/open-simulation.ts";
import { sampleManifest } from "./support/sample-manifest.ts";

afterEach(closeSimulations);

describe("attachments", () => {
  test("attach, see the variables, confirm a replacement, detach", async () => {
    const { ask, buy } = await openSimulation();
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
    const { ask, buy } = await openSimulation();
    const { body } = await buy("free");
    await ask("POST", "/addon-attachments", { addon: { name: body.name }, app: { name: "other" } });
    expect((await ask("DELETE", `/apps/demo/addons/${body.id}`, { force: false })).status).toBe(422);
    expect((await ask("DELETE", `/apps/demo/addons/${body.id}`, { force: true })).status).toBe(200);
  });

  test("several matches of a name are all returned, none is a 404 that names the resource", async () => {
    const { ask, buy } = await openSimulation();
    await buy("free");
    await buy("free");
    const resolve = (addon: string) => ask("POST", "/actions/addons/resolve", { addon, app: "demo" });
    expect((await resolve("quiet-search")).body).toHaveLength(2);
    expect((await resolve("nothing")).body).toMatchObject({ id: "not_found", resource: "add_on" });
  });

  test("lists are cut into pages by Range", async () => {
    const { ask, buy } = await openSimulation();
    for (const name of ["bb", "aa", "cc"]) await buy("free", { name });
    const first = await ask("GET", "/addons", undefined, { range: "name ..; max=2" });
    expect([first.status, first.body.map(({ name }: { name: string }) => name)]).toEqual([206, ["aa", "bb"]]);
    const next = await ask("GET", "/addons", undefined, { range: first.headers.get("next-range") ?? "" });
    expect([next.status, next.body.map(({ name }: { name: string }) => name)]).toEqual([200, ["cc"]]);
    const newest = await ask("GET", "/apps/demo/releases", undefined, { range: "version ..; max=1, order=desc" });
    expect([newest.status, newest.body[0].version]).toEqual([206, 4]);
  });
});

describe("the simulator itself", () => {
  test("the clock moves on, is set, and returns to real time", async () => {
    const { ask } = await openSimulation();
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
    const { ask, buy, until } = await openSimulation({ finishes: true });
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
    const { simulator, ask } = await openSimulation();
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
    const { ask, buy } = await openSimulation(
      answering("POST", () => ({ status: 422, body: { message: "<img src=x>" } })),
    );
    await buy("basic", { config: { "<b>": "<i>" } });
    expect((await ask("GET", "/")).body).not.toMatch(/<img|<b>|<i>/);
  });

  test("a page of another origin cannot press the buttons", async () => {
    const { ask, provider } = await openSimulation();
    const origin = { origin: "http://elsewhere.example" };
    expect((await ask("POST", "/_reset", {}, origin)).status).toBe(403);
    expect((await ask("POST", "/_heroku/buy", { app: "demo", plan: "quiet-search:free" }, origin)).status).toBe(403);
    expect(provider.calls).toHaveLength(0);
  });

  test("reset forgets purchases, faults, the clock and what passed", async () => {
    const { ask, buy } = await openSimulation();
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
    const { simulator } = await openSimulation();
    const start = (port: number, manifest: typeof sampleManifest) =>
      startSimulator({ port, manifest, clientSecret: "s" });
    await expect(start(Number(new URL(simulator.origin).port), sampleManifest)).rejects.toMatchObject({
      code: "config_invalid",
    });
    const saltless = { ...sampleManifest, api: { ...sampleManifest.api, sso_salt: "" } };
    await expect(start(0, saltless)).rejects.toThrow("/api/sso_salt");
  });

  test("a body that is no JSON is refused, and an unknown address is a 404", async () => {
    const { simulator, ask } = await openSimulation();
    const headers = { "content-type": "application/json" };
    const broken = await fetch(`${simulator.origin}/apps/demo/addons`, { method: "POST", headers, body: "{" });
    expect(broken.status).toBe(400);
    expect((await ask("GET", "/nowhere")).body.id).toBe("not_found");
  });
});

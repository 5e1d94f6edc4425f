import { closeSimulations, openSimulation } from "./support/open-simulation.ts";
import { sampleManifest } from "./support/sample-manifest.ts";

afterEach(closeSimulations);

describe("the manifest server", () => {
  const { catalog: _catalog, ...contents } = sampleManifest;

  test("a pushed manifest comes back with its version and takes effect", async () => {
    const { ask, buy } = await openSimulation();
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
    const { ask, buy } = await openSimulation();
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
    const { ask } = await openSimulation();
    const without = await ask("GET", "/api/v3/addons/quiet-search/manifests", undefined, { authorization: "" });
    expect([without.status, without.body]).toEqual([401, { error: expect.any(String) }]);
    expect((await ask("GET", "/api/v3/addons/nothing/current_manifest")).status).toBe(404);
  });
});

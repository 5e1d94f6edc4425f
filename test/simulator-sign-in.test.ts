import { createHash } from "node:crypto";
import { closeSimulations, openSimulation } from "./support/open-simulation.ts";
import { sampleManifest } from "./support/sample-manifest.ts";
import type { TinyCall } from "./support/tiny-provider.ts";

afterEach(closeSimulations);

describe("signing in", () => {
  test("the form carries all three tokens over what it shows", async () => {
    const { ask, buy, provider } = await openSimulation();
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
    const { ask, buy } = await openSimulation({ manifest, twist });
    const { body: addon } = await buy("basic");
    await ask("POST", "/_clock", { now: new Date(1_267_597_772_000).toISOString() });
    const { body: form } = await ask("GET", `/addons/${addon.id}/sso`);
    expect(form.params).toMatchObject({ timestamp: "1267597772", token: "bb466eb1d6bc345d11072c3cd25c311f21be130d" });
  });

  test("web_url is a page that posts the form, and works without scripts by a button", async () => {
    const { ask, buy, provider, simulator } = await openSimulation();
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
    const { ask, buy } = await openSimulation();
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
    const { ask, buy } = await openSimulation();
    const { body: addon } = await buy("basic");
    await ask("DELETE", `/apps/demo/addons/${addon.id}`);
    expect((await ask("GET", `/sso/${addon.id}`)).status).toBe(404);
    expect((await ask("GET", `/addons/${addon.id}/sso`)).status).toBe(404);
  });
});

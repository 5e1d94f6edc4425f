import { readFileSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import type { SimulatorManifest } from "../../src/simulator/simulator.ts";
import { describeHerokuCommands } from "./heroku-commands.ts";
import { startRealProvider } from "./real-provider.ts";

const manifest = JSON.parse(readFileSync("addon-manifest.json", "utf8")) as SimulatorManifest;

describeHerokuCommands("Stallholder", {
  manifest,
  plans: { first: "basic", second: "standard", slow: "premium" },
  start: startRealProvider,
  more: (command, { does, run }) => {
    command("a key rotated on the dashboard reaches the app's config", async () => {
      await does("addons:create", "acme-search:basic", "-a", "rotates", "--name", "rotated");
      const before = (await run("config:get", "ACME_SEARCH_API_KEY", "-a", "rotates")).stdout.trim();
      const page = await signedInPage((await run("addons:open", "rotated", "--show-url")).stdout.trim());
      expect(page.text).not.toContain(before);

      const [, token = ""] = /name="csrf_token" value="([^"]+)"/.exec(page.text) ?? [];
      const rotated = await fetch(new URL("/dashboard/rotate", page.url), {
        method: "POST",
        redirect: "manual",
        headers: { cookie: page.cookie, origin: new URL(page.url).origin },
        body: new URLSearchParams({ csrf_token: token, overlap: "7200" }),
      });
      expect(rotated.status).toBe(303);

      let after = before;
      for (let tries = 0; after === before && tries < 15; tries += 1) {
        await sleep(500);
        after = (await run("config:get", "ACME_SEARCH_API_KEY", "-a", "rotates")).stdout.trim();
      }
      expect(after).toMatch(/^acmesearch_live_/);
      expect(after).not.toBe(before);
    });
  },
});

/** What a browser does with the page that `addons:open` opens: it posts the form and follows to the dashboard. */
async function signedInPage(opened: string): Promise<{ url: string; cookie: string; text: string }> {
  const form = await (await fetch(opened)).text();
  const inputs = form.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g);
  const fields = new URLSearchParams([...inputs].map(([, field = "", value = ""]) => [field, value]));
  const [, action = ""] = /action="([^"]+)"/.exec(form) ?? [];
  const signedIn = await fetch(action, { method: "POST", body: fields, redirect: "manual" });
  const cookie = signedIn.headers
    .getSetCookie()
    .map((one) => one.split(";", 1)[0])
    .join("; ");
  const url = new URL(signedIn.headers.get("location") ?? "", action).href;
  return { url, cookie, text: await (await fetch(url, { headers: { cookie } })).text() };
}

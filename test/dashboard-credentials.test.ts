import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import type { Tenant } from "../src/tenants/tenants.ts";
import { axeFaultsInBoth, describeWithChromium, openBrowser } from "./support/browser.ts";
import { DAY, MINUTE } from "./support/clock.ts";
import { about, type TestProvider } from "./support/provider.ts";
import { enterStage, leaveStage, type Stage } from "./support/visitor.ts";

const KEY = "ACME_SEARCH_API_KEY";
const DESK = { width: 1280, height: 900 };
const PHONE = { width: 320, height: 900 };
const pictures = join(tmpdir(), `stallholder-dashboard-${userInfo().username}`);

let stage: Stage;
let shop: TestProvider;

beforeAll(async () => {
  stage = await enterStage();
  ({ shop } = stage);
});

afterAll(leaveStage);

const credentialsOf = (tenant: Pick<Tenant, "id">) => shop.listCredentials({ tenant: tenant.id });
const nameOf = (name: string) => ({ name, kind: "api-key", access: "read" });

async function namedOf(tenant: Pick<Tenant, "id">, name: string) {
  const found = (await credentialsOf(tenant)).find((one) => one.name === name);
  if (found === undefined) throw new Error(`There is no credential ${name}.`);
  return found;
}

describe("the credentials of a customer", () => {
  test("one is issued by a form: its value is in that answer and nowhere else", async () => {
    const visitor = await stage.customer();
    expect((await visitor.get("/dashboard/credentials/new")).text).toContain("Issue it</button>");
    const { status, text, headers } = await visitor.post("/dashboard/credentials", nameOf("nightly-report"));
    expect([status, headers["cache-control"]]).toEqual([200, "no-store"]);
    const value = /acmesearch_live_\w+/.exec(text)?.[0] ?? "";
    expect(await shop.verifyKey(value)).toMatchObject({ valid: true, scopes: ["tenant:read"] });
    const page = (await visitor.get("/dashboard")).text;
    expect(page).toContain("nightly-report");
    expect(page).toContain("read only");
    expect(page).not.toContain(value);
    expect((await visitor.post("/dashboard/credentials", nameOf("nightly-report"))).status).toBe(409);
  });

  test("a form that asks for more than is offered is refused", async () => {
    const visitor = await stage.customer();
    for (const fields of [
      { ...nameOf("a"), access: "admin" },
      { ...nameOf("a"), kind: "url" },
      nameOf("A B"),
      nameOf(""),
    ])
      expect((await visitor.post("/dashboard/credentials", fields)).status).toBe(400);
    await visitor.post("/dashboard/credentials", { ...nameOf("mine"), access: "full", scopes: "usage:write" });
    expect((await namedOf(visitor.tenant, "mine")).scopes).toEqual(["tenant:read", "token"]);
  });

  test("a named one is rotated, with its value once, and revoked", async () => {
    const visitor = await stage.customer();
    await visitor.post("/dashboard/credentials", nameOf("report"));
    const first = await namedOf(visitor.tenant, "report");
    const { text } = await visitor.post("/dashboard/credentials/rotate", { credential: first.id, overlap: "7200" });
    const value = /acmesearch_live_\w+/.exec(text)?.[0] ?? "";
    expect(await shop.verifyKey(value)).toMatchObject({ valid: true });
    const second = (await credentialsOf(visitor.tenant)).find(
      ({ name, state }) => name === "report" && state === "active",
    );
    const revoked = await visitor.post("/dashboard/credentials/revoke", {
      credential: String(second?.id),
      sure: "yes",
    });
    expect(revoked.headers["location"]).toBe("/dashboard?done=revoked");
    expect(await shop.verifyKey(value)).toEqual({ valid: false, code: "revoked" });
  });

  test("one of a config var is ended only together with a successor, and only by whoever is sure", async () => {
    const visitor = await stage.customer();
    const before = (await shop.configVars(visitor.tenant.id))[KEY] ?? "";
    const [own] = await credentialsOf(visitor.tenant);
    const credential = String(own?.id);
    expect((await visitor.get(`/dashboard/credentials/${credential}`)).text).toContain("get another in its place");
    expect((await visitor.post("/dashboard/credentials/revoke", { credential })).status).toBe(400);
    expect((await shop.verifyKey(before)).valid).toBe(true);
    const { headers } = await visitor.post("/dashboard/credentials/revoke", { credential, sure: "yes" });
    expect(headers["location"]).toBe("/dashboard?done=replaced");
    expect((await shop.verifyKey(before)).valid).toBe(false);
    const after = (await shop.configVars(visitor.tenant.id))[KEY] ?? "";
    expect((await shop.verifyKey(after)).valid).toBe(true);
  });

  test("one of another tenant, and one that is no more, is not found", async () => {
    const [mine, theirs] = [await stage.customer(), await stage.customer()];
    const [foreign] = await credentialsOf(theirs.tenant);
    const ids = [String(foreign?.id), "00000000-0000-0000-0000-000000000000", "x"];
    for (const credential of ids) {
      expect((await mine.get(`/dashboard/credentials/${credential}`)).status).toBe(404);
      expect((await mine.post("/dashboard/credentials/rotate", { credential, overlap: "0" })).status).toBe(404);
      expect((await mine.post("/dashboard/credentials/revoke", { credential, sure: "yes" })).status).toBe(404);
    }
    expect(await credentialsOf(theirs.tenant)).toHaveLength(1);
  });

  test("the forms want the token of their session", async () => {
    const visitor = await stage.customer();
    for (const path of ["", "/rotate", "/revoke"]) {
      const fields = { ...nameOf("x"), credential: "x", overlap: "0", sure: "yes", csrf_token: "x" };
      expect((await visitor.post(`/dashboard/credentials${path}`, fields)).status).toBe(403);
    }
    expect(await credentialsOf(visitor.tenant)).toHaveLength(1);
  });

  test("each shows what it may, since when it is there, and when it was used last", async () => {
    const visitor = await stage.customer();
    await visitor.post("/dashboard/credentials", nameOf("report"));
    const key = (await shop.configVars(visitor.tenant.id))[KEY] ?? "";
    await shop.verifyKey(key);
    await shop.deps.lastUse.flush();
    shop.clock.advance(3 * MINUTE);
    const { text } = await visitor.get("/dashboard");
    const rows = (text.match(/<tr>.*?<\/tr>/gs) ?? []).map((row) => row.replace(/<[^>]+>/g, " ").replace(/\s+/g, " "));
    expect(rows.find((row) => row.includes("report"))).toMatch(/read only 3 minutes ago never Active Rotate .* Revoke/);
    expect(rows.find((row) => row.includes(`${KEY} API key ending`))).toMatch(
      /full 4 minutes ago 3 minutes ago Active/,
    );
  });
});

describeWithChromium("the credentials in a browser", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await openBrowser();
  });

  afterAll(() => browser?.close());

  async function livedIn(): Promise<Tenant> {
    const tenant = await stage.pages.buy({ name: "acme-search-round-12345" });
    shop.clock.advance(2 * DAY);
    await shop.rotateCredentials({ ...about(tenant), at: shop.clock.now() });
    for (const [name, access] of [
      ["nightly-report", "read"],
      ["second.region", "full"],
    ] as const) {
      await shop.issueCredential({ ...about(tenant), kind: "api-key", name, access, grantable: [] });
      shop.clock.advance(40 * MINUTE);
    }
    return tenant;
  }

  /** Issues one and revokes it; `look` is called on each page on the way. */
  async function walk(page: Page, tenant: Tenant, look: (name: string) => Promise<void>): Promise<void> {
    await page.goto(stage.url + stage.pages.signInPath(tenant));
    await look("card");
    await page.getByRole("link", { name: "Issue a named credential" }).click();
    await page.getByLabel("Name").fill("for-a-colleague");
    await look("form");
    await page.getByRole("button", { name: "Issue it" }).click();
    await page.getByText("acmesearch_live_").waitFor();
    await look("value");
    await page.getByRole("link", { name: "I have it" }).click();
    await page.getByRole("link", { name: /^Revoke for-a-colleague/ }).click();
    await look("one");
    await page.getByLabel("Nothing needs it any more").check();
    await page.getByRole("button", { name: "Revoke for-a-colleague" }).click();
    await page.getByText("The credential no longer works.").waitFor();
    expect((await credentialsOf(tenant)).some(({ name }) => name === "for-a-colleague")).toBe(false);
  }

  test("axe finds nothing in light and in dark, and nothing is too wide for a phone", async () => {
    const context = await browser.newContext({ viewport: DESK, reducedMotion: "reduce" });
    const page = await context.newPage();
    await walk(page, await livedIn(), async (name) => {
      // The rest of the dashboard is looked at elsewhere.
      const part = name === "card" ? "#credentials" : "main";
      expect(await axeFaultsInBoth(page, part)).toEqual([]);
      await page.locator(part).screenshot({ path: join(pictures, `credentials-${name}-1280.png`) });
      await page.setViewportSize(PHONE);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(PHONE.width);
      await page.locator(part).screenshot({ path: join(pictures, `credentials-${name}-320.png`) });
      await page.setViewportSize(DESK);
    });
    await context.close();
  });

  test("each step works without scripts", async () => {
    const context = await browser.newContext({ viewport: DESK, javaScriptEnabled: false });
    await walk(await context.newPage(), await livedIn(), async () => undefined);
    await context.close();
  });
});

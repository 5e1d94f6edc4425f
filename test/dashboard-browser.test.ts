import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import express from "express";
import type { Browser, BrowserContextOptions, Page } from "playwright-core";
import type { Tenant } from "../src/tenants/tenants.ts";
import { axeFaultsInBoth, describeWithChromium, openBrowser } from "./support/browser.ts";
import { DAY, MINUTE } from "./support/clock.ts";
import type { DashboardOfShop } from "./support/dashboard-app.ts";
import { listen } from "./support/listen.ts";
import { about, type TestProvider } from "./support/provider.ts";
import { hangs } from "./support/scripted-product.ts";
import { send, settle } from "./support/usage.ts";
import { enterStage, leaveStage } from "./support/visitor.ts";

const KEY = "ACME_SEARCH_API_KEY";
const PHONE = { width: 320, height: 640 };
const pictures = join(tmpdir(), `stallholder-dashboard-${userInfo().username}`);
const DESK = { width: 1280, height: 900 };

type Visited = Page & { readonly complaints: string[] };

describeWithChromium("the dashboard in a browser", () => {
  let shop: TestProvider;
  let pages: DashboardOfShop;
  let url: string;
  let browser: Browser;
  let shared: Visited | undefined;

  beforeAll(async () => {
    ({ shop, pages, url } = await enterStage());
    browser = await openBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await leaveStage();
  });

  /** A page in a browser of its own, signed in to `tenant`. What the browser complains of is collected. */
  async function open(tenant: Tenant, options: BrowserContextOptions = {}): Promise<Visited> {
    const context = await browser.newContext({ viewport: DESK, reducedMotion: "reduce", ...options });
    const page = await context.newPage();
    const complaints: string[] = [];
    page.on("console", (message) => message.type() !== "log" && complaints.push(message.text()));
    page.on("pageerror", (fault) => complaints.push(fault.message));
    page.on("dialog", (dialog) => {
      complaints.push(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
    await page.goto(url + pages.signInPath(tenant));
    return Object.assign(page, { complaints });
  }

  /** The page that most tests share, signed in to another tenant: a browser of its own costs more than what is looked at. */
  async function visit(tenant: Tenant): Promise<Visited> {
    if (shared === undefined) {
      shared = await open(tenant, { permissions: ["clipboard-read", "clipboard-write"] });
      return shared;
    }
    shared.complaints.length = 0;
    await shared.goto(url + pages.signInPath(tenant));
    return shared;
  }

  /** A tenant to whom some things have happened. */
  async function livedIn(): Promise<Tenant> {
    const tenant = await pages.buy({ name: "acme-search-round-12345" });
    shop.clock.advance(2 * DAY);
    await shop.changePlan({ ...about(tenant), plan: "standard", at: shop.clock.now(), by: "marketplace:bazaar" });
    shop.clock.advance(40 * MINUTE);
    await shop.rotateCredentials({ ...about(tenant), at: shop.clock.now(), by: "customer:ada@round.example" });
    await pages.name(tenant, [
      { id: "1", email: "owner@round.example", role: "admin" },
      { id: "2", email: "somebody.with.a.rather.long.name@engineering.round.example", role: "collaborator" },
    ]);
    return tenant;
  }

  const keyOf = async ({ id }: Tenant) => String((await shop.configVars(id))[KEY]);

  const usageOf = ({ id: tenant }: Tenant, quantity: number, place: number) => {
    return { id: `event ${place}`, tenant, dimension: "requests", quantity, time: shop.clock.now().toISOString() };
  };

  async function beingSetUp(): Promise<Tenant> {
    shop.product.answer(hangs);
    return pages.buy();
  }

  /** For whoever wants to look. */
  async function keepPicture(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true });
  }

  test("axe finds nothing to object to, in light and in dark", async () => {
    const tenant = await livedIn();
    const page = await visit(tenant);
    await page.click(`#reveal-${KEY}`);
    await page.getByRole("link", { name: `Hide ${KEY}` }).waitFor();
    expect(await axeFaultsInBoth(page)).toEqual([]);
    await keepPicture(page, "light");
    await page.emulateMedia({ colorScheme: "dark" });
    await keepPicture(page, "dark");
    await page.emulateMedia({ colorScheme: "light" });

    const alert = { ...about(tenant), dimension: "requests", of: "limit", percent: 90 } as const;
    await shop.addUsageAlert({ ...alert, to: { email: "ada@round.example" } });
    const suspended = await pages.buy();
    await shop.suspend({ ...about(suspended), reason: "The last invoice is not paid." });
    // What the other pages share with this one was looked at on it.
    for (const [whose, path, within] of [
      [tenant, "/dashboard/alerts", "main"],
      [tenant, "/dashboard/activity", "main"],
      [tenant, "/dashboard/nothing", "html"],
      [suspended, "/dashboard?done=rotated", "#status, #notice"],
    ] as const) {
      await page.goto(url + pages.signInPath(whose));
      await page.goto(url + path);
      expect(await axeFaultsInBoth(page, within)).toEqual([]);
    }
    await page.goto(url + pages.signInPath(await beingSetUp()));
    expect(await axeFaultsInBoth(page, "#status, #connect")).toEqual([]);
  });

  test("it fits a narrow phone without scrolling sideways", async () => {
    const tenant = await livedIn();
    const to = { email: "somebody.with.a.rather.long.name@engineering.round.example" };
    await shop.addUsageAlert({ ...about(tenant), dimension: "requests", of: "limit", percent: 90, to });
    const page = await visit(tenant);
    await page.setViewportSize(PHONE);
    await page.click(`#reveal-${KEY}`);
    await page.getByRole("link", { name: `Hide ${KEY}` }).waitFor();
    const widths = [await page.evaluate("document.documentElement.scrollWidth")];
    await keepPicture(page, "phone");
    for (const path of ["alerts", "activity", "usage"]) {
      await page.goto(`${url}/dashboard/${path}`);
      widths.push(await page.evaluate("document.documentElement.scrollWidth"));
    }
    await page.setViewportSize(DESK);
    expect(widths).toEqual([320, 320, 320, 320]);
  });

  test("the browser has nothing to complain of, and loads nothing from elsewhere", async () => {
    const tenant = await livedIn();
    const page = await visit(tenant);
    const foreign: string[] = [];
    page.on("request", (request) => !request.url().startsWith(url) && foreign.push(request.url()));
    await page.reload();
    await page.click(`#reveal-${KEY}`);
    await page.getByText(await keyOf(tenant)).waitFor();
    expect([page.complaints, foreign]).toEqual([[], []]);
  });

  test("the first steps turn green by themselves when the first usage is counted", async () => {
    const tenant = await pages.buy();
    const page = await visit(tenant);
    expect(await page.locator("#first .status").textContent()).toContain("No call has come yet.");
    await send(shop, usageOf(tenant, 3, 0));
    await settle(shop);
    await page.locator("#first .status.good").waitFor();
    expect([await page.locator("#first .done").count(), page.complaints]).toEqual([3, []]);
  });

  test("usage over time is drawn, and can be opened as a table", async () => {
    const tenant = await livedIn();
    const page = await visit(tenant);
    await send(shop, ...[3, 14, 9].map((quantity, place) => usageOf(tenant, quantity, place)));
    await settle(shop);
    await page.goto(`${url}/dashboard/usage?range=7d`);
    await page.locator("#chart-requests canvas").waitFor();
    await keepPicture(page, "usage");
    await page.getByText("As a table").first().click();
    await page.getByRole("cell", { name: "26" }).waitFor();
    expect([page.complaints, await axeFaultsInBoth(page, "main")]).toEqual([[], []]);
  });

  test("a reveal happens in place: the address stays, the value appears, the focus stays on its button", async () => {
    const tenant = await livedIn();
    const page = await visit(tenant);
    await page.focus(`#reveal-${KEY}`);
    await page.keyboard.press("Enter");
    await page.getByText(await keyOf(tenant)).waitFor();
    expect(page.url()).toBe(`${url}/dashboard`);
    expect(await page.evaluate("document.activeElement.textContent")).toBe(`Hide ${KEY}`);
    await page.keyboard.press("Enter");
    await page.getByRole("button", { name: `Reveal ${KEY}` }).waitFor();
    expect(await page.content()).not.toContain(await keyOf(tenant));
  });

  test("the keyboard alone reaches everything in reading order, and rotates", async () => {
    const tenant = await livedIn();
    const old = await keyOf(tenant);
    const page = await visit(tenant);
    const reached: string[] = [];
    for (let step = 0; step < 40 && reached.at(-1) !== "Rotate credentials"; step += 1) {
      await page.keyboard.press("Tab");
      reached.push(
        String(await page.evaluate("(document.activeElement.textContent || document.activeElement.value).trim()")),
      );
      expect(await page.evaluate("document.activeElement.matches(':focus-visible')")).toBe(true);
    }
    expect(reached.filter((text) => text !== "Copy")).toEqual([
      "Skip to content",
      "Sign out",
      "← Back to Bazaar",
      "Change the plan in Bazaar",
      "Usage over time",
      "Set an alert",
      `Reveal ${KEY}`,
      "Reveal ACME_SEARCH_URL",
      "curl",
      expect.stringMatching(`^Rotate ${KEY} ending in`),
      expect.stringMatching(`^Revoke ${KEY} ending in`),
      expect.stringMatching(`^Revoke now ${KEY} ending in`),
      "7200",
      "Rotate credentials",
    ]);
    await page.keyboard.press("Enter");
    await page.waitForURL("**/dashboard?done=rotated");
    expect(await keyOf(tenant)).not.toBe(old);
    expect(await page.getByRole("status").textContent()).toContain("New credentials are active.");
  });

  test("the arrow keys choose the language of the snippet", async () => {
    const page = await visit(await livedIn());
    await page.focus("[name=language]");
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    expect(await page.locator(".snippet:visible").textContent()).toContain("import os");
  });

  test("a click copies what stands beside the button", async () => {
    const page = await visit(await livedIn());
    await page.locator("#removal .copy").click();
    await page.getByRole("button", { name: "Copied" }).waitFor();
    expect(await page.evaluate("navigator.clipboard.readText()")).toBe(
      "bazaar addons:destroy acme-search-round-12345 --app round-river",
    );
  });

  test("everything works without JavaScript", async () => {
    const tenant = await livedIn();
    const old = await keyOf(tenant);
    const page = await open(tenant, { javaScriptEnabled: false });
    expect(await page.getByRole("button", { name: "Copy" }).count()).toBe(0);
    await page.click(`#reveal-${KEY}`);
    expect(await page.locator("#connect").textContent()).toContain(old);
    await page.getByLabel("Not at all").check();
    await page.click("#rotate");
    expect(page.url()).toBe(`${url}/dashboard?done=rotated`);
    expect((await shop.verifyKey(old)).valid).toBe(false);
    await page.getByRole("button", { name: /^Revoke now/ }).click();
    expect(page.url()).toBe(`${url}/dashboard?done=revoked`);
    await page.getByText("Ruby").click();
    expect(await page.locator(".snippet:visible").textContent()).toContain("net/http");
    await page.getByRole("button", { name: "Sign out" }).click();
    expect(await page.getByRole("heading").textContent()).toBe("You are signed out");
    await page.context().close();
  });

  test("a page opened during the set-up becomes the dashboard by itself when that is over", async () => {
    const page = await visit(await beingSetUp());
    expect(await page.locator("#status").textContent()).toContain("Being set up");
    await shop.rest();
    await page.getByRole("button", { name: `Reveal ${KEY}` }).waitFor({ timeout: 10_000 });
  });

  test("text from outside runs nothing", async () => {
    const attack = `"><img src=x onerror=alert(1)><script>alert(2)</script>`;
    const tenant = await pages.buy({ name: attack, facts: { app: attack, owner: attack } });
    await pages.name(tenant, [{ id: "2", email: attack, role: attack }]);
    const page = await visit(tenant);
    await page.goto(`${url}/dashboard?done=${encodeURIComponent(attack)}`);
    expect(await page.getByRole("heading", { level: 1 }).textContent()).toBe(attack);
    expect(page.complaints).toEqual([]);
  });

  test("a page of another site can neither send our forms nor frame us", async () => {
    const tenant = await livedIn();
    const old = await keyOf(tenant);
    const page = await visit(tenant);
    const token = await page.locator("[name=csrf_token]").first().inputValue();
    const evil = await listen(
      express().get("/", (_request, response) => {
        response.type("html").send(`<form method="post" action="${url}/dashboard/rotate">
          <input name="csrf_token" value="${token}"><input name="overlap" value="0"><button>Win</button></form>
          <iframe src="${url}/dashboard"></iframe>`);
      }),
    );
    await page.goto(evil.url.replace("127.0.0.1", "localhost"));
    const frame = page.frames()[1];
    expect(await frame?.content()).not.toContain("Acme Search");
    await page.click("button");
    expect(await page.getByRole("heading").textContent()).toBe("You are not signed in");
    expect(await keyOf(tenant)).toBe(old);
  });
});

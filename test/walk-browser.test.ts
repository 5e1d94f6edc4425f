import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
import { axeFaults, describeWithChromium, openBrowser } from "./support/browser.ts";
import { type Served, serve } from "./support/served.ts";

/** Kept where CI can pick them up. */
const PICTURES = "test-results/walk";
const SLOW_MS = 30_000;

describeWithChromium("both sites, clicked through against the simulator", () => {
  let service: Served;
  let browser: Browser;
  let shop: Page;
  let console: Page;
  let tenant: string;
  let licence: string;
  let usedAt: string;

  beforeAll(async () => {
    mkdirSync(PICTURES, { recursive: true });
    service = await serve();
    browser = await openBrowser();
    shop = await open();
    console = await open();
    await signIn("/console");
  });

  afterAll(async () => {
    await browser?.close();
    await service?.close();
  });

  async function open(): Promise<Page> {
    const context = await browser.newContext({ viewport: { width: 1_280, height: 900 } });
    context.setDefaultTimeout(SLOW_MS);
    return context.newPage();
  }

  /** The operator, who then is where they wanted to go. */
  async function signIn(path: string): Promise<void> {
    await console.goto(service.provider + path);
    await console.getByLabel("Token").fill(service.operatorToken);
    await console.getByRole("button", { name: "Sign in" }).click();
    await console.waitForURL(service.provider + path);
  }

  /** What axe finds on it, and a picture for whoever wants to look. */
  async function look(page: Page, name: string): Promise<void> {
    await page.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
    expect([name, await axeFaults(page)]).toEqual([name, []]);
  }

  /** Until the page, loaded again and again, says so. */
  async function untilSays(page: Page, selector: string, text: RegExp): Promise<void> {
    const until = performance.now() + SLOW_MS;
    while (!text.test((await page.locator(selector).textContent()) ?? "")) {
      if (performance.now() > until) throw new Error(`${page.url()} never said ${text}`);
      await page.waitForTimeout(250);
      await page.reload();
    }
  }

  async function act(reason: string, before = async () => {}): Promise<void> {
    await console.getByLabel("Reason").fill(reason);
    await before();
    await console.locator("#confirm").click();
    await console.getByRole("status").waitFor();
  }

  const switchFault = (name: string, value: "On" | "Off") =>
    shop.goto(service.simulator).then(async () => {
      const fault = shop.locator(`.fault:has(#fault-${name})`);
      if (!(await fault.isVisible())) await shop.locator("#faults-heroku summary").click();
      await fault.getByRole("button", { name: `Switch ${value.toLowerCase()}` }).click();
      await shop.waitForLoadState();
    });

  async function use(tenant: string, quantity: number): Promise<void> {
    const answer = await fetch(`${service.provider}/v1/usage`, {
      method: "POST",
      headers: { authorization: `Bearer ${service.productSecret}`, "content-type": "application/json" },
      body: JSON.stringify({ id: crypto.randomUUID(), tenant, dimension: "requests", quantity }),
    });
    expect(await answer.json()).toMatchObject({ receipts: [{ status: "accepted" }] });
  }

  /** Found by the beginning of `name`; its page is open afterwards. */
  async function find(name: string): Promise<string> {
    await console.goto(`${service.provider}/console/tenants`);
    await console.locator("[name=q]").fill(name);
    await console.getByRole("button", { name: "Find" }).click();
    await console.locator("tbody a").first().click();
    await console.waitForURL(/\/tenants\/[a-z2-7]{26}/);
    return console.url().split("/").at(-1) ?? "";
  }

  test("somebody buys on Heroku, and the operator finds the tenant by the app", async () => {
    await shop.goto(service.simulator);
    const form = shop.locator("#buy form");
    await form.getByLabel("App", { exact: true }).fill("storefront");
    await form.getByRole("button", { name: "Buy" }).click();
    await shop.locator("#addons").getByRole("link", { name: "Open" }).waitFor();
    await look(shop, "simulator");
    tenant = await find("storef");
    await look(console, "console-tenant");
  });

  test("the customer opens the dashboard, sees usage, and rotates", async () => {
    await shop.locator("#addons").getByRole("link", { name: "Open" }).click();
    await shop.waitForURL(/\/dashboard/);
    await look(shop, "dashboard-fresh");
    await use(tenant, 4_217);
    await untilSays(shop, "#usage", /4,217/);
    await shop.locator("#rotate").click();
    await shop.waitForURL(/done=rotated/);
    await look(shop, "dashboard-rotated");
  });

  test("the operator fixes a push that Heroku did not take", async () => {
    await switchFault("platform_down", "On");
    await console.getByRole("link", { name: "Rotate credentials" }).click();
    await act("The customer asked for it.");
    await console.goto(`${service.provider}/console/deliveries`);
    await untilSays(console, "main", /Try all/);
    await look(console, "console-deliveries-failing");
    await console.getByRole("link", { name: /^Try all/ }).click();
    // Only now: the worker tries by itself too, and then there would be nothing left to act on.
    await act("Heroku is well again.", () => switchFault("platform_down", "Off"));
    await untilSays(console, "main", /There is none of these/);
    await look(console, "console-deliveries-well");
  });

  test("somebody buys on AWS Marketplace, and what is used reaches AWS's ledger", async () => {
    await shop.goto(service.simulator);
    await shop.locator("form[action='/_aws/shop/buy']").getByRole("button", { name: "Buy" }).click();
    await shop.getByLabel("Your name").fill("Ada Round");
    await shop.getByLabel("Company").fill("Round");
    await shop.getByLabel("E-mail address").fill("ada@round.example");
    await look(shop, "aws-sign-up");
    await shop.locator("form button[type=submit]").click();
    await shop.getByRole("link", { name: "Open your dashboard" }).click();
    await shop.waitForURL(/\/dashboard/);
    await look(shop, "dashboard-aws");
    await use(await find("arn:aws"), 731);
    ({ now: usedAt } = await (await fetch(`${service.simulator}/_clock`)).json());
    await service.control("/_clock", { advance: "2h" });
    await shop.goto(service.simulator);
    await untilSays(shop, "#aws-ledger", /731/);
    licence = (await shop.locator("#aws-agreements code").first().textContent()) ?? "";
  });

  test("the operator compares what was billed with the seller's report", async () => {
    const day = (of: number) => {
      const month = new Date(`${usedAt.slice(0, 7)}-01T00:00:00Z`);
      month.setUTCMonth(month.getUTCMonth() + of);
      return month.toISOString().slice(0, 10);
    };
    const header = "License ARN,Dimension,Usage Quantity,Usage Start Date,Usage End Date";
    const report = `${header}\n${licence},requests,700,${day(0)},${day(1)}\n`;
    // Two hours have gone by: the session has ended.
    await signIn("/console/metering/reconcile");
    await console.locator("input[name=report]").setInputFiles({
      ...{ name: "report.csv", mimeType: "text/csv", buffer: Buffer.from(report) },
    });
    await console.getByRole("button", { name: "Compare", exact: true }).click();
    await console.getByText("Differences: 1").waitFor();
    expect(await console.locator("main").textContent()).toMatch(/731.*700/);
    await look(console, "console-reconcile");
  });
});

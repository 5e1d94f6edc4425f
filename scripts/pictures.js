// Makes the pictures of docs/pictures from a service of its own beside the simulator: `npm run pictures`. Needs Chromium.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { chromium } from "playwright-core";

const CHROMIUM = "/usr/bin/chromium";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"];
const INTO = "docs/pictures";
const [PROVIDER, SIMULATOR] = ["http://127.0.0.1:3790", "http://127.0.0.1:5790"];
const START_MS = 60_000;
const HOURS = 30;
const SECTIONS = "metering usage revenue deliveries endpoints marketplaces people audit".split(" ");

const post = async (url, body, headers = {}) => {
  const answer = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
    redirect: "manual",
    signal: AbortSignal.timeout(30_000),
  });
  if (answer.status >= 400) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return answer;
};

async function started(dataDir) {
  const env = { ...process.env, DATA_DIR: dataDir, PORT: "3790", SIMULATOR_PORT: "5790" };
  const service = spawn(process.execPath, ["dist/main.js", "serve"], { env, stdio: "ignore" });
  const until = performance.now() + START_MS;
  while (performance.now() < until) {
    const isReady = await fetch(`${PROVIDER}/readyz`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return service;
    await sleep(200);
  }
  service.kill();
  throw new Error("The service did not start.");
}

/** Some purchases, and what their customers use in a day. */
async function live(secrets, console) {
  for (const [app, plan] of [
    ["storefront", "standard"],
    ["recipes", "basic"],
    ["atlas", "premium"],
  ]) {
    await post(`${SIMULATOR}/_heroku/buy`, { app, plan: `acme-search:${plan}` });
  }
  for (let n = 0; n < 2; n += 1) await post(`${SIMULATOR}/_aws/purchases`, { register: true });
  await sleep(4_000);
  const tenants = await console.evaluate(async () => {
    const text = await (await fetch("/console/tenants/export.csv")).text();
    return text.match(/\b[a-z][a-z2-7]{25}\b/g) ?? [];
  });
  for (let hour = 0; hour < HOURS; hour += 1) {
    const { now } = await (await fetch(`${SIMULATOR}/_clock`)).json();
    const events = [...new Set(tenants)].flatMap((tenant, place) =>
      ["requests", "documents"].map((dimension, n) => ({
        id: `${hour} ${dimension}`,
        tenant,
        dimension,
        quantity: Math.round((1 + Math.sin(hour / 4 + place) ** 2) * (n === 0 ? 900 : 40) * (place + 1)),
        time: now,
      })),
    );
    await post(`${PROVIDER}/v1/usage`, events, { authorization: `Bearer ${secrets.PRODUCT_SECRET}` });
    await post(`${SIMULATOR}/_clock`, { advance: "1h" });
    await sleep(400);
  }
  await sleep(5_000);
}

async function signedIn(context, secrets) {
  const page = await context.newPage();
  await page.goto(`${PROVIDER}/console`);
  await page.fill("input[type=password]", secrets.OPERATOR_TOKEN);
  await Promise.all([page.waitForURL(`${PROVIDER}/console`), page.click("button[type=submit]")]);
  return page;
}

async function takeAll(browser, secrets, colorScheme) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 860 }, colorScheme });
  const page = await signedIn(context, secrets);
  const take = async (name) => {
    await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => undefined);
    await page.screenshot({ path: join(INTO, `${name}-${colorScheme}.png`) });
  };
  await take("console-home");
  await page.goto(`${PROVIDER}/console/tenants`);
  await take("console-tenants");
  await page.locator("tbody a").last().click();
  await page.waitForURL(/tenants\/[a-z]/);
  await take("console-tenant");
  for (const section of SECTIONS) {
    await page.goto(`${PROVIDER}/console/${section}`);
    await take(`console-${section}`);
  }
  await page.goto(SIMULATOR);
  await take("simulator");
  await page.getByRole("link", { name: "Open", exact: true }).first().click();
  await page.waitForURL(/\/dashboard/);
  await take("dashboard");
  await page.goto(`${PROVIDER}/dashboard/usage`);
  await page.locator("canvas").first().waitFor({ timeout: 5_000 });
  await take("dashboard-usage");
  await context.close();
}

const dataDir = await mkdtemp(join(tmpdir(), "stallholder-pictures-"));
await mkdir(INTO, { recursive: true });
const service = await started(dataDir);
const browser = await chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
try {
  const secrets = JSON.parse(await readFile(join(dataDir, "secrets.json"), "utf8"));
  const first = await browser.newContext();
  await live(secrets, await signedIn(first, secrets));
  await first.close();
  for (const colorScheme of ["light", "dark"]) await takeAll(browser, secrets, colorScheme);
} finally {
  await browser.close();
  const ended = new Promise((resolve) => service.once("exit", resolve));
  service.kill("SIGTERM");
  await ended;
  await rm(dataDir, { recursive: true, force: true });
}

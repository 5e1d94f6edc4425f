// Makes the pictures of docs/pictures from a service of its own beside the simulator: `npm run pictures`. Needs Chromium.
import { spawn } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
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
/** What each request of the sample costs, so that money has something to show. */
const UNIT_CENTS = { requests: 0.02, documents: 0.5 };
const PEOPLE = [
  ["ada@acme-search.example", "operator"],
  ["grace@acme-search.example", "support"],
  ["audit@acme-search.example", "viewer"],
];
const DESKTOP = { width: 1280, height: 860 };
const PHONE = { width: 390, height: 844 };
const ON_THE_PHONE = new Set(["console-home", "console-tenant", "console-metering", "dashboard", "dashboard-usage"]);
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

async function pricedManifest(dataDir) {
  const manifest = JSON.parse(await readFile("addon-manifest.json", "utf8"));
  for (const dimension of manifest.catalog.dimensions) dimension.price = { cents: UNIT_CENTS[dimension.id] };
  const path = join(dataDir, "addon-manifest.json");
  await writeFile(path, JSON.stringify(manifest));
  return path;
}

async function started(dataDir) {
  const settings = { DATA_DIR: dataDir, PORT: "3790", SIMULATOR_PORT: "5790", EVENTS_ALLOW_PRIVATE: "true" };
  const env = { ...process.env, ...settings, MANIFEST_FILE: await pricedManifest(dataDir) };
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

/** Who hears of events: a bus that takes them, and a desk that nobody answers at. */
async function subscribe(vendor) {
  const bus = "arn:aws:events:us-east-1:993604559884:event-bus/vendor";
  for (const endpoint of [
    { bus, name: "Data warehouse" },
    { url: "https://localhost:5791/events", name: "Support desk" },
  ])
    await post(`${PROVIDER}/v1/endpoints`, endpoint, vendor);
}

/** Some purchases, and what their customers use in a day. */
async function live(secrets, console) {
  const vendor = { authorization: `Bearer ${secrets.PRODUCT_SECRET}` };
  await subscribe(vendor);
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
    await post(`${PROVIDER}/v1/usage`, events, vendor);
    await post(`${SIMULATOR}/_clock`, { advance: "1h" });
    await sleep(400);
  }
  await sleep(5_000);
  await trouble(tenants, vendor);
}

/** Heroku's API is away from now on, and keys are rotated; a customer has written to the desk. */
async function trouble(tenants, vendor) {
  await post(`${SIMULATOR}/_faults`, { platform_down: true });
  for (const tenant of new Set(tenants)) await post(`${PROVIDER}/v1/credentials/rotate`, { tenant }, vendor);
  const ticket = { specversion: "1.0", source: "https://desk.acme-search.example", type: "ticket.answered" };
  for (const [place, tenant] of [...new Set(tenants)].entries()) {
    const event = { ...ticket, id: `${4711 + place}`, title: `Ticket ${4711 + place} was answered.`, public: true };
    await post(`${PROVIDER}/v1/tenants/${tenant}/events`, event, vendor);
  }
}

async function invite(page) {
  for (const [email, role] of PEOPLE) {
    await page.goto(`${PROVIDER}/console/people/add`);
    await page.fill("input[name=email]", email);
    await page.check(`input[name=role][value=${role}]`);
    await page.fill("input[name=reason]", "A new colleague.");
    await Promise.all([page.waitForURL(`${PROVIDER}/console/people**`), page.click("#confirm")]);
  }
}

async function signedIn(context, secrets) {
  const page = await context.newPage();
  await page.goto(`${PROVIDER}/console`);
  await page.fill("input[type=password]", secrets.OPERATOR_TOKEN);
  await Promise.all([page.waitForURL(`${PROVIDER}/console`), page.click("button[type=submit]")]);
  return page;
}

/** A page that is wider than its window is a fault of ours. */
async function fits(page, name) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (over > 0) throw new Error(`${name} is ${over} pixels too wide for a window of ${page.viewportSize().width}.`);
}

async function takeAll(browser, secrets, colorScheme, viewport) {
  const context = await browser.newContext({ viewport, colorScheme });
  const page = await signedIn(context, secrets);
  const isPhone = viewport === PHONE;
  const take = async (name) => {
    await page.waitForLoadState("networkidle", { timeout: 3_000 }).catch(() => undefined);
    await fits(page, name);
    if (isPhone && !ON_THE_PHONE.has(name)) return;
    await page.screenshot({ path: join(INTO, `${name}-${isPhone ? "phone-" : ""}${colorScheme}.png`) });
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
  // Thirty hours have passed: the session is over.
  await invite(await signedIn(first, secrets));
  await first.close();
  for (const colorScheme of ["light", "dark"])
    for (const viewport of [DESKTOP, PHONE]) await takeAll(browser, secrets, colorScheme, viewport);
} finally {
  await browser.close();
  const ended = new Promise((resolve) => service.once("exit", resolve));
  service.kill("SIGTERM");
  await ended;
  await rm(dataDir, { recursive: true, force: true });
}

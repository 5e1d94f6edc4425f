import type { Browser, Page } from "playwright-core";
import { assets } from "../src/dashboard/assets.ts";
import {
  type AwsShop,
  arrive,
  awsShop,
  closeAwsShops,
  event,
  purchaseOf,
  sendEvent,
  settle,
  tokenFor,
} from "./support/aws.ts";
import { axeFaults, describeWithChromium, openBrowser } from "./support/browser.ts";

describeWithChromium("the pages between AWS and the dashboard", () => {
  let shop: AwsShop;
  let browser: Browser;

  beforeAll(async () => {
    [shop, browser] = [await awsShop(), await openBrowser()];
  });
  afterAll(async () => {
    await browser.close();
    await closeAwsShops();
  });

  async function open(jar: ReadonlyMap<string, string>, path: string, colorScheme: "light" | "dark"): Promise<Page> {
    const context = await browser.newContext({ colorScheme, viewport: { width: 400, height: 900 } });
    await context.route("**/assets/*", (route) =>
      route.request().url().endsWith(".css")
        ? route.fulfill({ contentType: "text/css", body: assets.stylesheet.plain.toString() })
        : route.fulfill({ contentType: "text/javascript", body: "" }),
    );
    const cookies = [...jar].map(([name, value]) => ({ name, value, url: `${shop.url}/aws/` }));
    await context.addCookies(cookies);
    const page = await context.newPage();
    await page.goto(`${shop.url}${path}`);
    return page;
  }

  test.each(["light", "dark"] as const)("axe finds nothing to object to in %s", async (colorScheme) => {
    const one = purchaseOf();
    const jar = new Map<string, string>();
    await arrive(shop, tokenFor(shop, one), jar);
    for (const step of ["waiting", "ready"]) {
      const page = await open(jar, "/aws/setup", colorScheme);
      const faults = await axeFaults(page, { scheme: colorScheme });
      expect([step, await page.title(), faults]).toEqual([step, "Set up Acme Search · Acme Search", []]);
      const width = await page.evaluate<number>("document.documentElement.scrollWidth");
      expect(width).toBeLessThanOrEqual(400);
      await page.context().close();
      await sendEvent(shop, event("License Updated", one, shop.provider.clock.now()));
      await settle(shop);
    }
    const help = await open(new Map(), "/aws/register", colorScheme);
    expect(await axeFaults(help, { scheme: colorScheme })).toEqual([]);
    await help.context().close();
  });
});

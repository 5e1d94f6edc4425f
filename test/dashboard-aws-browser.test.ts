import { mkdirSync } from "node:fs";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import type { Tenant } from "../src/tenants/tenants.ts";
import { axeFaults, describeWithChromium, openBrowser } from "./support/browser.ts";
import { testClock } from "./support/clock.ts";
import { about } from "./support/provider.ts";
import { openVendor, type Vendor } from "./support/vending.ts";
import { enterStage, leaveStage, type Stage } from "./support/visitor.ts";

const ROLE = "arn:aws:iam::123456789012:role/with/a/rather/long/path/for-acme-search-in-production";
const pictures = join(tmpdir(), `stallholder-dashboard-${userInfo().username}`);

describeWithChromium("the AWS card in a browser", () => {
  let vendor: Vendor;
  let stage: Stage;
  let browser: Browser;

  beforeAll(async () => {
    const clock = testClock();
    vendor = await openVendor(clock);
    stage = await enterStage({ aws: vendor.aws, clock });
    browser = await openBrowser();
    mkdirSync(pictures, { recursive: true });
  });

  afterAll(async () => {
    await browser?.close();
    await leaveStage();
    await vendor.close();
  });

  async function makeRole(tenant: Tenant): Promise<void> {
    const { externalId } = await stage.shop.offerAwsConnection(about(tenant));
    const Condition = { StringEquals: { "sts:ExternalId": externalId } };
    const Statement = { Effect: "Allow", Principal: { AWS: "993604559884" }, Action: "sts:AssumeRole", Condition };
    await vendor.post("/_aws/roles", { arn: ROLE, trust: { Version: "2012-10-17", Statement }, policies: [] });
  }

  test.each([
    ["light", 1_280, true],
    ["dark", 320, false],
  ] as const)(
    "in %s at %i pixels, a connection is made without a fault of axe's",
    async (colorScheme, width, javaScriptEnabled) => {
      const tenant = await stage.pages.buy();
      // Without its own scripts the page is looked at by ours all the same: only the page's are off.
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme });
      const page = await context.newPage();
      if (!javaScriptEnabled) await page.route("**/*.js", (route) => route.abort());
      const look = async (name: string) => {
        expect(await axeFaults(page, { scheme: colorScheme, within: "#aws" })).toEqual([]);
        expect(await page.evaluate("document.documentElement.scrollWidth")).toBe(width);
        await page.locator("#aws").screenshot({ path: join(pictures, `aws-${name}-${colorScheme}-${width}.png`) });
      };
      await page.goto(stage.url + stage.pages.signInPath(tenant));
      await look("none");
      await page.click("#aws-offer");
      await look("offered");
      await page.fill("#aws-role", "arn:aws:iam::123456789012:user/ada");
      await page.click("#aws-connect");
      await page.getByRole("alert").waitFor();
      await look("refused");
      await makeRole(tenant);
      await page.fill("#aws-role", ROLE);
      await page.click("#aws-connect");
      await page.getByText("Connected", { exact: true }).waitFor();
      await look("connected");
      await page.click("#aws-disconnect");
      await page.locator("#aws-offer").waitFor();
      await context.close();
    },
  );
});

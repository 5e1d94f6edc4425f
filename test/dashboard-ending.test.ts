import supertest from "supertest";
import {
  type AwsShop,
  arrive,
  awsShop,
  closeAwsShops,
  event,
  type Purchase,
  purchaseOf,
  rowOf,
  sendEvent,
  settle,
  tokenFor,
} from "./support/aws.ts";
import { DAY, HOUR } from "./support/clock.ts";
import { type DashboardOfShop, dashboardOf } from "./support/dashboard-app.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { wordsOf } from "./support/words.ts";

const BANNER = /<p class="status wait" role="note"><strong class="badge">Ending<\/strong>.*?<\/p>/s;

describe("the head of the dashboard", () => {
  let shop: TestProvider;

  beforeAll(async () => {
    shop = await testProvider();
  });
  afterAll(closeProviders);

  async function pagesOf(pages: DashboardOfShop): Promise<string[]> {
    const agent = supertest.agent(pages.app);
    await agent.get(pages.signInPath(await pages.buy())).expect(303);
    const texts = [];
    for (const path of ["/dashboard", "/dashboard/usage"]) texts.push((await agent.get(path).expect(200)).text);
    return texts;
  }

  test("names the deployment on every page, unless it is production", async () => {
    for (const text of await pagesOf(dashboardOf(shop, { environment: "staging" })))
      expect(text).toContain('<span class="badge wait">staging</span>');
    for (const text of await pagesOf(dashboardOf(shop))) expect(text).not.toContain("production");
  });

  test.each([
    [12 * DAY - HOUR, "in 12 days"],
    [5 * HOUR, "in 5 hours"],
    [HOUR / 2, "in 1 hour"],
    [-HOUR, "any moment now"],
  ])("counts down to the removal of what ends, and says what goes: %d ms", async (left, words) => {
    const at = new Date(shop.clock.now().getTime() + left);
    const texts = { ending: { at, why: "You gave notice." } };
    for (const text of await pagesOf(dashboardOf(shop, { texts }))) {
      const said = wordsOf(BANNER.exec(text)?.[0] ?? "");
      const on = at.toISOString().slice(0, 16).replace("T", " ");
      expect(said).toContain(
        `Ending You gave notice. Removed on ${on} UTC , ${words}: then every credential is refused`,
      );
      expect(said).toContain("Export your data before that.");
    }
    expect((await pagesOf(dashboardOf(shop))).join()).not.toMatch(BANNER);
  });
});

describe("a purchase on AWS Marketplace that ends", () => {
  let shop: AwsShop;

  beforeAll(async () => {
    shop = await awsShop();
  });
  afterAll(closeAwsShops);

  const now = () => shop.provider.clock.now();

  async function endingOf(one: Purchase) {
    const row = await rowOf(shop, one.arn);
    const found = await shop.provider.findTenant({ tenant: String(row?.tenant_id) });
    if (found === undefined) throw new Error("It has no tenant.");
    return (await shop.marketplace.describe(found)).ending;
  }

  async function bought(): Promise<Purchase> {
    const one = purchaseOf();
    await arrive(shop, tokenFor(shop, one));
    await sendEvent(shop, event("License Updated", one, now()));
    await settle(shop);
    return one;
  }

  test("says so from the notice on, until it is taken as final", async () => {
    const one = await bought();
    expect(await endingOf(one)).toBeUndefined();
    const noticed = now();
    await sendEvent(shop, event("Purchase Agreement Ended", one, noticed, { status: "CANCELLED" }));
    await settle(shop);
    expect(await endingOf(one)).toEqual({ at: new Date(noticed.getTime() + 2 * HOUR), why: expect.any(String) });
  });

  test("says so where the agreement runs out, and not where it renews", async () => {
    const one = await bought();
    const at = new Date(now().getTime() + 30 * DAY);
    for (const [then, ending] of [
      ["EXPIRE", { at, why: expect.stringContaining("does not renew") }],
      ["RENEW", undefined],
    ] as const) {
      await shop.provider.look("update aws_licences set agreement = $1 where key = $2", [
        JSON.stringify({ end: at, at_end: then }),
        one.arn,
      ]);
      expect(await endingOf(one)).toEqual(ending);
    }
  });
});

import {
  type AwsShop,
  arrive,
  awsShop,
  closeAwsShops,
  event,
  purchaseOf,
  rowOf,
  sendEvent,
  settle,
  tokenFor,
} from "./support/aws.ts";

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterAll(closeAwsShops);

const now = () => shop.provider.clock.now();

describe("a purchase on AWS", () => {
  test("becomes a tenant when the licence event comes first and the buyer after it", async () => {
    const bought = purchaseOf();
    expect(await sendEvent(shop, event("Purchase Agreement Created", bought, now(), { intent: "NEW" }))).toBe(200);
    expect(await sendEvent(shop, event("License Updated", bought, now()))).toBe(200);
    await settle(shop);
    expect(await rowOf(shop, bought.arn)).toMatchObject({ state: "active", tenant_id: null });
    const jar = new Map<string, string>();
    const visit = await arrive(shop, tokenFor(shop, bought), jar);
    expect([visit.status, visit.location]).toEqual([303, "/aws/setup"]);
    expect(await rowOf(shop, bought.arn)).toMatchObject({ state: "active", tenant_state: "active", plan: "basic" });
  });
});

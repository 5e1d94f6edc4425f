import {
  type AwsShop,
  agreementOf,
  arrive,
  awsShop,
  closeAwsShops,
  type EventOptions,
  notice,
  type Purchase,
  payersIn,
  purchaseOf,
  rowOf,
  settle,
  tellEvent,
  tellNotice,
  tokenFor,
} from "./support/aws.ts";
import { DAY, HOUR, MINUTE } from "./support/clock.ts";

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterEach(() => {
  shop.aws.silent = { agreements: false, entitlements: false };
});
afterAll(closeAwsShops);

const now = () => shop.provider.clock.now();

const tell = (of: Purchase, type: string, more?: EventOptions) => tellEvent(shop, of, type, more);

const payersOf = (tenant: string | null | undefined) => payersIn(shop, tenant);

describe("a purchase of the older generation", () => {
  const legacyKey = (one: Purchase) => `${one.product.code}:${one.customer}`;

  async function subscribe(one: Purchase): Promise<void> {
    await tellNotice(shop, notice("subscribe-success", one));
    await arrive(shop, tokenFor(shop, one, "legacy"));
    await settle(shop);
  }

  test("becomes a tenant, is closed at the announcement, and stays when the customer comes back in time", async () => {
    const one = purchaseOf();
    await subscribe(one);
    const { tenant_id } = (await rowOf(shop, legacyKey(one))) ?? {};
    shop.provider.clock.advance(HOUR);
    await tellNotice(shop, notice("unsubscribe-pending", one));
    expect(await rowOf(shop, legacyKey(one))).toMatchObject({ state: "ending", tenant_state: "active" });
    shop.provider.clock.advance(MINUTE);
    await tellNotice(shop, notice("subscribe-success", one));
    expect(await rowOf(shop, legacyKey(one))).toMatchObject({ state: "active", tenant_id, tenant_state: "active" });
    expect(await payersOf(tenant_id)).toMatchObject([{ ended_at: expect.any(Date) }, { ended_at: null }]);
  });

  test("that ended and comes back under the same name gets another tenant", async () => {
    const one = purchaseOf();
    await subscribe(one);
    const first = await rowOf(shop, legacyKey(one));
    await tellNotice(shop, notice("unsubscribe-pending", one));
    shop.provider.clock.advance(HOUR);
    await tellNotice(shop, notice("unsubscribe-success", one));
    expect((await rowOf(shop, legacyKey(one)))?.tenant_state).toMatch(/deprovisioning|gone/);
    await tellNotice(shop, notice("subscribe-success", one));
    const second = await rowOf(shop, legacyKey(one));
    expect(second).toMatchObject({ state: "active", tenant_state: "active" });
    expect(second?.tenant_id).not.toBe(first?.tenant_id);
    const found = await shop.provider.findTenant({ marketplace: "aws", resourceId: legacyKey(one) });
    expect(found?.id).toBe(second?.tenant_id);
  });

  test("whose payment fails gets no tenant", async () => {
    const one = purchaseOf();
    await arrive(shop, tokenFor(shop, one, "legacy"));
    await tellNotice(shop, notice("subscribe-fail", one));
    expect(await rowOf(shop, legacyKey(one))).toMatchObject({ state: "failed", tenant_id: null });
  });

  test("that moves to the newer generation keeps its tenant, and pays by the new name from the next full hour", async () => {
    const one = purchaseOf();
    await subscribe(one);
    const { tenant_id } = (await rowOf(shop, legacyKey(one))) ?? {};
    shop.provider.clock.advance(DAY + 20 * MINUTE);
    shop.aws.agreements.set(one.agreement, agreementOf(one, { start: new Date(now().getTime() - DAY - 20 * MINUTE) }));
    await tell(one, "License Updated");
    expect(await rowOf(shop, one.arn)).toMatchObject({ tenant_id });
    const hour = Math.floor(now().getTime() / HOUR + 1) * HOUR;
    expect(await payersOf(tenant_id)).toMatchObject([
      { billing_reference: expect.stringContaining("legacy") },
      { billing_reference: expect.stringContaining(one.arn), from_hour: new Date(hour) },
    ]);
    shop.provider.clock.advance(3 * HOUR);
    await tell(one, "License Updated");
    expect(await payersOf(tenant_id)).toHaveLength(2);
    const renewed = purchaseOf("payg", { account: one.account });
    shop.aws.agreements.set(renewed.agreement, agreementOf(renewed, { initial: one.agreement }));
    await tell(one, "Purchase Agreement Ended", { status: "RENEWED" });
    await tell(renewed, "License Updated");
    const [, second, third] = await payersOf(tenant_id);
    expect(second?.from_hour).toEqual(new Date(hour));
    expect(third?.from_hour).toEqual(new Date(Math.floor(now().getTime() / HOUR) * HOUR));
  });

  test("of a contract ends when nothing is left of it, and returns when there is", async () => {
    const one = purchaseOf("contract");
    shop.aws.granted.set(one.customer, [{ dimension: "requests", value: 5 }]);
    await tellNotice(shop, notice("entitlement-updated", one));
    await arrive(shop, tokenFor(shop, one, "legacy"));
    await settle(shop);
    expect(await rowOf(shop, legacyKey(one))).toMatchObject({ state: "active", tenant_state: "active" });
    shop.aws.granted.delete(one.customer);
    shop.provider.clock.advance(MINUTE);
    await tellNotice(shop, notice("entitlement-updated", one));
    await settle(shop);
    expect(await rowOf(shop, legacyKey(one))).toMatchObject({ state: "ended" });
    expect((await rowOf(shop, legacyKey(one)))?.tenant_state).toMatch(/deprovisioning|gone/);
  });
});

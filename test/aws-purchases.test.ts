import { listUnclaimed } from "../src/marketplaces/aws/review/review.ts";
import { Refused } from "../src/product/product.ts";
import {
  type AwsShop,
  agreementOf,
  arrive,
  awsShop,
  closeAwsShops,
  type EventOptions,
  type Purchase,
  payersIn,
  purchaseOf,
  rowOf,
  SECRETS,
  sendEvent,
  settle,
  tellEvent,
  tokenFor,
} from "./support/aws.ts";
import { DAY, HOUR, MINUTE } from "./support/clock.ts";
import { operating } from "./support/operating.ts";

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

async function bought(
  product: Parameters<typeof purchaseOf>[0] = "payg",
  like: Partial<Purchase> = {},
): Promise<Purchase> {
  const one = purchaseOf(product, like);
  if (product !== "payg") shop.aws.granted.set(one.arn, [{ dimension: "requests", value: 500 }]);
  await tell(one, "Purchase Agreement Created", { intent: "NEW" });
  await tell(one, "License Updated");
  await arrive(shop, tokenFor(shop, one));
  await settle(shop);
  return one;
}

const payersOf = (tenant: string | null | undefined) => payersIn(shop, tenant);

describe("a purchase on AWS", () => {
  test("becomes a tenant when the licence event comes first and the buyer after it", async () => {
    const one = purchaseOf();
    await tell(one, "Purchase Agreement Created", { intent: "NEW" });
    await tell(one, "License Updated");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "active", tenant_id: null });
    const visit = await arrive(shop, tokenFor(shop, one));
    expect([visit.status, visit.location]).toEqual([303, "/aws/setup"]);
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "active", tenant_state: "active", plan: "basic" });
  });

  test("becomes a tenant when the buyer comes first, and has no access before the licence", async () => {
    const one = purchaseOf();
    await arrive(shop, tokenFor(shop, one));
    await settle(shop);
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "unknown", tenant_id: null });
    await tell(one, "License Updated");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "active", tenant_state: "active" });
  });

  test("is found by the API under its licence, and paid for from the licence's beginning", async () => {
    const one = await bought();
    const found = await shop.provider.findTenant({ marketplace: "aws", resourceId: one.arn });
    const row = await rowOf(shop, one.arn);
    expect(found?.id).toBe(row?.tenant_id);
    expect(await payersOf(found?.id)).toMatchObject([
      {
        billing_reference: JSON.stringify(["licence", one.arn, one.account, "us-east-1"]),
        bills: "all",
        ended_at: null,
      },
    ]);
  });

  test("does not wait for an Agreement API that is silent", async () => {
    shop.aws.silent.agreements = true;
    const one = purchaseOf();
    await tell(one, "License Updated");
    await arrive(shop, tokenFor(shop, one));
    expect(await rowOf(shop, one.arn)).toMatchObject({ tenant_state: "active" });
  });

  test("that nobody registers is listed as unclaimed", async () => {
    const one = purchaseOf();
    await tell(one, "License Updated");
    const rows = await listUnclaimed(operating(shop.options.store));
    expect(rows.map(({ key }) => key)).toContain(one.arn);
  });

  test("ends: billing at the first notice with an hour for the rest, access at the last", async () => {
    const one = await bought();
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    await tell(one, "Purchase Agreement Ended", { status: "CANCELLED" });
    const endedAt = now();
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ending", tenant_state: "active" });
    expect(await payersOf(tenant_id)).toMatchObject([
      { ended_at: endedAt, flush_by: new Date(endedAt.getTime() + HOUR) },
    ]);
    const receipts = await shop.provider.recordUsage({ kind: "product" }, [
      { id: "late", tenant: tenant_id, dimension: "requests", quantity: 1 },
    ]);
    expect(receipts).toMatchObject([{ status: "refused", code: "usage_closed" }]);
    await tell(one, "License Deprovisioned");
    expect((await rowOf(shop, one.arn))?.tenant_state).toMatch(/deprovisioning|gone/);
    expect(await payersOf(tenant_id)).toMatchObject([{ ended_at: endedAt }]);
  });

  test("ends also when the final notice is lost", async () => {
    const one = await bought();
    await tell(one, "Purchase Agreement Ended", { status: "EXPIRED" });
    shop.provider.clock.advance(2 * HOUR);
    await settle(shop);
    expect((await rowOf(shop, one.arn))?.tenant_state).toMatch(/deprovisioning|gone/);
  });

  test("is not ended by a renewal: the new licence joins the tenant and pays from its beginning", async () => {
    const one = await bought();
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    const renewed = purchaseOf("payg", { account: one.account });
    shop.provider.clock.advance(DAY);
    await tell(one, "Purchase Agreement Ended", { status: "RENEWED" });
    await tell(renewed, "Purchase Agreement Created", { intent: "RENEW" });
    await tell(one, "License Deprovisioned");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ended", tenant_state: "active" });
    shop.aws.agreements.set(renewed.agreement, agreementOf(renewed, { initial: one.agreement }));
    await tell(renewed, "License Updated");
    expect(await rowOf(shop, renewed.arn)).toMatchObject({ tenant_id, tenant_state: "active", review: null });
    expect(await rowOf(shop, one.arn)).toMatchObject({ review: null });
    expect(await payersOf(tenant_id)).toMatchObject([
      { billing_reference: expect.stringContaining(one.arn), ended_at: expect.any(Date) },
      { billing_reference: expect.stringContaining(renewed.arn), ended_at: null },
    ]);
    const found = await shop.provider.findTenant({ marketplace: "aws", resourceId: renewed.arn });
    expect(found?.id).toBe(tenant_id);
  });

  test("waits as unclaimed while nobody says what it renews, and joins later", async () => {
    const one = await bought();
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    const renewed = purchaseOf("payg", { account: one.account });
    shop.aws.silent.agreements = true;
    await tell(one, "Purchase Agreement Ended", { status: "REPLACED" });
    await tell(renewed, "Purchase Agreement Created", { intent: "REPLACE" });
    await tell(renewed, "License Updated");
    await arrive(shop, tokenFor(shop, renewed));
    await settle(shop);
    expect(await rowOf(shop, renewed.arn)).toMatchObject({
      tenant_id: null,
      review: expect.stringMatching(/renews or replaces/),
    });
    shop.aws.silent.agreements = false;
    shop.aws.agreements.set(renewed.agreement, agreementOf(renewed, { initial: one.agreement }));
    shop.provider.clock.advance(2 * MINUTE);
    await settle(shop);
    expect(await rowOf(shop, renewed.arn)).toMatchObject({ tenant_id, review: null });
  });

  test("whose licence ends without a reason given keeps its tenant for as long as that may be a renewal", async () => {
    const one = await bought();
    shop.aws.silent.agreements = true;
    await tell(one, "License Deprovisioned");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ended", tenant_state: "active" });
    shop.provider.clock.advance(6 * MINUTE);
    await settle(shop);
    expect((await rowOf(shop, one.arn))?.tenant_state).toMatch(/deprovisioning|gone/);
  });

  test("that a product refuses is for a person to look at", async () => {
    const one = purchaseOf();
    shop.provider.product.answer(new Refused("No room."));
    await tell(one, "License Updated");
    await arrive(shop, tokenFor(shop, one));
    await settle(shop);
    expect(await rowOf(shop, one.arn)).toMatchObject({
      tenant_state: "failed",
      review: expect.stringContaining("No room."),
    });
  });

  test("can be replayed by the events that a provider takes, and has none of the older generation", async () => {
    const one = await bought();
    const tenant = await shop.provider.findTenant({ marketplace: "aws", resourceId: one.arn });
    if (tenant === undefined) throw new Error("There is no tenant.");
    const requestOf = (kind: "provision" | "deprovision" | "suspend", of = tenant) =>
      shop.marketplace.requestOf?.(of, { kind, target: {} });
    const again = purchaseOf();
    const replay = (body: unknown) => {
      const ofAgain = JSON.stringify(body).replaceAll(one.arn, again.arn).replaceAll(one.account, again.account);
      return sendEvent(shop, ofAgain).then(() => settle(shop));
    };
    const asked = requestOf("provision");
    expect(asked).toMatchObject({ path: "/aws/events", authorization: { bearer: "$AWS_EVENTS_SECRET" } });
    expect(JSON.stringify(asked)).not.toContain(SECRETS[0]);
    await replay(asked?.body);
    await arrive(shop, tokenFor(shop, again));
    await settle(shop);
    expect(await rowOf(shop, again.arn)).toMatchObject({ state: "active", tenant_state: "active", plan: tenant.plan });
    shop.provider.clock.advance(MINUTE);
    await replay(requestOf("deprovision")?.body);
    expect(await rowOf(shop, again.arn)).toMatchObject({ state: "ended" });
    expect(requestOf("suspend")).toBeUndefined();
    expect(requestOf("provision", { ...tenant, resourceId: "mixed-code:customer-1" })).toBeUndefined();
  });
});

describe("a contract on AWS", () => {
  test("sets the tenant's limits by what was bought, again at each amendment", async () => {
    const one = await bought("contract");
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    const limits = async () =>
      (await shop.provider.look<{ limits: object }>("select limits from tenants where id = $1", [tenant_id]))[0]
        ?.limits;
    expect(await limits()).toEqual({ requests: 500 });
    shop.aws.granted.set(one.arn, [{ dimension: "requests", value: 900 }]);
    await tell(one, "License Updated");
    expect(await limits()).toEqual({ requests: 900 });
    expect(await payersOf(tenant_id)).toMatchObject([{ bills: "none" }]);
  });

  test("keeps the last good copy while AWS is silent, marked stale, and no longer than a day", async () => {
    const one = await bought("contract");
    shop.aws.silent.entitlements = true;
    shop.provider.clock.advance(20 * MINUTE);
    await settle(shop);
    const row = () =>
      shop.provider.look(
        `select l.entitlements_stale as stale, t.limits from aws_licences l join tenants t on t.id = l.tenant_id
         where l.key = $1`,
        [one.arn],
      );
    expect(await row()).toEqual([{ stale: true, limits: { requests: 500 } }]);
    shop.provider.clock.advance(DAY);
    await settle(shop);
    expect(await row()).toEqual([{ stale: true, limits: {} }]);
  });

  test("includes what was bought before anybody pays, and lets nobody pay while that is not known", async () => {
    const one = purchaseOf("mixed");
    shop.aws.silent.entitlements = true;
    await tell(one, "License Updated");
    await arrive(shop, tokenFor(shop, one));
    await settle(shop);
    const { tenant_id } = (await rowOf(shop, one.arn)) ?? {};
    expect(tenant_id).not.toBeNull();
    expect(await payersOf(tenant_id)).toEqual([]);
    shop.aws.silent.entitlements = false;
    shop.aws.granted.set(one.arn, [{ dimension: "requests", value: 500 }]);
    shop.provider.clock.advance(MINUTE);
    await settle(shop);
    expect(await payersOf(tenant_id)).toMatchObject([{ bills: "excess" }]);
    const included = await shop.provider.look(
      "select dimension, quantity::int from usage_included where tenant_id = $1",
      [tenant_id],
    );
    expect(included).toEqual([{ dimension: "requests", quantity: 500 }]);
  });

  test("is not ended by an event that AWS's entitlements contradict, until they stop", async () => {
    const one = await bought("contract");
    await tell(one, "Purchase Agreement Ended", { status: "CANCELLED" });
    await tell(one, "License Deprovisioned");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ended", tenant_state: "active" });
    shop.aws.granted.delete(one.arn);
    shop.provider.clock.advance(MINUTE);
    await settle(shop);
    expect((await rowOf(shop, one.arn))?.tenant_state).toMatch(/deprovisioning|gone/);
  });
});

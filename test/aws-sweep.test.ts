import { sweepAgreements } from "../src/marketplaces/aws/inbox/sweep-agreements.ts";
import { listReview, replayMessage } from "../src/marketplaces/aws/review/review.ts";
import {
  type AwsShop,
  agreementOf,
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
import { DAY, HOUR, MINUTE } from "./support/clock.ts";
import { operating } from "./support/operating.ts";

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterAll(closeAwsShops);

const now = () => shop.provider.clock.now();

async function swept(): Promise<void> {
  shop.provider.clock.advance(11 * MINUTE);
  await sweepAgreements(shop.options);
  await settle(shop);
}

async function told(of: Purchase, type: string, more: object = {}): Promise<string> {
  const body = { ...event(type, of, now(), more) };
  await sendEvent(shop, body);
  await settle(shop);
  return body.id;
}

async function messageOf(id: string): Promise<{ id: string; state: string; fault: string | null } | undefined> {
  const [row] = await shop.provider.look<{ id: string; state: string; fault: string | null }>(
    "select id, state, fault from aws_messages where message_id = $1",
    [id],
  );
  return row;
}

const reviewed = async (): Promise<readonly string[]> =>
  (await listReview(operating(shop.options.store), now())).map(({ id }) => id);

describe("a licence that is spoken of after its agreement has ended", () => {
  test("ends by what its agreement says, and its buyer gets no tenant", async () => {
    const one = purchaseOf();
    const long = new Date(now().getTime() - 5 * HOUR);
    shop.aws.agreements.set(one.agreement, { ...agreementOf(one, { status: "CANCELLED" }), updatedAt: long });
    await told(one, "License Updated");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ending", tenant_id: null });
    await arrive(shop, tokenFor(shop, one));
    shop.provider.clock.advance(3 * HOUR);
    await settle(shop);
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ending", tenant_id: null });
  });

  test("whose buyer was here before ends with the tenant that was made", async () => {
    const one = purchaseOf();
    shop.aws.agreements.set(one.agreement, agreementOf(one, { status: "TERMINATED" }));
    await arrive(shop, tokenFor(shop, one));
    await told(one, "License Updated");
    shop.provider.clock.advance(3 * HOUR);
    await settle(shop);
    const { tenant_state: state } = (await rowOf(shop, one.arn)) ?? {};
    expect([null, "gone"]).toContain(state);
  });
});

describe("an agreement that begins later, and whose licence event is lost,", () => {
  async function ahead(days: number, status = "ACTIVE"): Promise<Purchase> {
    const one = purchaseOf();
    const start = new Date(now().getTime() + days * DAY);
    shop.aws.agreements.set(one.agreement, { ...agreementOf(one, { start, status }), updatedAt: now() });
    await swept();
    await arrive(shop, tokenFor(shop, one));
    return one;
  }

  test("has a tenant once its start has come, and not before", async () => {
    const one = await ahead(2);
    shop.provider.clock.advance(DAY);
    await swept();
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "unknown", tenant_id: null });
    expect(await reviewed()).toEqual([]);
    shop.provider.clock.advance(DAY);
    await swept();
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "active", tenant_state: "active" });
  });

  test("has none when it was cancelled before", async () => {
    const one = await ahead(2);
    const found = agreementOf(one, { start: new Date(now().getTime() + DAY), status: "CANCELLED" });
    shop.aws.agreements.set(one.agreement, { ...found, updatedAt: now() });
    await swept();
    shop.provider.clock.advance(3 * DAY);
    await swept();
    expect((await rowOf(shop, one.arn))?.tenant_id).toBeNull();
  });
});

describe("events of a product that is not sold here", () => {
  const foreign = () =>
    purchaseOf("payg", { product: { ...purchaseOf().product, code: "other", id: "prod-other" } as never });
  const why = "About the product prod-other, which the manifest does not name.";

  test("are set aside as soon as one of them names it, and nobody has to look at them", async () => {
    const one = foreign();
    const before = await told(one, "Purchase Agreement Created", { intent: "NEW" });
    expect(await messageOf(before)).toMatchObject({ state: "waiting" });
    const naming = await told(one, "License Updated");
    const after = await told(one, "Purchase Agreement Ended", { status: "CANCELLED" });
    const messages = await Promise.all([before, naming, after].map(messageOf));
    for (const message of messages) expect(message).toMatchObject({ state: "ignored", fault: why });
    shop.provider.clock.advance(2 * HOUR);
    const toReview = await reviewed();
    for (const message of messages) expect(toReview).not.toContain(message?.id);
  });

  test("are set aside by the sweep where none of them names it", async () => {
    const one = foreign();
    shop.aws.agreements.set(one.agreement, agreementOf(one));
    const id = await told(one, "Purchase Agreement Created", { intent: "NEW" });
    await swept();
    expect(await messageOf(id)).toMatchObject({ state: "ignored", fault: why });
  });

  test("count when they are read again and the product is sold here by then", async () => {
    const one = foreign();
    const created = await told(one, "Purchase Agreement Created", { intent: "NEW" });
    const naming = await messageOf(await told(one, "License Updated"));
    await shop.provider.look(
      `update aws_messages set body = convert_to(replace(convert_from(body, 'utf8'), '"other"', '"payg-code"'), 'utf8')
       where id = $1`,
      [naming?.id],
    );
    expect(await replayMessage(operating(shop.options.store), naming?.id ?? "")).toBe(true);
    await settle(shop);
    expect(await messageOf(created)).toMatchObject({ state: "applied", fault: null });
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "active" });
  });
});

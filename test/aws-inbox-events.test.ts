import { listReview, replayMessage } from "../src/marketplaces/aws/review/review.ts";
import {
  type AwsShop,
  awsShop,
  closeAwsShops,
  event,
  purchaseOf,
  rowOf,
  SECRETS,
  sendEvent,
  settle,
} from "./support/aws.ts";
import { HOUR } from "./support/clock.ts";
import { operating } from "./support/operating.ts";

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterAll(closeAwsShops);

describe("an event of EventBridge", () => {
  const now = () => shop.provider.clock.now();

  test("needs one of the secrets", async () => {
    const body = event("License Updated", purchaseOf(), now());
    for (const secret of SECRETS) expect(await sendEvent(shop, { ...body, id: secret }, secret)).toBe(200);
    for (const secret of ["", "wrong", SECRETS.join(","), `${SECRETS[0]} `.trimEnd().toUpperCase()])
      expect(await sendEvent(shop, body, secret)).toBe(401);
    expect((await fetch(`${shop.url}/aws/events`, { method: "POST", body: "{}" })).status).toBe(401);
  });

  test("finds the door closed where no secret is set", async () => {
    const closed = await awsShop({ settings: { eventsSecrets: [] } });
    expect(await sendEvent(closed, event("License Updated", purchaseOf(), now()), "")).toBe(401);
    expect(await sendEvent(closed, event("License Updated", purchaseOf(), now()))).toBe(401);
  });

  const stateOf = async (id: string) =>
    (await shop.provider.look<{ state: string }>("select state from aws_messages where message_id = $1", [id]))[0]
      ?.state;

  test.each<[string, object, string]>([
    ["of a kind that nobody knows", { "detail-type": "Offer Released - Proposer" }, "ignored"],
    ["of another source", { source: "aws.ec2" }, "ignored"],
    ["without a time", { time: undefined }, "flagged"],
    ["with a time that is none", { time: "yesterday" }, "flagged"],
    ["without a detail", { detail: undefined }, "flagged"],
    ["with a detail that is a list", { detail: [] }, "flagged"],
    ["with a licence that is a number", { detail: { license: { arn: 5 }, product: { code: "payg-code" } } }, "flagged"],
    [
      "of a product that is not sold here",
      { detail: { license: { arn: "arn:x" }, product: { code: "x" } } },
      "ignored",
    ],
  ])("%s is kept", async (_, changed, state) => {
    const body = { ...event("License Updated", purchaseOf(), now()), ...changed };
    expect(await sendEvent(shop, body)).toBe(200);
    await settle(shop);
    expect(await stateOf(body.id)).toBe(state);
  });

  test("that is no JSON is kept and shown to a person", async () => {
    expect(await sendEvent(shop, "<html>")).toBe(200);
    await settle(shop);
    const items = await listReview(operating(shop.options.store), now());
    expect(items.map(({ why }) => why)).toContain("The body is no JSON object.");
  });

  test("can be read again, once the product it is about is sold here", async () => {
    const one = purchaseOf();
    const sold = event("License Updated", one, now());
    const product = { id: "prod-later", code: "later" };
    const body = { ...sold, detail: { ...sold.detail, product } };
    await sendEvent(shop, body);
    await settle(shop);
    expect(await stateOf(body.id)).toBe("ignored");
    await shop.provider.look(
      "update aws_messages set body = convert_to(replace(convert_from(body, 'utf8'), '\"later\"', '\"payg-code\"'), 'utf8') where message_id = $1",
      [body.id],
    );
    const [row] = await shop.provider.look<{ id: string }>("select id from aws_messages where message_id = $1", [
      body.id,
    ]);
    expect(await replayMessage(operating(shop.options.store), String(row?.id))).toBe(true);
    await settle(shop);
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "active" });
    expect(await replayMessage(operating(shop.options.store), "999999999")).toBe(false);
  });

  test("about an agreement waits until the licence is known", async () => {
    const one = purchaseOf();
    const ended = event("Purchase Agreement Ended", one, now(), { status: "CANCELLED", role: "Proposer" });
    await sendEvent(shop, ended);
    await settle(shop);
    expect(await stateOf(ended.id)).toBe("waiting");
    await sendEvent(shop, event("License Updated", one, new Date(now().getTime() - HOUR)));
    await settle(shop);
    expect(await stateOf(ended.id)).toBe("applied");
    expect(await rowOf(shop, one.arn)).toMatchObject({ state: "ending" });
  });

  test("that is larger than any of AWS's is refused", async () => {
    expect(await sendEvent(shop, `"${"x".repeat(300_000)}"`)).toBe(413);
  });
});

import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { act, actionsIn, confirmAll, envelopesIn, eventsIn, typesIn, until } from "./support/aws-messages.ts";
import { closeAws, EVENTS_SECRET, openAws } from "./support/open-aws.ts";

afterEach(closeAws);

describe("events of a licence", () => {
  test("a purchase is told by two events with the envelope of the real ones", async () => {
    const aws = await openAws();
    await aws.at("2026-05-10T10:00:00.500Z");
    const { agreement, account, licence } = await aws.buy("subscription");
    expect(aws.received[0]?.headers).toMatchObject({ authorization: `Bearer ${EVENTS_SECRET}` });
    const envelope = {
      version: "0",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: "aws.agreement-marketplace",
      account: "993604559884",
      time: "2026-05-10T10:00:00Z",
      region: "us-east-1",
      resources: [`arn:aws:aws-marketplace::aws:agreement:${agreement}`],
    };
    const detail = {
      requestId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      catalog: "AWSMarketplace",
      acceptor: { accountId: account },
      proposer: { accountId: "993604559884" },
      offer: { id: expect.stringMatching(/^offer-/) },
    };
    const start = "2026-05-10T10:00:00.000Z";
    expect(eventsIn(aws)).toEqual([
      {
        ...envelope,
        "detail-type": "Purchase Agreement Created - Proposer",
        detail: {
          ...detail,
          agreement: {
            id: agreement,
            intent: "NEW",
            status: "ACTIVE",
            acceptanceTime: start,
            startTime: start,
            endTime: "9999-01-01T00:00:00Z",
          },
          resaleAuthorization: { id: null },
        },
      },
      {
        ...envelope,
        "detail-type": "License Updated - Manufacturer",
        detail: {
          ...detail,
          license: { arn: licence },
          product: { id: "prod-payg", code: "payasyougo1" },
          agreement: { id: agreement },
        },
      },
    ]);
  });

  test("an end names neither offer nor product nor licence, and the licence goes after it", async () => {
    const aws = await openAws();
    const { agreement } = await aws.buy("subscription");
    await act(aws, agreement, "cancel");
    const [, , ended, deprovisioned] = eventsIn(aws);
    expect(ended["detail-type"]).toBe("Purchase Agreement Ended - Proposer");
    expect(Object.keys(ended.detail).sort()).toEqual([
      ...["acceptor", "agreement", "catalog", "proposer", "requestId", "resaleAuthorization"],
    ]);
    expect(ended.detail.agreement).toEqual({ id: agreement, status: "CANCELLED" });
    expect(deprovisioned["detail-type"]).toBe("License Deprovisioned - Manufacturer");
  });

  test("a renewal makes a new agreement and ends the old one as renewed", async () => {
    const aws = await openAws();
    const first = await aws.buy("contract");
    const second = await act(aws, first.agreement, "renew");
    const [created, updated, ended, deprovisioned] = eventsIn(aws).slice(2);
    expect(created.detail.agreement).toMatchObject({ id: second.agreement, intent: "RENEW" });
    expect(updated.detail.license.arn).toBe(second.licence);
    expect(ended.detail.agreement).toEqual({ id: first.agreement, status: "RENEWED" });
    expect(deprovisioned.detail.license.arn).toBe(first.licence);
    expect(second.initial_agreement).toBe(first.agreement);
  });

  test("an amendment keeps agreement and licence", async () => {
    const aws = await openAws();
    const { agreement, licence } = await aws.buy("contract");
    await act(aws, agreement, "amend", { quantities: { requests: 1 } });
    const [amended, updated] = eventsIn(aws).slice(2);
    expect(amended["detail-type"]).toBe("Purchase Agreement Amended - Proposer");
    expect(amended.detail.agreement).toMatchObject({ id: agreement, intent: "AMEND" });
    expect(updated.detail.license.arn).toBe(licence);
  });

  test("of a reseller's sale the seller hears as the manufacturer", async () => {
    const aws = await openAws();
    await aws.buy("subscription", { resold: true });
    const [created] = eventsIn(aws);
    expect(created["detail-type"]).toBe("Purchase Agreement Created - Manufacturer");
    expect(created.detail.proposer.accountId).not.toBe("993604559884");
    expect(created.detail.resaleAuthorization.id).toEqual(expect.any(String));
  });

  test("a future-dated licence is told when it begins, and a contract ends or renews itself at its date", async () => {
    const aws = await openAws();
    await aws.at("2026-05-10T10:00:00Z");
    const later = await aws.buy("contract", { start: "2026-05-11T00:00:00Z", months: 1 });
    expect(typesIn(aws)).toEqual(["Purchase Agreement Created"]);
    await aws.at("2026-05-11T00:00:01Z");
    await until(aws, () => eventsIn(aws).length === 2);
    await aws.buy("contract", { months: 1, auto_renew: true });
    await aws.at("2026-06-12T00:00:00Z");
    await until(aws, () => eventsIn(aws).length === 10);
    const statuses = eventsIn(aws).flatMap((event) => event.detail.agreement.status ?? []);
    expect(statuses).toEqual(["ACTIVE", "ACTIVE", "EXPIRED", "ACTIVE", "RENEWED"]);
    const purchases = await aws.get("/_aws/purchases");
    expect(purchases.find((one: { agreement: string }) => one.agreement === later.agreement)?.status).toBe("EXPIRED");
  });

  test("a payment that fails makes an agreement without a licence in force", async () => {
    const aws = await openAws();
    await aws.buy("subscription", { payment_fails: true });
    await aws.buy("subscription", { payment_fails: true, generation: "legacy" });
    expect(typesIn(aws)).toEqual(["Purchase Agreement Created"]);
    expect(envelopesIn(aws)).toMatchObject([{ Type: "SubscriptionConfirmation" }]);
    await confirmAll(aws);
    await until(aws, () => actionsIn(aws).length === 1);
    expect(actionsIn(aws)).toEqual(["subscribe-fail"]);
  });
});

describe("delivery", () => {
  test("an event is sent again, unchanged, while the provider cannot take it", async () => {
    const aws = await openAws();
    aws.answers.set("/aws/events", 503);
    await aws.buy("subscription");
    aws.answers.delete("/aws/events");
    await aws.post("/_clock", { advance: "2s" });
    await until(aws, () => eventsIn(aws).length === 4);
    const ids = eventsIn(aws).map(({ id }) => id);
    expect(ids.slice(2).sort()).toEqual(ids.slice(0, 2).sort());
    expect(await aws.get("/_aws/messages")).toMatchObject([{ attempts: 2 }, { attempts: 2 }]);
  });

  test("an event that the provider refuses is given up, and can be sent again by hand", async () => {
    const aws = await openAws();
    aws.answers.set("/aws/events", 400);
    await aws.buy("subscription");
    expect(await aws.get("/_aws/messages")).toMatchObject([{ state: "failed", attempts: 1 }, { state: "failed" }]);
    aws.answers.delete("/aws/events");
    expect(await aws.post("/_aws/messages/2/resend")).toMatchObject({ state: "delivered", attempts: 2 });
    expect(typesIn(aws).at(-1)).toBe("License Updated");
  });

  test.each([
    ["aws_drop_events", { times: 1 }, ["License Updated"]],
    [
      "aws_repeat_events",
      { value: 2, times: 1 },
      ["Purchase Agreement Created", "Purchase Agreement Created", "License Updated"],
    ],
    ["aws_reorder_events", true, ["License Updated", "Purchase Agreement Created"]],
    ["aws_delay_events", { value: 60_000, times: 1 }, ["License Updated"]],
  ])("%s", async (fault, setting, types) => {
    const aws = await openAws();
    await aws.post("/_faults", { [fault]: setting });
    await aws.buy("subscription");
    expect(typesIn(aws)).toEqual(types);
  });

  test("a delayed event comes when the clock gets there", async () => {
    const aws = await openAws();
    await aws.post("/_faults", { aws_delay_events: { value: 60_000, times: 1 } });
    await aws.buy("subscription");
    await aws.post("/_clock", { advance: "60s" });
    await until(aws, () => typesIn(aws).includes("Purchase Agreement Created"));
  });

  test.each([
    ["wrapped", (body: { Message: string }) => JSON.parse(body.Message).action],
    ["object", (body: { Message: { action: string } }) => body.Message.action],
    ["raw", (body: { action: string }) => body.action],
  ])("into the queue a notice goes %s", async (sns_form, actionIn) => {
    const aws = await openAws();
    await aws.post("/_aws/delivery", { sns: false, queue: true, sns_form });
    await aws.buy("subscription", { generation: "legacy" });
    const { Messages } = await aws.queue.send(new ReceiveMessageCommand({ QueueUrl: aws.simulator.aws.queueUrl }));
    expect(actionIn(JSON.parse(Messages?.[0]?.Body ?? ""))).toBe("subscribe-success");
    expect(aws.received).toEqual([]);
  });

  test("a delivery setting that does not exist changes nothing", async () => {
    const aws = await openAws();
    expect(await aws.post("/_aws/delivery", { queue: true, sns_form: "boxed" })).toMatchObject({ id: "bad_request" });
    expect(await aws.get("/_aws/delivery")).toMatchObject({ queue: false, snsForm: "wrapped" });
  });
});

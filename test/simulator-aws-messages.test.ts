import { verify, X509Certificate } from "node:crypto";
import { ReceiveMessageCommand } from "@aws-sdk/client-sqs";
import { type AwsSimulation, EVENTS_SECRET, openAws, type Received } from "./support/open-aws.ts";

const opened: AwsSimulation[] = [];

async function open(...options: Parameters<typeof openAws>): Promise<AwsSimulation> {
  const aws = await openAws(...options);
  opened.push(aws);
  return aws;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((aws) => aws.close()));
});

const eventsIn = (aws: AwsSimulation) =>
  aws.received.filter(({ path }) => path === "/aws/events").map(({ text }) => JSON.parse(text));
const typesIn = (aws: AwsSimulation) => eventsIn(aws).map((event) => String(event["detail-type"]).replace(/ - .*/, ""));
const envelopesIn = (aws: AwsSimulation) =>
  aws.received.filter(({ path }) => path === "/aws/sns").map(({ text }) => JSON.parse(text));
const actionsIn = (aws: AwsSimulation) =>
  envelopesIn(aws)
    .filter(({ Type }) => Type === "Notification")
    .map(({ Message }) => JSON.parse(Message).action);
const act = (aws: AwsSimulation, agreement: string, action: string, body: object = {}) =>
  aws.post(`/_aws/purchases/${agreement}/${action}`, body);

/** Waits, for at most five seconds, until the provider has got so many requests. */
async function until(aws: AwsSimulation, pleases: () => boolean): Promise<void> {
  for (let tries = 0; tries < 100 && !pleases(); tries += 1) await new Promise((resolve) => setTimeout(resolve, 50));
  expect(pleases()).toBe(true);
  expect(aws.received.length).toBeGreaterThan(0);
}

describe("events of a licence", () => {
  test("a purchase is told by two events with the envelope of the real ones", async () => {
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
    const { agreement, licence } = await aws.buy("contract");
    await act(aws, agreement, "amend", { quantities: { requests: 1 } });
    const [amended, updated] = eventsIn(aws).slice(2);
    expect(amended["detail-type"]).toBe("Purchase Agreement Amended - Proposer");
    expect(amended.detail.agreement).toMatchObject({ id: agreement, intent: "AMEND" });
    expect(updated.detail.license.arn).toBe(licence);
  });

  test("of a reseller's sale the seller hears as the manufacturer", async () => {
    const aws = await open();
    await aws.buy("subscription", { resold: true });
    const [created] = eventsIn(aws);
    expect(created["detail-type"]).toBe("Purchase Agreement Created - Manufacturer");
    expect(created.detail.proposer.accountId).not.toBe("993604559884");
    expect(created.detail.resaleAuthorization.id).toEqual(expect.any(String));
  });

  test("a future-dated licence is told when it begins, and a contract ends or renews itself at its date", async () => {
    const aws = await open();
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
    const aws = await open();
    await aws.buy("subscription", { payment_fails: true });
    await aws.buy("subscription", { payment_fails: true, generation: "legacy" });
    expect(typesIn(aws)).toEqual(["Purchase Agreement Created"]);
    expect(envelopesIn(aws)).toMatchObject([{ Type: "SubscriptionConfirmation" }]);
    await confirmAll(aws);
    await until(aws, () => actionsIn(aws).length === 1);
    expect(actionsIn(aws)).toEqual(["subscribe-fail"]);
  });
});

/** Does what a subscriber does: calls each address it was sent, at the host that plays SNS. */
async function confirmAll(aws: AwsSimulation): Promise<void> {
  for (const { Type, SubscribeURL } of envelopesIn(aws)) {
    if (Type !== "SubscriptionConfirmation") continue;
    const { pathname, search } = new URL(SubscribeURL);
    expect(await aws.get(`${pathname}${search}`)).toContain("<SubscriptionArn>");
  }
}

describe("notices to a legacy customer", () => {
  /** Bought, and the topics confirmed, so that notices come at once. */
  async function openConfirmed(model: string, more: object = {}) {
    const aws = await open();
    const bought = await aws.buy(model, { generation: "legacy", ...more });
    await confirmAll(aws);
    const notices = model === "subscription" ? 1 : 2;
    await until(aws, () => actionsIn(aws).length === notices);
    return { aws, bought };
  }

  test("come after the confirmation of the topic, and say who bought what", async () => {
    const { aws, bought } = await openConfirmed("subscription", { trial: true });
    const [asked, notice] = envelopesIn(aws);
    expect(asked).toMatchObject({ Type: "SubscriptionConfirmation", TopicArn: aws.simulator.aws.topicArns[0] });
    expect(new URL(asked.SubscribeURL).host).toBe("sns.us-east-1.amazonaws.com");
    expect(JSON.parse(notice.Message)).toEqual({
      action: "subscribe-success",
      "customer-identifier": bought.customer,
      "product-code": "payasyougo1",
      "offer-identifier": expect.stringMatching(/^offer-/),
      isFreeTrialTermPresent: "true",
    });
    expect(headersOf(aws, 1)).toMatchObject({
      "content-type": "text/plain; charset=UTF-8",
      "x-amz-sns-message-type": "Notification",
      "x-amz-sns-topic-arn": notice.TopicArn,
    });
    expect(eventsIn(aws)).toEqual([]);
  });

  test("a contract is also told by its entitlements", async () => {
    const { aws, bought } = await openConfirmed("contract");
    await act(aws, bought.agreement, "amend", { quantities: { requests: 5 } });
    await act(aws, bought.agreement, "renew");
    expect(actionsIn(aws)).toEqual([
      ...["subscribe-success", "entitlement-updated", "entitlement-updated", "entitlement-updated"],
    ]);
  });

  test("an end is announced an hour before it is there", async () => {
    const { aws, bought } = await openConfirmed("subscription");
    await act(aws, bought.agreement, "cancel");
    expect(actionsIn(aws)).toEqual(["subscribe-success", "unsubscribe-pending"]);
    await aws.post("/_clock", { advance: "1h" });
    await until(aws, () => actionsIn(aws).includes("unsubscribe-success"));
  });

  test("who comes back within the hour is welcomed and never sent away", async () => {
    const { aws, bought } = await openConfirmed("subscription");
    await act(aws, bought.agreement, "cancel");
    await act(aws, bought.agreement, "resubscribe");
    await aws.post("/_clock", { advance: "2h" });
    await act(aws, (await aws.get("/_aws/purchases"))[1].agreement, "cancel");
    expect(actionsIn(aws)).toEqual([
      ...["subscribe-success", "unsubscribe-pending", "subscribe-success", "unsubscribe-pending"],
    ]);
  });

  test.each([
    ["1", "RSA-SHA1"],
    ["2", "RSA-SHA256"],
  ])("version %s signatures are true to the certificate at SigningCertURL", async (signature_version, algorithm) => {
    const aws = await open();
    await aws.post("/_aws/delivery", { signature_version });
    await aws.buy("subscription", { generation: "legacy" });
    await confirmAll(aws);
    await until(aws, () => actionsIn(aws).length === 1);
    for (const envelope of envelopesIn(aws)) {
      const { host, pathname } = new URL(envelope.SigningCertURL);
      expect(host).toBe("sns.us-east-1.amazonaws.com");
      expect(pathname).toMatch(/^\/SimpleNotificationService-[0-9a-f]{32}\.pem$/);
      const certificate = new X509Certificate(await (await fetch(`${aws.simulator.origin}${pathname}`)).text());
      expect(certificate.verify(certificate.publicKey)).toBe(true);
      expect(certificate.checkHost(host)).toBe(host);
      expect(Date.parse(certificate.validFrom)).toBeLessThan(Date.now());
      const names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"];
      const text = names.map((name) => (name in envelope ? `${name}\n${envelope[name]}\n` : "")).join("");
      const check = (signed: string) =>
        verify(algorithm, Buffer.from(signed), certificate.publicKey, Buffer.from(envelope.Signature, "base64"));
      expect([envelope.SignatureVersion, check(text), check(`${text} `)]).toEqual([signature_version, true, false]);
    }
  });

  test("a token that was not sent confirms nothing", async () => {
    const aws = await open();
    await aws.buy("subscription", { generation: "legacy" });
    const query = new URLSearchParams({
      Action: "ConfirmSubscription",
      TopicArn: String(aws.simulator.aws.topicArns[0]),
      Token: "x",
    });
    expect(await aws.get(`/?${query}`)).toContain("InvalidParameter");
    expect(actionsIn(aws)).toEqual([]);
  });

  function headersOf(aws: AwsSimulation, index: number): Received["headers"] | undefined {
    return aws.received.filter(({ path }) => path === "/aws/sns")[index]?.headers;
  }
});

describe("delivery", () => {
  test("an event is sent again, unchanged, while the provider cannot take it", async () => {
    const aws = await open();
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
    const aws = await open();
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
    const aws = await open();
    await aws.post("/_faults", { [fault]: setting });
    await aws.buy("subscription");
    expect(typesIn(aws)).toEqual(types);
  });

  test("a delayed event comes when the clock gets there", async () => {
    const aws = await open();
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
    const aws = await open();
    await aws.post("/_aws/delivery", { sns: false, queue: true, sns_form });
    await aws.buy("subscription", { generation: "legacy" });
    const { Messages } = await aws.queue.send(new ReceiveMessageCommand({ QueueUrl: aws.simulator.aws.queueUrl }));
    expect(actionIn(JSON.parse(Messages?.[0]?.Body ?? ""))).toBe("subscribe-success");
    expect(aws.received).toEqual([]);
  });

  test("a delivery setting that does not exist changes nothing", async () => {
    const aws = await open();
    expect(await aws.post("/_aws/delivery", { queue: true, sns_form: "boxed" })).toMatchObject({ id: "bad_request" });
    expect(await aws.get("/_aws/delivery")).toMatchObject({ queue: false, snsForm: "wrapped" });
  });
});

describe("the buyer", () => {
  test("comes with a form of one token, after the events", async () => {
    const aws = await open();
    const bought = await aws.buy("subscription", { register: true, trial: true });
    expect(bought.fulfilment).toEqual({ status: 200, location: "/aws/sign-up" });
    expect(aws.received.map(({ path }) => path)).toEqual(["/aws/events", "/aws/events", "/aws/register"]);
    const { headers, text } = aws.received[2] ?? { headers: {}, text: "" };
    expect(headers["content-type"]).toBe("application/x-www-form-urlencoded");
    expect(Object.fromEntries(new URLSearchParams(text))).toEqual({
      "x-amzn-marketplace-token": bought.token,
      "x-amzn-marketplace-agreement-id": bought.agreement,
      "x-amzn-marketplace-product-id": "prod-payg",
      "x-amzn-marketplace-offer-type": "free-trial",
    });
  });

  test("comes before the events, without them, or later and again", async () => {
    const aws = await open();
    await aws.buy("subscription", { register: true, first: "registration" });
    expect(aws.received.map(({ path }) => path)).toEqual(["/aws/register", "/aws/events", "/aws/events"]);
    const { agreement } = await aws.buy("subscription", { register: true, events: "none" });
    expect(aws.received.slice(3).map(({ path }) => path)).toEqual(["/aws/register"]);
    expect(await act(aws, agreement, "register")).toMatchObject({ fulfilment: { status: 200 } });
  });

  test.each([
    ["aws_token_in_url", (token: string) => ({ location: `/aws/sign-up?token=${encodeURIComponent(token)}` })],
    ["aws_token_in_cookie", (token: string) => ({ "set-cookie": `registration=${encodeURIComponent(token)}` })],
  ])("whose token leaks leads to the verdict %s", async (rule, leakOf) => {
    const leak = (sent: string) => leakOf(new URLSearchParams(sent).get("x-amzn-marketplace-token") ?? "none");
    const aws = await open({ leak });
    await aws.buy("subscription", { register: true });
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule }]);
  });

  test("buys, amends and cancels on the page, without a script", async () => {
    const aws = await open();
    const press = async (path: string, fields: Record<string, string>) => {
      const body = new URLSearchParams(fields);
      const answer = await fetch(`${aws.simulator.origin}${path}`, { method: "POST", body, redirect: "manual" });
      return answer.headers.get("location");
    };
    const home = await aws.get("/");
    expect(home).toContain('name="quantity:requests"');
    expect(home).not.toMatch(/<script(?![^>]*\bsrc=)|\sstyle=|\son\w+=/);
    const order = {
      product: "contract1",
      "quantity:requests": "40",
      "quantity:documents": "2",
      months: "12",
      account: "",
    };
    const setUp = await press("/_aws/shop/buy", { ...order, generation: "licence", set_up: "on" });
    const [bought] = await aws.get("/_aws/purchases");
    expect(bought).toMatchObject({ quantities: { requests: 40, documents: 2 }, status: "ACTIVE" });
    expect(setUp).toBe(`/_aws/set-up/${bought.agreement}`);
    const form = await aws.get(String(setUp));
    expect(form).toMatch(/<form method="post" action="http:\/\/127\.0\.0\.1:\d+\/aws\/register">/);
    expect(form).toContain('type="hidden" name="x-amzn-marketplace-token"');
    await press(`/_aws/shop/agreements/${bought.agreement}/amend`, { "quantity:requests": "50" });
    await press(`/_aws/shop/agreements/${bought.agreement}/cancel`, {});
    expect(await aws.get("/_aws/purchases")).toMatchObject([
      { quantities: { requests: 50, documents: 2 }, status: "CANCELLED" },
    ]);
    expect(await aws.get("/")).toContain("cancelled");
  });

  test("finds a sample of each pricing model that the manifest does not sell", async () => {
    const aws = await open({ products: [{ code: "only1", model: "subscription", plan: "basic" }] });
    const { products } = await aws.get("/_aws");
    expect(products.map(({ model, sample }: { model: string; sample: boolean }) => [model, sample])).toEqual([
      ["subscription", false],
      ["contract", true],
      ["contract-with-consumption", true],
    ]);
  });

  test("is told what an order or an action lacks", async () => {
    const aws = await open();
    for (const order of [{ product: "nothing" }, { account: "12" }, { start: "soon" }, { quantities: { requests: 1 } }])
      expect(await aws.buy("subscription", order)).toMatchObject({ id: "bad_request" });
    const { agreement } = await aws.buy("subscription");
    for (const action of ["amend", "resubscribe", "move", "toString"])
      expect(await act(aws, agreement, action)).toMatchObject({ id: "bad_request" });
    expect(await act(aws, "agmt-0", "cancel")).toMatchObject({ id: "not_found" });
  });

  test("is forgotten by a reset", async () => {
    const aws = await open();
    await aws.buy("subscription");
    await aws.post("/_reset");
    expect(await aws.get("/_aws/purchases")).toEqual([]);
    expect(await aws.get("/_aws/messages")).toEqual([]);
  });
});

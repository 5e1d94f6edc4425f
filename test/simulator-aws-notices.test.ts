import { verify, X509Certificate } from "node:crypto";
import { act, actionsIn, confirmAll, envelopesIn, eventsIn, until } from "./support/aws-messages.ts";
import { type AwsSimulation, closeAws, openAws, type Received } from "./support/open-aws.ts";

afterEach(closeAws);

describe("notices to a legacy customer", () => {
  /** Bought, and the topics confirmed, so that notices come at once. */
  async function openConfirmed(model: string, more: object = {}) {
    const aws = await openAws();
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
    const aws = await openAws();
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
    const aws = await openAws();
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

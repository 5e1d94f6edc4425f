import { parseManifest } from "../src/catalog/catalog.ts";
import { lineOf } from "../src/cli/finding.ts";
import { examineAws } from "../src/marketplaces/aws/aws-operator.ts";
import { type FakeAws, fakeAws, testKeys } from "./support/fake-aws.ts";
import { sampleManifest } from "./support/sample-manifest.ts";

const products = [
  { code: "sub", id: "prod-1", model: "subscription", plan: "basic" },
  { code: "con", id: "prod-2", model: "contract", plan: "basic" },
];
const manifest = {
  ...sampleManifest,
  catalog: {
    ...sampleManifest.catalog,
    credentials: [],
    marketplaces: { aws: { products, support: "help@quiet.example" } },
  },
};
const { catalog } = parseManifest(JSON.stringify(manifest));
const queueArn = "arn:aws:sqs:us-east-1:123456789012:events";
const deadArn = "arn:aws:sqs:us-east-1:123456789012:dead-letters";

describe("what doctor says of AWS", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await fakeAws();
    aws.on("GetCallerIdentity", {
      body: `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
        <Account>123456789012</Account></GetCallerIdentityResult></GetCallerIdentityResponse>`,
    });
    aws.on("ResolveCustomer", { error: "InvalidTokenException" });
    aws.on("BatchMeterUsage", { error: "ValidationException" });
    aws.on("SearchAgreements", { body: {} });
    aws.on("GetEntitlements", { body: { Entitlements: [] } });
    aws.on("GetQueueAttributes", (call) => ({
      body: {
        Attributes: String(call.body["QueueUrl"]).endsWith("/dead-letters")
          ? { QueueArn: deadArn, ApproximateNumberOfMessages: "0" }
          : {
              QueueArn: queueArn,
              ApproximateNumberOfMessages: "2",
              RedrivePolicy: JSON.stringify({ deadLetterTargetArn: deadArn, maxReceiveCount: 50 }),
            },
      },
    }));
    aws.on("GetQueueUrl", { body: { QueueUrl: `${aws.url}/123456789012/dead-letters` } });
    aws.on("ListRuleNamesByTarget", { body: { RuleNames: ["marketplace"] } });
    aws.on("DescribeRule", { body: { State: "ENABLED", EventPattern: '{"source":["aws.agreement-marketplace"]}' } });
  });

  afterEach(async () => {
    await aws.close();
  });

  const examine = (more: object = {}) =>
    examineAws({
      catalog,
      access: { region: "us-east-1", endpoint: aws.url, keys: testKeys },
      publicUrl: "https://addons.example.com",
      queueUrl: `${aws.url}/123456789012/events`,
      hasEventsSecret: false,
      topicArns: [],
      ...more,
    });
  const faults = async (more?: object) =>
    (await examine(more)).filter(({ verdict }) => verdict === "fault" || verdict === "warning");

  test("where all is well it says what is, and leaves to a person what only a person can tell", async () => {
    const findings = await examine();
    expect(findings.filter(({ verdict }) => verdict !== "ok" && verdict !== "yours")).toEqual([]);
    expect(findings.map(({ says }) => says)).toEqual(
      expect.arrayContaining([
        "signs as account 123456789012",
        "resolves buyers in us-east-1",
        "meters usage in us-east-1",
        "our clock is AWS's",
        "con: contract, its entitlements can be asked for",
        "the queue answers, 2 messages waiting",
        "the dead-letter queue is empty",
        "a rule of EventBridge sends events there",
        "buyers are shown help@quiet.example for help",
      ]),
    );
    expect(findings.filter(({ verdict }) => verdict === "yours").length).toBeGreaterThanOrEqual(6);
    expect(
      findings.every(({ verdict, cure }) => (cure !== undefined) === (verdict === "fault" || verdict === "warning")),
    ).toBe(true);
  });

  test("nothing is metered by looking", async () => {
    await examine();
    const metered = aws.calls.filter(({ operation }) => operation === "BatchMeterUsage");
    expect(metered.map(({ body }) => body["UsageRecords"])).toEqual([[]]);
  });

  test("credentials that do not work are the one fault, and nothing else is asked", async () => {
    aws.on("GetCallerIdentity", { error: "InvalidClientTokenId", status: 403 });
    const found = await faults();
    expect(found).toMatchObject([{ check: "aws", verdict: "fault" }]);
    expect(aws.calls).toHaveLength(1);
  });

  test("an AWS that is not there is told as that", async () => {
    const found = await faults({ access: { region: "us-east-1", endpoint: "http://127.0.0.1:9", keys: testKeys } });
    expect(found).toMatchObject([{ says: expect.stringContaining("cannot be reached") }]);
  });

  test.each([
    ["ResolveCustomer", "AccessDeniedException", "fault", "aws-marketplace:ResolveCustomer"],
    ["BatchMeterUsage", "AccessDeniedException", "fault", "aws-marketplace:BatchMeterUsage"],
    ["BatchMeterUsage", "DisabledApiException", "fault", "not served in this region"],
    ["SearchAgreements", "AccessDeniedException", "warning", "aws-marketplace:SearchAgreements"],
    ["GetEntitlements", "AccessDeniedException", "fault", "con: no entitlements"],
    ["GetQueueAttributes", "AWS.SimpleQueueService.NonExistentQueue", "fault", "cannot be read"],
    ["GetQueueUrl", "AccessDeniedException", "warning", "dead-letter queue cannot be looked at"],
    ["DescribeRule", "AccessDeniedException", "warning", "cannot be looked at"],
  ])("%s that answers %s is a %s", async (operation, error, verdict, says) => {
    aws.on(operation, { error });
    expect(await faults()).toMatchObject([{ verdict, says: expect.stringContaining(says), cure: expect.any(String) }]);
  });

  test("events that could not be taken are a fault", async () => {
    aws.on("GetQueueAttributes", {
      body: {
        Attributes: {
          QueueArn: queueArn,
          ApproximateNumberOfMessages: "3",
          RedrivePolicy: `{"deadLetterTargetArn":"${deadArn}"}`,
        },
      },
    });
    expect(await faults()).toMatchObject([{ verdict: "fault", says: "3 events could not be taken" }]);
  });

  test("a queue without a dead-letter queue, a disabled rule and a missing one are told", async () => {
    aws.on("GetQueueAttributes", { body: { Attributes: { QueueArn: queueArn } } });
    aws.on("DescribeRule", { body: { State: "DISABLED", EventPattern: '{"source":["aws.agreement-marketplace"]}' } });
    expect(await faults()).toMatchObject([
      { says: expect.stringContaining("no dead-letter") },
      { verdict: "fault", says: expect.stringContaining("disabled") },
    ]);
    aws.on("ListRuleNamesByTarget", { body: { RuleNames: [] } });
    expect(await faults()).toMatchObject([{}, { verdict: "warning", says: expect.stringContaining("no rule") }]);
  });

  test.each([
    [-90, "warning", /(89|90) s behind/],
    [90, "warning", /(90|91) s ahead/],
    [-600, "fault", /(599|600) s behind/],
  ])("a clock %d s off is a %s", async (seconds, verdict, says) => {
    const date = new Date(Date.now() - seconds * 1_000);
    for (const operation of [
      "GetCallerIdentity",
      "ResolveCustomer",
      "BatchMeterUsage",
      "SearchAgreements",
      "GetEntitlements",
    ]) {
      aws.on(
        operation,
        operation === "GetCallerIdentity"
          ? { body: "<GetCallerIdentityResponse/>", date }
          : { error: "InvalidTokenException", date },
      );
    }
    const [clock] = (await examine({ queueUrl: undefined })).filter(({ check }) => check === "aws-clock");
    expect(clock).toMatchObject({ verdict, says: expect.stringMatching(says) });
  });

  test("settings that AWS's list asks for are missed", async () => {
    const found = await faults({ queueUrl: undefined, publicUrl: "http://127.0.0.1:3000" });
    expect(found.map(({ says }) => says)).toEqual(["the fulfilment URL must be https", "no way for AWS's messages"]);
    const topics = await examine({ queueUrl: undefined, topicArns: ["arn"], hasEventsSecret: true });
    expect(topics.map(({ says }) => says)).toEqual(
      expect.arrayContaining(["messages of AWS come by events and topics"]),
    );
  });

  test("a line for a terminal has its sign, its check and its cure", () => {
    expect(lineOf({ check: "aws", verdict: "yours", says: "look" })).toBe("☐ aws           look\n");
    expect(lineOf({ check: "aws", verdict: "fault", says: "bad", cure: "Mend it." })).toBe(
      "✘ aws           bad\n                Mend it.\n",
    );
  });
});

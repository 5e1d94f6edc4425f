import { openCaller } from "../src/marketplaces/aws/api/call.ts";
import { type BillingIdentity, billingReference, lotOf } from "../src/marketplaces/aws/report/billing-reference.ts";
import { awsUsageReporting } from "../src/marketplaces/aws/report/usage-reporting.ts";
import type { ReportAnswer, ReportRecord } from "../src/metering/reporting.ts";
import { type AwsAnswer, type AwsCall, type FakeAws, fakeAws, testKeys } from "./support/fake-aws.ts";

const region = "eu-central-1";
const productCode = "2x7q9v4mkd8c1hf5zr3bwn6ty";
const arnOf = (n: number) => `arn:aws:license-manager::123456789012:license:l-${n.toString(16).padStart(32, "0")}`;
const licence = (n: number): BillingIdentity => ({
  generation: "licence",
  licenceArn: arnOf(n),
  accountId: "000123456789",
  region,
});
const legacy = (n: number): BillingIdentity => ({
  generation: "legacy",
  productCode,
  customerIdentifier: `customer-${n}`,
  region,
});
const hour = new Date("2026-05-10T10:00:00Z");

const recordOf = (n: number, more: Partial<ReportRecord> = {}): ReportRecord => ({
  key: `key-${n}`,
  billingReference: billingReference(licence(n)),
  dimension: "requests",
  hour,
  stampedAt: hour,
  units: n + 1,
  allocations: [],
  ...more,
});

const recordsOf = (count: number, more?: Partial<ReportRecord>) =>
  Array.from({ length: count }, (_, n) => recordOf(n, more));

interface Sent {
  readonly Timestamp: number;
  readonly Quantity: number;
}
const sentIn = (call: AwsCall | undefined): Sent[] => (call?.body["UsageRecords"] ?? []) as Sent[];
const success = (record: Sent, n = 0) => ({ UsageRecord: record, MeteringRecordId: `aws-${n}`, Status: "Success" });

describe("the usage report to AWS", () => {
  let aws: FakeAws;

  beforeEach(async () => {
    aws = await fakeAws();
  });

  afterEach(() => aws.close());

  const report = (records: readonly ReportRecord[], generation: "licence" | "legacy" = "licence") =>
    reporting().report({ lot: lotOf({ generation, region, productCode }), records }, AbortSignal.timeout(5_000));

  const reporting = (endpoint = aws.url) =>
    awsUsageReporting({
      caller: openCaller({ region: "us-east-1", endpoint, keys: testKeys }),
      codeOf: (_, dimension) => dimension,
    });

  const kinds = (answer: ReportAnswer) =>
    answer.kind === "answered" ? [...answer.verdicts].map(([key, { kind }]) => [key, kind]) : answer.kind;

  test("a record names its licence and account, and never its product beside them", async () => {
    aws.on("BatchMeterUsage", (call) => ({ body: { Results: sentIn(call).map(success), UnprocessedRecords: [] } }));
    const answer = await report([recordOf(4)]);
    expect(answer).toEqual({
      kind: "answered",
      verdicts: new Map([["key-4", { kind: "billed", id: "aws-0" }]]),
      requestId: "request-1",
    });
    expect(aws.calls[0]).toMatchObject({
      region,
      body: {
        UsageRecords: [
          {
            Timestamp: hour.getTime() / 1_000,
            Dimension: "requests",
            Quantity: 5,
            CustomerAWSAccountId: "000123456789",
            LicenseArn: arnOf(4),
          },
        ],
      },
    });
    expect(aws.calls[0]?.body).not.toHaveProperty("ProductCode");
    expect(sentIn(aws.calls[0])[0]).not.toHaveProperty("CustomerIdentifier");
  });

  test("the older generation names its product in the call and its customer in the record", async () => {
    aws.on("BatchMeterUsage", (call) => ({ body: { Results: sentIn(call).map(success) } }));
    await report([recordOf(1, { billingReference: billingReference(legacy(1)) })], "legacy");
    expect(aws.calls[0]?.body).toMatchObject({
      ProductCode: productCode,
      UsageRecords: [{ CustomerIdentifier: "customer-1" }],
    });
    expect(sentIn(aws.calls[0])[0]).not.toHaveProperty("LicenseArn");
    expect(sentIn(aws.calls[0])[0]).not.toHaveProperty("CustomerAWSAccountId");
  });

  test("an attempt hours later sends the same bytes of a record, in whatever company", async () => {
    aws.on("BatchMeterUsage", { body: {} });
    const tagged = recordOf(7, {
      stampedAt: new Date("2026-05-10T10:17:23.456Z"),
      allocations: [
        { units: 3, tags: { team: "a", env: "x" } },
        { units: 5, tags: {} },
      ],
    });
    await report([tagged, recordOf(1)]);
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    await report([recordOf(2), { ...tagged, allocations: [...tagged.allocations] }]);
    expect(JSON.stringify(sentIn(aws.calls[1])[1])).toBe(JSON.stringify(sentIn(aws.calls[0])[0]));
    expect(sentIn(aws.calls[1])[1]?.Timestamp).toBe(tagged.stampedAt.getTime() / 1_000);
  });

  test("results in another order, with milliseconds in their hours, find their records", async () => {
    aws.on("BatchMeterUsage", (call) => ({
      body: {
        Results: sentIn(call)
          .map((record, n) => success({ ...record, Timestamp: record.Timestamp + n + 0.123 }, n))
          .reverse(),
      },
    }));
    const hours = [0, 1, 2].map((n) => new Date(hour.getTime() + n * 3_600_000));
    const records = hours.map((at, n) => recordOf(5, { key: `h${n}`, hour: at, stampedAt: at }));
    const answer = await report([...records, recordOf(5, { key: "d", dimension: "documents" })]);
    expect(answer).toMatchObject({
      verdicts: new Map([
        ["d", { kind: "billed", id: "aws-3" }],
        ["h2", { kind: "billed", id: "aws-2" }],
        ["h1", { kind: "billed", id: "aws-1" }],
        ["h0", { kind: "billed", id: "aws-0" }],
      ]),
    });
  });

  test("a duplicate is no success, a customer without a subscription is told apart", async () => {
    aws.on("BatchMeterUsage", (call) => ({
      body: {
        Results: sentIn(call).map((record, n) => ({
          UsageRecord: record,
          Status: ["DuplicateRecord", "CustomerNotSubscribed", "SomethingNew"][n],
        })),
      },
    }));
    expect(kinds(await report(recordsOf(3)))).toEqual([
      ["key-0", "held_another"],
      ["key-1", "not_subscribed"],
      ["key-2", "unknown"],
    ]);
  });

  test("a call that leaves every record unprocessed bills none of them", async () => {
    aws.on("BatchMeterUsage", (call) => ({ body: { Results: [], UnprocessedRecords: sentIn(call) } }));
    expect(kinds(await report(recordsOf(25)))).toEqual(Array.from({ length: 25 }, (_, n) => [`key-${n}`, "not_taken"]));
  });

  test("fewer results than records leave the others without a verdict", async () => {
    aws.on("BatchMeterUsage", (call) => ({ body: { Results: sentIn(call).slice(1).map(success) } }));
    expect(kinds(await report(recordsOf(3)))).toEqual([
      ["key-1", "billed"],
      ["key-2", "billed"],
    ]);
  });

  test("a record told of twice, or billed with another quantity, is unknown", async () => {
    aws.on("BatchMeterUsage", (call) => {
      const [first, second] = sentIn(call) as [Sent, Sent];
      return { body: { Results: [success(first), success({ ...second, Quantity: 99 })], UnprocessedRecords: [first] } };
    });
    expect(kinds(await report(recordsOf(2)))).toEqual([
      ["key-0", "unknown"],
      ["key-1", "unknown"],
    ]);
  });

  test("results of records that nobody sent change nothing", async () => {
    aws.on("BatchMeterUsage", { body: { Results: [{ Status: "Success" }, success({ Timestamp: 0, Quantity: 1 })] } });
    expect(kinds(await report([recordOf(1)]))).toEqual([]);
  });

  test.each<[string, AwsAnswer, object]>([
    ["throttling", { error: "ThrottlingException" }, { kind: "throttled" }],
    ["a fault of AWS's own", { error: "InternalServiceErrorException", status: 500 }, { kind: "unknown" }],
    ["a broken connection", "cut", { kind: "unknown" }],
    ["a body that is none", { body: "<html>" }, { kind: "unknown" }],
    ["a time out of bounds", { error: "TimestampOutOfBoundsException" }, { kind: "refused", tooOld: true }],
    ["a bad dimension", { error: "InvalidUsageDimensionException" }, { kind: "refused" }],
    ["a bad licence", { error: "InvalidLicenseException" }, { kind: "refused" }],
    ["a bad customer", { error: "InvalidCustomerIdentifierException" }, { kind: "refused" }],
    ["a bad tag", { error: "InvalidTagException" }, { kind: "refused" }],
    ["bad allocations", { error: "InvalidUsageAllocationsException" }, { kind: "refused" }],
    ["a malformed request", { error: "ValidationException" }, { kind: "refused" }],
    ["an error that nobody has named yet", { error: "TooManyTagsException" }, { kind: "refused" }],
    ["another seller's product", { error: "InvalidProductCodeException" }, { kind: "misconfigured" }],
    ["a region without metering", { error: "DisabledApiException" }, { kind: "misconfigured" }],
    ["missing rights", { error: "AccessDeniedException" }, { kind: "misconfigured" }],
    ["an unknown key", { error: "UnrecognizedClientException" }, { kind: "misconfigured" }],
    ["a wrong clock", { error: "InvalidSignatureException" }, { kind: "misconfigured" }],
  ])("%s is told as what it is, after one call", async (_, answer, expected) => {
    aws.on("BatchMeterUsage", answer);
    const told = await report(recordsOf(2));
    expect(told).toMatchObject(expected);
    if (told.kind === "refused") expect(told.tooOld ?? false).toBe("tooOld" in expected);
    expect(aws.calls).toHaveLength(1);
  });

  test("a silent AWS is unknown when the attempt's time is over", async () => {
    aws.on("BatchMeterUsage", "hang");
    const batch = { lot: lotOf({ generation: "licence", region, productCode }), records: [recordOf(1)] } as const;
    expect(await reporting().report(batch, AbortSignal.timeout(300))).toMatchObject({ kind: "unknown" });
  });

  test("where nobody listens nothing was taken", async () => {
    const batch = { lot: lotOf({ generation: "licence", region, productCode }), records: [recordOf(1)] } as const;
    const answer = await reporting("http://127.0.0.1:9").report(batch, AbortSignal.timeout(5_000));
    expect(kinds(answer)).toEqual([["key-1", "not_taken"]]);
  });

  test.each<[string, Partial<ReportRecord>]>([
    ["a quantity above 2147483647", { units: 2_147_483_648 }],
    ["a negative quantity", { units: -1 }],
    ["a fraction", { units: 0.5 }],
    ["a dimension without a name", { dimension: "" }],
    ["a licence of another region", { billingReference: billingReference({ ...licence(1), region: "us-east-1" }) }],
    ["a customer of the other generation", { billingReference: billingReference(legacy(1)) }],
    ["a text that is no reference", { billingReference: "somebody" }],
    ["an ARN that is none", { billingReference: JSON.stringify(["licence", "arn:nothing", "1", region]) }],
    ["a moment that is none", { stampedAt: new Date(Number.NaN) }],
    ["parts that do not add up", { units: 5, allocations: [{ units: 4, tags: { a: "b" } }] }],
    [
      "the same tags twice",
      {
        units: 2,
        allocations: [
          { units: 1, tags: { a: "1", b: "2" } },
          { units: 1, tags: { b: "2", a: "1" } },
        ],
      },
    ],
    ["a tag out of alphabet", { units: 1, allocations: [{ units: 1, tags: { a: "ü" } }] }],
    ["a tag between space and =", { units: 1, allocations: [{ units: 1, tags: { a: "50%" } }] }],
    ["an empty tag", { units: 1, allocations: [{ units: 1, tags: { a: "" } }] }],
    [
      "six tag keys",
      { units: 1, allocations: [{ units: 1, tags: { a: "1", b: "1", c: "1", d: "1", e: "1", f: "1" } }] },
    ],
  ])("%s is refused before AWS is asked", async (_, more) => {
    expect(await report([recordOf(0), recordOf(1, more)])).toMatchObject({ kind: "refused", code: "NotSendable" });
    expect(aws.calls).toEqual([]);
  });

  test("26 records are refused before AWS is asked, none are answered at once", async () => {
    expect(await report(recordsOf(26))).toMatchObject({ kind: "refused" });
    expect(await report([])).toEqual({ kind: "answered", verdicts: new Map() });
    expect(aws.calls).toEqual([]);
  });

  test("a request of 900 kB is refused, half of it goes", async () => {
    aws.on("BatchMeterUsage", { body: {} });
    const tags = (n: number) => ({ ["k".repeat(90)]: `${"v".repeat(240)}${n}` });
    const allocations = Array.from({ length: 210 }, (_, n) => ({ units: 1, tags: tags(n) }));
    const records = recordsOf(12, { units: 210, allocations });
    expect(await report(records)).toMatchObject({ kind: "refused", message: expect.stringContaining("bytes") });
    expect(await report(records.slice(0, 6))).toMatchObject({ kind: "answered" });
    expect(aws.calls[0]?.bytes).toBeLessThan(900_000);
  });

  test("tags that the alphabet allows go as they are, and the rest without tags", async () => {
    aws.on("BatchMeterUsage", { body: {} });
    const allocations = [
      { units: 2, tags: { "team:b/c@d": "a+b -=._:/@Z9" } },
      { units: 3, tags: {} },
    ];
    await report([recordOf(4, { allocations })]);
    expect(sentIn(aws.calls[0])[0]).toMatchObject({
      UsageAllocations: [
        { AllocatedUsageQuantity: 2, Tags: [{ Key: "team:b/c@d", Value: "a+b -=._:/@Z9" }] },
        { AllocatedUsageQuantity: 3 },
      ],
    });
  });

  test("a zero is sent as zero, without allocations", async () => {
    aws.on("BatchMeterUsage", { body: {} });
    await report([recordOf(0, { units: 0, allocations: [{ units: 0, tags: { a: "b" } }] })]);
    expect(sentIn(aws.calls[0])[0]).toMatchObject({ Quantity: 0 });
    expect(sentIn(aws.calls[0])[0]).not.toHaveProperty("UsageAllocations");
  });

  test("no message holds an ARN", async () => {
    aws.on("BatchMeterUsage", { error: "InvalidLicenseException", message: `The license ${arnOf(1)} is not active.` });
    const message = "The license [ARN] is not active.";
    expect(await report([recordOf(1)])).toEqual({ kind: "refused", code: "InvalidLicenseException", message });
  });
});

import type { UsageRecord } from "@aws-sdk/client-marketplace-metering";
import { type AwsSimulation, openAws } from "./support/open-aws.ts";

const opened: AwsSimulation[] = [];

async function open(): Promise<AwsSimulation> {
  const aws = await openAws();
  opened.push(aws);
  return aws;
}

afterEach(async () => {
  await Promise.all(opened.splice(0).map((aws) => aws.close()));
});

const BOUGHT_AT = "2026-05-10T08:20:00.000Z";
const NOW = "2026-05-10T12:05:00.000Z";
const HOUR = new Date("2026-05-10T10:00:00Z");

interface Purchase {
  readonly agreement: string;
  readonly licence: string;
  readonly account: string;
  readonly customer: string;
  readonly product_code: string;
}

/** Bought at 08:20; it is 12:05 now. */
async function openWithPurchase(model = "subscription", more: object = {}) {
  const aws = await open();
  await aws.at(BOUGHT_AT);
  const bought: Purchase = await aws.buy(model, more);
  await aws.at(NOW);
  return { aws, bought };
}

function recordOf({ account, licence }: Purchase, more: Partial<UsageRecord> = {}): UsageRecord {
  return {
    Timestamp: HOUR,
    Dimension: "requests",
    Quantity: 7,
    CustomerAWSAccountId: account,
    LicenseArn: licence,
    ...more,
  };
}

describe("a record that is taken", () => {
  test("answers with its id and an unchanged echo, and stands in the ledger", async () => {
    const { aws, bought } = await openWithPurchase();
    const record = recordOf(bought, { Timestamp: new Date("2026-05-10T10:00:00.250Z") });
    const { Results, UnprocessedRecords } = await aws.meter([record]);
    expect(UnprocessedRecords).toEqual([]);
    expect(Results).toEqual([{ UsageRecord: record, MeteringRecordId: expect.any(String), Status: "Success" }]);
    expect(await aws.billed()).toEqual([
      {
        region: "us-east-1",
        generation: "licence",
        product_code: "payasyougo1",
        licence: bought.licence,
        account: bought.account,
        customer: null,
        dimension: "requests",
        hour: "2026-05-10T10:00:00.000Z",
        timestamp: "2026-05-10T10:00:00.250Z",
        quantity: 7,
        record_id: Results?.[0]?.MeteringRecordId,
        allocations: null,
        received_at: expect.stringMatching(/^2026-05-10T12:05:0/),
      },
    ]);
  });

  test("an identical repeat says Success with the same id and is billed once", async () => {
    const { aws, bought } = await openWithPurchase();
    const first = await aws.meter([recordOf(bought)]);
    const second = await aws.meter([recordOf(bought)]);
    expect(second.Results).toEqual(first.Results);
    expect(await aws.billed()).toHaveLength(1);
    expect(await aws.get("/_verdicts")).toEqual([]);
  });

  test("another quantity for the hour is a duplicate: the first stays billed, and the provider is blamed", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.meter([recordOf(bought)]);
    const { Results } = await aws.meter([recordOf(bought, { Quantity: 9 })]);
    expect(Results?.[0]).toMatchObject({ Status: "DuplicateRecord" });
    expect(await aws.billed()).toMatchObject([{ quantity: 7 }]);
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule: "aws_two_quantities" }]);
  });

  test("two quantities for one hour in one batch are not added up", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.meter([recordOf(bought), recordOf(bought, { Quantity: 2 })]);
    expect(await aws.billed()).toMatchObject([{ quantity: 7 }]);
  });

  test("the same hour in a second region is billed a second time, and the provider is blamed", async () => {
    const { aws, bought } = await openWithPurchase();
    const { BatchMeterUsageCommand } = await import("@aws-sdk/client-marketplace-metering");
    await aws.meter([recordOf(bought)]);
    const other = aws.meteringBy({ region: "eu-west-1" });
    await other.send(new BatchMeterUsageCommand({ UsageRecords: [recordOf(bought, { Quantity: 9 })] }));
    expect((await aws.billed()).map(({ region, quantity }) => [region, quantity])).toEqual([
      ["us-east-1", 7],
      ["eu-west-1", 9],
    ]);
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule: "aws_billed_twice" }]);
  });

  test("a customer that is metered by product code and by licence is billed twice, and the provider is blamed", async () => {
    const { aws, bought } = await openWithPurchase("subscription", { generation: "legacy" });
    await aws.post(`/_aws/purchases/${bought.agreement}/move`);
    const { Timestamp, Dimension, Quantity } = recordOf(bought);
    const legacy = { Timestamp, Dimension, Quantity, CustomerIdentifier: bought.customer };
    await aws.meter([legacy], { ProductCode: bought.product_code });
    await aws.meter([recordOf(bought)]);
    expect((await aws.billed()).map(({ generation }) => generation)).toEqual(["legacy", "licence"]);
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule: "aws_billed_twice" }]);
  });

  test("a legacy customer is one, by identifier or by account", async () => {
    const { aws, bought } = await openWithPurchase("subscription", { generation: "legacy" });
    const { Timestamp, Dimension } = recordOf(bought);
    const of = { ProductCode: bought.product_code };
    await aws.meter([{ Timestamp, Dimension, Quantity: 3, CustomerIdentifier: bought.customer }], of);
    const { Results } = await aws.meter(
      [{ Timestamp, Dimension, Quantity: 4, CustomerAWSAccountId: bought.account }],
      of,
    );
    expect(Results?.[0]?.Status).toBe("DuplicateRecord");
  });

  test("the running hour is taken, and the provider is told what it loses by that", async () => {
    const { aws, bought } = await openWithPurchase();
    const { Results } = await aws.meter([recordOf(bought, { Timestamp: new Date("2026-05-10T12:00:00Z") })]);
    expect(Results?.[0]?.Status).toBe("Success");
    expect(await aws.get("/_verdicts")).toMatchObject([{ rule: "aws_running_hour" }]);
  });

  test("the last hour of a legacy customer who left is taken, also when they are back within it", async () => {
    const { aws, bought } = await openWithPurchase("subscription", { generation: "legacy" });
    await aws.post(`/_aws/purchases/${bought.agreement}/cancel`);
    await aws.post(`/_aws/purchases/${bought.agreement}/resubscribe`);
    const { Dimension } = recordOf(bought);
    const record = { Timestamp: new Date("2026-05-10T12:00:00Z"), Dimension, CustomerIdentifier: bought.customer };
    const { Results } = await aws.meter([{ ...record, Quantity: 3 }], { ProductCode: bought.product_code });
    expect(Results?.[0]?.Status).toBe("Success");
    expect(await aws.get("/_verdicts")).toEqual([]);
  });

  test("a missing quantity is 0, and the largest is 2147483647", async () => {
    const { aws, bought } = await openWithPurchase();
    const { Quantity: _quantity, ...bare } = recordOf(bought);
    await aws.meter([bare, recordOf(bought, { Dimension: "documents", Quantity: 2_147_483_647 })]);
    expect((await aws.billed()).map(({ quantity }) => quantity).sort()).toEqual([0, 2_147_483_647]);
  });

  test("allocations that add up are kept", async () => {
    const { aws, bought } = await openWithPurchase();
    const UsageAllocations = [
      { AllocatedUsageQuantity: 5, Tags: [{ Key: "team", Value: "a b+c=d" }] },
      { AllocatedUsageQuantity: 2 },
    ];
    await aws.meter([recordOf(bought, { UsageAllocations })]);
    expect(await aws.billed()).toMatchObject([{ allocations: UsageAllocations }]);
  });
});

const tags = (count: number) => Array.from({ length: count }, (_, index) => ({ Key: `k${index}`, Value: "v" }));

const poison: [string, string, Partial<UsageRecord>][] = [
  ["an unknown dimension", "InvalidUsageDimensionException", { Dimension: "Requests" }],
  ["a negative quantity", "ValidationException", { Quantity: -1 }],
  ["a quantity beyond 31 bits", "ValidationException", { Quantity: 2_147_483_648 }],
  ["a fraction", "SerializationException", { Quantity: 1.5 }],
  ["no dimension", "ValidationException", { Dimension: "" }],
  [
    "a licence that does not exist",
    "InvalidLicenseException",
    { LicenseArn: "arn:aws:license-manager::294406891311:license:l-0" },
  ],
  ["a malformed licence", "InvalidLicenseException", { LicenseArn: "agmt-1" }],
  ["the licence of another account", "InvalidLicenseException", { CustomerAWSAccountId: "000000000000" }],
  ["an account that is no digits", "ValidationException", { CustomerAWSAccountId: "twelve" }],
  ["two identities", "ValidationException", { CustomerIdentifier: "someone" }],
  ["a time before the licence", "InvalidLicenseException", { Timestamp: new Date("2026-05-10T08:19:59Z") }],
  ["a time in the future", "TimestampOutOfBoundsException", { Timestamp: new Date("2026-05-10T12:15:00Z") }],
  [
    "allocations that do not add up",
    "InvalidUsageAllocationsException",
    { UsageAllocations: [{ AllocatedUsageQuantity: 6 }] },
  ],
  ["an empty list of allocations", "InvalidUsageAllocationsException", { UsageAllocations: [] }],
  [
    "two allocations with the same tags",
    "InvalidUsageAllocationsException",
    { UsageAllocations: [{ AllocatedUsageQuantity: 3 }, { AllocatedUsageQuantity: 4 }] },
  ],
  ["six tags", "InvalidTagException", { UsageAllocations: [{ AllocatedUsageQuantity: 7, Tags: tags(6) }] }],
  [
    "six tag keys over all allocations",
    "InvalidTagException",
    {
      UsageAllocations: [
        { AllocatedUsageQuantity: 3, Tags: tags(5) },
        { AllocatedUsageQuantity: 4, Tags: [{ Key: "k6", Value: "v" }] },
      ],
    },
  ],
  [
    "a character that no tag may have",
    "InvalidTagException",
    { UsageAllocations: [{ AllocatedUsageQuantity: 7, Tags: [{ Key: "a", Value: "50%" }] }] },
  ],
];

describe("one bad record makes the whole batch fail", () => {
  test.each(poison)("%s: %s", async (_what, error, more) => {
    const { aws, bought } = await openWithPurchase();
    const good = recordOf(bought, { Dimension: "documents" });
    expect(await aws.refusal(aws.meter([good, recordOf(bought, more)]))).toBe(error);
    expect(await aws.billed()).toEqual([]);
  });

  test("licences of two products in one request are refused", async () => {
    const { aws, bought } = await openWithPurchase();
    const other: Purchase = await aws.buy("contract-with-consumption", { start: BOUGHT_AT });
    expect(await aws.refusal(aws.meter([recordOf(bought), recordOf(other)]))).toBe("InvalidLicenseException");
  });

  test("a product code beside licences is refused, and so is no product at all", async () => {
    const { aws, bought } = await openWithPurchase();
    const of = { ProductCode: bought.product_code };
    expect(await aws.refusal(aws.meter([recordOf(bought)], of))).toBe("ValidationException");
    const { LicenseArn: _licence, ...bare } = recordOf(bought);
    expect(await aws.refusal(aws.meter([bare]))).toBe("ValidationException");
  });

  test("the legacy generation names an unknown product or customer", async () => {
    const { aws, bought } = await openWithPurchase("subscription", { generation: "legacy" });
    const { Timestamp, Dimension } = recordOf(bought);
    const by = (CustomerIdentifier: string, ProductCode: string) =>
      aws.refusal(aws.meter([{ Timestamp, Dimension, CustomerIdentifier }], { ProductCode }));
    expect(await by(bought.customer, "nothing")).toBe("InvalidProductCodeException");
    expect(await by("nobody", bought.product_code)).toBe("InvalidCustomerIdentifierException");
    expect(await by(bought.customer, bought.product_code)).toBe("none");
  });

  test("a pure contract is never metered", async () => {
    const { aws, bought } = await openWithPurchase("contract");
    expect(await aws.refusal(aws.meter([recordOf(bought)]))).toBe("InvalidUsageDimensionException");
  });

  test("26 records, or a megabyte, are too much; none at all is nothing", async () => {
    const { aws, bought } = await openWithPurchase();
    const many = (count: number, more?: Partial<UsageRecord>) =>
      Array.from({ length: count }, () => recordOf(bought, more));
    expect(await aws.refusal(aws.meter(many(26)))).toBe("ValidationException");
    const Tags = Array.from({ length: 5 }, (_, index) => ({ Key: `k${index}`, Value: "v".repeat(250) }));
    const UsageAllocations = Array.from({ length: 40 }, (_, index) => ({
      AllocatedUsageQuantity: index === 0 ? 7 : 0,
      Tags: [{ Key: "k0", Value: `${index}` }, ...Tags.slice(1)],
    }));
    expect(await aws.refusal(aws.meter(many(25, { UsageAllocations })))).toBe("ValidationException");
    expect(await aws.refusal(aws.meter(many(10, { UsageAllocations })))).toBe("none");
    expect((await aws.meter([])).Results).toEqual([]);
  });
});

describe("time", () => {
  test("a record is taken until it is 24 hours old, and not a second longer", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.at("2026-05-11T09:59:50Z");
    expect(await aws.refusal(aws.meter([recordOf(bought)]))).toBe("none");
    await aws.at("2026-05-11T10:00:00Z");
    expect(await aws.refusal(aws.meter([recordOf(bought)]))).toBe("TimestampOutOfBoundsException");
  });

  test("the previous month is closed at 06:00 UTC on the 1st", async () => {
    const { aws } = await openWithPurchase();
    await aws.at("2026-05-31T10:00:00Z");
    const bought: Purchase = await aws.buy("subscription");
    const last = recordOf(bought, { Timestamp: new Date("2026-05-31T23:00:00Z") });
    await aws.at("2026-06-01T05:59:50Z");
    expect(await aws.refusal(aws.meter([last]))).toBe("none");
    await aws.at("2026-06-01T06:00:00Z");
    expect(await aws.refusal(aws.meter([last]))).toBe("TimestampOutOfBoundsException");
    const first = recordOf(bought, { Timestamp: new Date("2026-06-01T00:00:00Z") });
    expect(await aws.refusal(aws.meter([first]))).toBe("none");
  });

  test("after an end the hours before it are taken for one more hour, then nobody is subscribed", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.at("2026-05-10T12:30:00Z");
    await aws.post(`/_aws/purchases/${bought.agreement}/cancel`);
    await aws.at("2026-05-10T13:29:50Z");
    const last = recordOf(bought, { Timestamp: new Date("2026-05-10T12:00:00Z") });
    expect((await aws.meter([last])).Results?.[0]?.Status).toBe("Success");
    const beyond = recordOf(bought, { Timestamp: new Date("2026-05-10T12:30:01Z"), Dimension: "documents" });
    expect(await aws.refusal(aws.meter([beyond]))).toBe("InvalidLicenseException");
    await aws.at("2026-05-10T13:30:01Z");
    const { Results } = await aws.meter([recordOf(bought)]);
    expect(Results).toEqual([{ UsageRecord: recordOf(bought), Status: "CustomerNotSubscribed" }]);
  });

  test("a status of one record leaves the others billed", async () => {
    const { aws, bought } = await openWithPurchase();
    const other: Purchase = await aws.buy("subscription", { start: BOUGHT_AT });
    await aws.post(`/_aws/purchases/${other.agreement}/suspend`);
    const { Results } = await aws.meter([recordOf(bought), recordOf(other)]);
    const statuses = Results?.map((one) => [one.UsageRecord?.LicenseArn === bought.licence, one.Status]);
    expect(statuses).toContainEqual([true, "Success"]);
    expect(statuses).toContainEqual([false, "CustomerNotSubscribed"]);
    await aws.post(`/_aws/purchases/${other.agreement}/restore`);
    expect((await aws.meter([recordOf(other)])).Results?.[0]?.Status).toBe("Success");
  });

  test("a future-dated licence takes nothing before it begins", async () => {
    const { aws } = await openWithPurchase();
    const later: Purchase = await aws.buy("subscription", { start: "2026-05-10T14:00:00Z" });
    expect(await aws.refusal(aws.meter([recordOf(later)]))).toBe("InvalidLicenseException");
    await aws.at("2026-05-10T15:00:10Z");
    const first = recordOf(later, { Timestamp: new Date("2026-05-10T14:00:00Z") });
    expect((await aws.meter([first])).Results?.[0]?.Status).toBe("Success");
  });
});

describe("faults", () => {
  const units = async (aws: AwsSimulation) => (await aws.billed()).map(({ quantity }) => quantity);

  test.each([
    ["aws_throttle", "ThrottlingException", []],
    ["aws_error_before", "InternalServiceErrorException", []],
    ["aws_error_after", "InternalServiceErrorException", [7]],
  ])("%s answers %s and leaves %j billed", async (fault, error, billed) => {
    const { aws, bought } = await openWithPurchase();
    await aws.post("/_faults", { [fault]: { times: 1 } });
    expect(await aws.refusal(aws.meter([recordOf(bought)]))).toBe(error);
    expect(await units(aws)).toEqual(billed);
    expect((await aws.meter([recordOf(bought)])).Results?.[0]?.Status).toBe("Success");
    expect(await units(aws)).toEqual([7]);
  });

  test.each([
    ["aws_drop_answer", {}],
    ["aws_hang", { value: 200 }],
  ])("%s bills and never answers", async (fault, setting) => {
    const { aws, bought } = await openWithPurchase();
    await aws.post("/_faults", { [fault]: { ...setting, times: 1 } });
    await expect(aws.meter([recordOf(bought)])).rejects.toThrow("socket hang up");
    expect(await units(aws)).toEqual([7]);
  });

  test("unprocessed records come back unbilled beside those that were taken", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.post("/_faults", { aws_unprocessed: { value: 1, times: 1 } });
    const records = [recordOf(bought), recordOf(bought, { Dimension: "documents", Quantity: 2 })];
    const { Results, UnprocessedRecords } = await aws.meter(records);
    expect(UnprocessedRecords).toEqual([records[0]]);
    expect(Results).toMatchObject([{ Status: "Success" }]);
    expect(await units(aws)).toEqual([2]);
  });

  test("an identical repeat can be made a DuplicateRecord, without blame", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.post("/_faults", { aws_repeat_is_duplicate: true });
    expect((await aws.meter([recordOf(bought)])).Results?.[0]?.Status).toBe("Success");
    expect((await aws.meter([recordOf(bought)])).Results?.[0]?.Status).toBe("DuplicateRecord");
    expect(await aws.get("/_verdicts")).toEqual([]);
  });

  test("more than ten calls a second in one region are throttled, however the clock is turned", async () => {
    const { aws } = await openWithPurchase();
    const calls = Array.from({ length: 30 }, () => aws.refusal(aws.meter([])));
    const outcomes = await Promise.all(calls);
    expect(outcomes.filter((one) => one === "ThrottlingException").length).toBeGreaterThan(5);
    expect(outcomes.slice(0, 10)).not.toContain("ThrottlingException");
  });

  test("each call is in the call log with its outcome", async () => {
    const { aws, bought } = await openWithPurchase();
    await aws.meter([recordOf(bought)]);
    await aws.refusal(aws.meter([recordOf(bought, { Dimension: "x" })]));
    const { calls } = await aws.get("/_aws/ledger");
    expect(calls).toMatchObject([
      { region: "us-east-1", records: 1, outcome: "Success" },
      { region: "us-east-1", records: 1, outcome: "InvalidUsageDimensionException" },
    ]);
  });
});

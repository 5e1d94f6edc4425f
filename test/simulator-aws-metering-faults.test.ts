import type { UsageRecord } from "@aws-sdk/client-marketplace-metering";
import { BOUGHT_AT, openWithPurchase, type Purchase, recordOf } from "./support/metered-purchase.ts";
import { type AwsSimulation, closeAws } from "./support/open-aws.ts";

afterEach(closeAws);

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

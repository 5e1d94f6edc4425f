import { BOUGHT_AT, openWithPurchase, type Purchase, recordOf } from "./support/metered-purchase.ts";
import { closeAws } from "./support/open-aws.ts";

afterEach(closeAws);

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

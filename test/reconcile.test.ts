import { inferredMapping, readMapping } from "../src/marketplaces/aws/reconcile/column-mapping.ts";
import { compareLog } from "../src/marketplaces/aws/reconcile/compare-log.ts";
import { compareReport } from "../src/marketplaces/aws/reconcile/compare-report.ts";
import type { LedgerRecord } from "../src/marketplaces/aws/reconcile/ledger-record.ts";
import { readBillingReport } from "../src/marketplaces/aws/reconcile/read-billing-report.ts";
import { readCallLog } from "../src/marketplaces/aws/reconcile/read-call-log.ts";
import { readMoment } from "../src/marketplaces/aws/reconcile/read-moment.ts";

const arn = (n: number) => `arn:aws:license-manager::123456789012:license:l-${n}`;
const region = "us-east-1";
const at = (hour: number, day = 10) => new Date(Date.UTC(2026, 4, day, hour));

const ours = (n: number, hour: number, units: number, more: Partial<LedgerRecord> = {}): LedgerRecord => ({
  tenant: `t${n}`,
  identity: { generation: "licence", licenceArn: arn(n), accountId: `00000000000${n}`, region },
  productCode: "code",
  dimension: "requests",
  stampedAt: at(hour),
  units,
  standing: "billed",
  ...more,
});
const legacy = (n: number) => ({
  identity: { generation: "legacy", productCode: "code", customerIdentifier: `cust-${n}`, region } as const,
});

// The names and the form of this report are inferred: AWS's own reports differ and change.
const header =
  "License ARN,Subscriber AWS Account ID,Customer Identifier,Product Code,Dimension,Usage Quantity,Usage Start Date,Usage End Date";
const line = (n: number, units: number | string, from = "2026-05-01", until = "2026-06-01") =>
  `${arn(n)},00000000000${n},,code,requests,${units},${from},${until}`;
const report = (...lines: string[]) => readBillingReport([header, ...lines].join("\n"), inferredMapping);

interface Entry {
  readonly units: number;
  readonly stamp?: unknown;
  readonly licence?: string;
  readonly customer?: string;
  readonly status?: string;
}
const call = (hour: number, entries: readonly Entry[], more: object = {}) => ({
  eventName: "BatchMeterUsage",
  eventSource: "metering-marketplace.amazonaws.com",
  eventTime: at(hour).toISOString(),
  eventID: `event-${hour}`,
  awsRegion: region,
  responseElements: {
    results: entries.map(({ units, stamp, licence, customer, status = "Success" }) => ({
      status,
      meteringRecordId: "m",
      usageRecord: {
        timestamp: stamp ?? at(hour - 1).toISOString(),
        dimension: "requests",
        quantity: units,
        ...(customer === undefined ? { licenseArn: licence ?? arn(1) } : { customerIdentifier: customer }),
      },
    })),
  },
  ...more,
});
const log = (...records: object[]) => readCallLog(JSON.stringify({ Records: records }));

describe("the seller's report beside our ledger", () => {
  test("the same units are no difference, summed over lines and hours", () => {
    const { found, faults } = report(line(1, 30), line(1, 12), line(2, 7));
    expect(faults).toEqual([]);
    const ledger = [
      ours(1, 1, 40),
      ours(1, 5, 2),
      ours(2, 3, 7),
      ours(2, 4, 0),
      ours(3, 1, 9, { standing: "unknown" }),
    ];
    expect(compareReport(ledger, found)).toEqual([]);
  });

  test("other units, units that the report passes over, and units that we do not have are told", () => {
    const { found } = report(line(1, 30), line(2, 7));
    const ledger = [ours(1, 1, 31), ours(3, 1, 4), ours(3, 2, 5), ours(4, 1, 99, { stampedAt: at(0, 40) })];
    expect(compareReport(ledger, found)).toMatchObject([
      { kind: "other_units", payer: { id: arn(1) }, ours: 31, theirs: 30, at: "line 2" },
      { kind: "other_units", payer: { id: arn(2) }, ours: 0, theirs: 7, at: "line 3" },
      { kind: "not_in_report", payer: { id: arn(3) }, ours: 9, theirs: 0 },
    ]);
  });

  test("another dimension or product is another thing", () => {
    const { found } = report(line(1, 5));
    expect(compareReport([ours(1, 1, 5, { dimension: "documents" })], found)).toHaveLength(2);
    expect(compareReport([ours(1, 1, 5, { productCode: "other" })], found)).toHaveLength(2);
  });

  test("a report without licences is compared by account, and a legacy one by customer", () => {
    const mapping = {
      ...inferredMapping,
      columns: { account: "Account", dimension: "D", quantity: "Q", from: "Month" },
    };
    const { found } = readBillingReport("Account,D,Q,Month\n000000000001,requests,12,2026-05\n", mapping);
    expect(compareReport([ours(1, 1, 5), ours(1, 2, 7)], found)).toEqual([]);
    const old = { ...inferredMapping, columns: { ...mapping.columns, account: undefined, customer: "C" } };
    const { found: lines } = readBillingReport("C,D,Q,Month\ncust-1,requests,5,2026-05\n", old as never);
    expect(compareReport([ours(1, 1, 5, legacy(1))], lines)).toEqual([]);
    expect(compareReport([ours(1, 1, 5)], lines)).toHaveLength(2);
  });

  test("a refund lowers what was billed", () => {
    expect(compareReport([ours(1, 1, 20)], report(line(1, 30), line(1, -10)).found)).toEqual([]);
  });

  test("an hour belongs to the period that holds its beginning", () => {
    const { found } = report(
      line(1, 1, "2026-05-10T01:00:00Z", "2026-05-10T02:00:00Z"),
      line(1, 2, "2026-05-10T02:00:00Z", "2026-05-10T03:00:00Z"),
    );
    expect(compareReport([ours(1, 1, 1), ours(1, 2, 2)], found)).toEqual([]);
  });

  test("every line at fault is named, and quotes and line ends inside them are counted", () => {
    const { faults, found } = report(
      line(1, "3.5"),
      line(1, "many"),
      '"arn\nover two lines",1,,code,requests,1,2026-05-01,2026-06-01',
      "too,few",
      ",,,code,requests,1,2026-05-01,2026-06-01",
      line(1, 1, "someday"),
      line(1, 1, "2026-06-01", "2026-05-01"),
      `${arn(1)},1,,code,,1,2026-05-01,2026-06-01`,
      line(1, 4),
    );
    expect(faults.map(({ at: place }) => place)).toEqual([2, 3, 6, 7, 8, 9, 10].map((n) => `line ${n}`));
    expect(found.map((one) => one.line)).toEqual([5, 11]);
  });

  test("a file that is no report is named as such", () => {
    expect(readBillingReport("", inferredMapping).faults).toMatchObject([{ at: "line 1" }]);
    expect(readBillingReport("a,b\n1,2", inferredMapping).faults).toHaveLength(4);
    expect(readBillingReport('a,"b\n1,2', inferredMapping).faults).toMatchObject([
      { message: expect.stringContaining("CSV") },
    ]);
  });

  test("a mapping file is read strictly", () => {
    expect(readMapping("{")).toMatchObject([{ message: "is not JSON" }]);
    expect(readMapping('{"columns":{"dimension":"D","quantity":"Q","from":"F"}}')).toMatchObject([{ at: "/columns" }]);
    expect(readMapping('{"columns":{"licence":"L","quantity":"Q","from":"F","colour":"red"}}')).toHaveLength(2);
    expect(readMapping('{"columns":{"licence":"L","dimension":"D","quantity":"Q","from":"F"}}')).toMatchObject({
      length: "month",
      delimiter: ",",
    });
  });
});

describe("CloudTrail's log beside our ledger", () => {
  const span = [call(0, []), call(23, [], { eventTime: at(23, 13).toISOString() })];

  test("what was taken as we know it is no difference, however often it was sent", () => {
    const { found, faults } = log(...span, call(2, [{ units: 5 }]), call(2, [{ units: 5 }]));
    expect(faults).toEqual([]);
    expect(compareLog([ours(1, 1, 5)], found)).toEqual([]);
  });

  test("an hour that we believe billed and the log does not know is told, inside the log's span", () => {
    const { found } = log(
      call(0, [{ units: 1, stamp: at(0).toISOString(), licence: arn(9) }]),
      call(23, [{ units: 1, stamp: at(22, 13).toISOString(), licence: arn(9) }], {
        eventTime: at(23, 13).toISOString(),
      }),
    );
    const ledger = [
      ours(9, 0, 1),
      ours(9, 0, 1, { stampedAt: at(22, 13) }),
      ours(1, 4, 5),
      ours(2, 4, 0),
      ours(3, 1, 5, { stampedAt: at(1, 9) }),
      ours(4, 1, 5, { stampedAt: at(20, 13) }),
    ];
    expect(compareLog(ledger, found)).toMatchObject([
      { kind: "not_in_log", payer: { id: arn(1) }, ours: 5, theirs: 0 },
    ]);
  });

  test("another quantity, a record of somebody else, and one whose taking went unnoticed are told", () => {
    const { found } = log(call(2, [{ units: 6 }, { units: 8, licence: arn(7) }, { units: 3, licence: arn(3) }]));
    const differences = compareLog([ours(1, 1, 5), ours(3, 1, 3, { standing: "unknown" })], found);
    expect(differences).toMatchObject([
      { kind: "other_quantity", ours: 5, theirs: 6, at: "event-2" },
      { kind: "billed_unnoticed", payer: { id: arn(3) }, ours: 0, theirs: 3 },
      { kind: "not_ours", payer: { id: arn(7) }, ours: 0, theirs: 8 },
    ]);
  });

  test("the same hour in another region is billed once more", () => {
    const { found } = log(call(2, [{ units: 5 }]), call(2, [{ units: 5 }], { awsRegion: "eu-west-1" }));
    expect(compareLog([ours(1, 1, 5)], found)).toMatchObject([{ kind: "other_region", ours: 5, theirs: 5 }]);
  });

  test("only what AWS has taken counts, and legacy customers are found", () => {
    const { found } = log(
      call(2, [{ units: 5, status: "DuplicateRecord" }]),
      call(2, [{ units: 5 }], { errorCode: "ThrottlingException" }),
      call(2, [{ units: 7, customer: "cust-1" }]),
      call(2, [{ units: 5 }], { eventName: "ResolveCustomer" }),
      call(2, [{ units: 5 }], { eventSource: "s3.amazonaws.com" }),
      call(2, [], { responseElements: null }),
    );
    expect(found).toHaveLength(1);
    expect(compareLog([ours(1, 1, 7, legacy(1))], found)).toEqual([]);
  });

  test("what `lookup-events` prints is read too, and both names of the source", () => {
    const event = call(2, [{ units: 5, stamp: "May 10, 2026, 1:00:00 AM" }], {
      eventSource: "marketplacemetering.amazonaws.com",
    });
    const { found } = readCallLog(
      JSON.stringify({ Events: [{ EventId: "x", CloudTrailEvent: JSON.stringify(event) }] }),
    );
    expect(compareLog([ours(1, 1, 5)], found)).toEqual([]);
  });

  test("a metering event that cannot be read is named, and a file that is no export", () => {
    const { faults, found } = log(
      call(1, [{ units: 1 }]),
      call(2, [{ units: -1 }]),
      call(3, [{ units: 1, stamp: "soon" }]),
      { eventName: 3 },
    );
    expect(faults.map(({ at: place }) => place)).toEqual(["event 2", "event 3"]);
    expect(found).toHaveLength(1);
    expect(readCallLog("[]").faults).toHaveLength(1);
    expect(readCallLog("nothing").faults).toHaveLength(1);
  });
});

describe("moments in AWS's exports", () => {
  test.each([
    ["2026-05-10T01:00:00Z", "2026-05-10T01:00:00.000Z"],
    ["2026-05-10T03:00:00+02:00", "2026-05-10T01:00:00.000Z"],
    ["2026-05-10 01:00:00", "2026-05-10T01:00:00.000Z"],
    ["2026-05-10", "2026-05-10T00:00:00.000Z"],
    ["2026-05", "2026-05-01T00:00:00.000Z"],
    ["May 10, 2026, 1:00:00 AM", "2026-05-10T01:00:00.000Z"],
    [1_778_374_800, "2026-05-10T01:00:00.000Z"],
    ["1778374800", "2026-05-10T01:00:00.000Z"],
    [1_778_374_800_000, "2026-05-10T01:00:00.000Z"],
  ])("%s is read", (written, moment) => {
    expect(readMoment(written)?.toISOString()).toBe(moment);
  });

  test.each(["", "soon", "12", null, undefined, {}, "2026-13-01"])("%p is none", (written) => {
    expect(readMoment(written)).toBeUndefined();
  });
});

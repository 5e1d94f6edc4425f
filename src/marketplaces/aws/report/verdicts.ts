import type { BatchMeterUsageResult, UsageRecord, UsageRecordResult } from "@aws-sdk/client-marketplace-metering";
import type { ReportVerdict } from "../../../metering/reporting.ts";
import type { Prepared } from "./usage-request.ts";

const HOUR_MS = 3_600_000;

/**
 * A verdict for each record that AWS spoke of, found by whom and what it is about and never by its place: AWS promises
 * no order. A record of which nothing is said has no verdict here, which counts as unknown.
 */
export function verdictsOf(
  prepared: readonly Prepared[],
  { Results = [], UnprocessedRecords = [] }: BatchMeterUsageResult,
): ReadonlyMap<string, ReportVerdict> {
  const sent = new Map(prepared.map((one) => [identityOf(one.sent), one]));
  const verdicts = new Map<string, ReportVerdict>();
  const note = (echo: UsageRecord | undefined, judge: (one: Prepared) => ReportVerdict): void => {
    const one = echo === undefined ? undefined : sent.get(identityOf(echo));
    if (one === undefined) return;
    const { key } = one.record;
    verdicts.set(key, agreed(verdicts.get(key), judge(one)));
  };
  for (const result of Results) note(result.UsageRecord, (one) => verdictOf(result, one));
  for (const record of UnprocessedRecords) note(record, () => ({ kind: "not_taken", fault: "unprocessed" }));
  return verdicts;
}

/** Licence or customer, dimension, hour: AWS may give the timestamp back with another fraction of a second. */
function identityOf(record: UsageRecord): string {
  const hour = Math.floor((record.Timestamp?.getTime() ?? 0) / HOUR_MS);
  return JSON.stringify([record.LicenseArn || null, record.CustomerIdentifier || null, record.Dimension, hour]);
}

function verdictOf({ Status, MeteringRecordId, UsageRecord: echo }: UsageRecordResult, one: Prepared): ReportVerdict {
  switch (Status) {
    case "Success":
      if (echo?.Quantity !== undefined && echo.Quantity !== one.sent.Quantity) {
        return { kind: "unknown", fault: `success with the quantity ${echo.Quantity}` };
      }
      return { kind: "billed", id: MeteringRecordId ?? "" };
    case "DuplicateRecord":
      return { kind: "held_another" };
    case "CustomerNotSubscribed":
      return { kind: "not_subscribed" };
    default:
      return { kind: "unknown", fault: `the status ${String(Status).slice(0, 60)}` };
  }
}

/** Two things said of one record are believed only when they are the same. */
function agreed(before: ReportVerdict | undefined, now: ReportVerdict): ReportVerdict {
  if (before === undefined || before.kind === now.kind) return now;
  return { kind: "unknown", fault: `both ${before.kind} and ${now.kind}` };
}

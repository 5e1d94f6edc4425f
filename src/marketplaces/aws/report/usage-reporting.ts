import type { ReportAnswer, ReportBatch, UsageReporting } from "../../../metering/reporting.ts";
import type { Caller } from "../api/call.ts";
import type { CallFault } from "../api/faults.ts";
import { readLot } from "./billing-reference.ts";
import { CALLS_PER_SECOND, MONTH_GRACE_HOURS, MOST_BYTES, MOST_RECORDS, WINDOW_HOURS } from "./rules.ts";
import { type CodeOf, usageRequest } from "./usage-request.ts";
import { verdictsOf } from "./verdicts.ts";

interface ReportingOptions {
  readonly caller: Caller;
  readonly codeOf: CodeOf;
  /** AWS recommends a zero for an idle hour; it demands none. */
  readonly heartbeats?: boolean;
  readonly mode?: UsageReporting["mode"];
}

/** Shorter than any lease on a record. */
const REPORT_MS = 10_000;

/** Usage as BatchMeterUsage takes it, for both generations. */
export function awsUsageReporting(options: ReportingOptions): UsageReporting {
  return {
    most: { records: MOST_RECORDS, bytes: MOST_BYTES, callsPerSecond: CALLS_PER_SECOND },
    rules: { windowHours: WINDOW_HOURS, monthGraceHours: MONTH_GRACE_HOURS },
    heartbeats: options.heartbeats ?? false,
    ...(options.mode === undefined ? {} : { mode: options.mode }),
    report: (batch, signal) => report(options, batch, signal),
  };
}

async function report(
  { caller, codeOf }: ReportingOptions,
  batch: ReportBatch,
  signal: AbortSignal,
): Promise<ReportAnswer> {
  if (batch.records.length === 0) return { kind: "answered", verdicts: new Map() };
  const lot = readLot(batch.lot);
  if (lot === undefined) return invalid("the lot is none of AWS's");
  const usage = usageRequest(batch, lot, codeOf);
  if ("fault" in usage) return invalid(usage.fault);
  const called = await caller.call({ ms: REPORT_MS, signal }, async (bound) => {
    const { BatchMeterUsageCommand } = await import("@aws-sdk/client-marketplace-metering");
    const client = await caller.clients.metering(lot.region);
    return client.send(new BatchMeterUsageCommand(usage.request), { abortSignal: bound });
  });
  if (called.kind !== "found") return answerOf(called, batch);
  const { requestId } = called.value.$metadata;
  const verdicts = verdictsOf(usage.prepared, called.value);
  return { kind: "answered", verdicts, ...(requestId === undefined ? {} : { requestId }) };
}

/** As a refusal by AWS: a part of the batch without the culprit is taken. */
const invalid = (fault: string): ReportAnswer => ({ kind: "refused", code: "NotSendable", message: fault });

const TOO_OLD = "TimestampOutOfBoundsException";
/** Of the call and not of a record in it: no part of the batch would fare better. */
const OF_THE_CALL = /^(InvalidProductCode|InvalidEndpointRegion)/;

function answerOf(fault: CallFault, { records }: ReportBatch): ReportAnswer {
  switch (fault.kind) {
    case "throttled":
    case "misconfigured":
      return fault;
    case "refused":
      if (OF_THE_CALL.test(fault.code)) return { ...fault, kind: "misconfigured" };
      return fault.code === TOO_OLD ? { ...fault, tooOld: true } : fault;
    case "down": {
      if (!fault.unsent) return { kind: "unknown", fault: fault.fault };
      const verdict = { kind: "not_taken", fault: fault.fault } as const;
      return { kind: "answered", verdicts: new Map(records.map(({ key }) => [key, verdict])) };
    }
  }
}

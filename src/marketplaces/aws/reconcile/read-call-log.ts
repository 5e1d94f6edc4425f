import { z } from "zod";
import type { Fault } from "../../../errors.ts";
import type { Payer, Read } from "./read-billing-report.ts";
import { readMoment } from "./read-moment.ts";

/** A record that AWS says it has taken. */
export interface LoggedRecord {
  /** Which event of the export, for a person who looks it up. */
  readonly event: string;
  readonly region: string;
  readonly payer: Payer;
  readonly dimension: string;
  readonly units: number;
  readonly stampedAt: Date;
  /** When the call was made. */
  readonly at: Date;
}

const text = z.string().min(1);
const usage = z.object({
  timestamp: z.unknown(),
  dimension: text,
  quantity: z.number().int().nonnegative().default(0),
  licenseArn: text.nullish(),
  customerIdentifier: z.string().nullish(),
  customerAWSAccountId: text.nullish(),
});
const event = z.object({
  eventName: text,
  eventSource: text,
  eventTime: text,
  eventID: text.optional(),
  awsRegion: text,
  errorCode: z.string().nullish(),
  responseElements: z
    .object({ results: z.array(z.object({ status: text, usageRecord: usage })).default([]) })
    .nullish(),
});
const exported = z.union([
  z.object({ Records: z.array(z.unknown()) }).transform(({ Records }) => Records),
  z
    .object({ Events: z.array(z.object({ CloudTrailEvent: z.string() })) })
    .transform(({ Events }) => Events.map(({ CloudTrailEvent }) => asJson(CloudTrailEvent))),
]);

/** Both names stand in AWS's texts. */
const SOURCES = ["metering-marketplace.amazonaws.com", "marketplacemetering.amazonaws.com"];

/**
 * Reads an export of CloudTrail (a log file, or what `aws cloudtrail lookup-events` prints): the records that calls of
 * BatchMeterUsage got `Success` for. Other events are passed over; a metering event that cannot be read is named.
 */
export function readCallLog(content: string): Read<LoggedRecord> {
  const file = exported.safeParse(asJson(content));
  if (!file.success) {
    return {
      found: [],
      faults: [{ at: "", message: "is no export of CloudTrail: it has neither `Records` nor `Events`" }],
    };
  }
  const found: LoggedRecord[] = [];
  const faults: Fault[] = [];
  for (const [index, written] of file.data.entries()) {
    if (!isMetering(written)) continue;
    const read = readEvent(written, `event ${index + 1}`);
    if (typeof read === "string") faults.push({ at: `event ${index + 1}`, message: read });
    else found.push(...read);
  }
  return { found, faults };
}

function isMetering(written: unknown): boolean {
  const { eventName, eventSource } = Object(written) as Readonly<Record<string, unknown>>;
  return eventName === "BatchMeterUsage" && SOURCES.includes(String(eventSource));
}

function readEvent(written: unknown, place: string): LoggedRecord[] | string {
  const parsed = event.safeParse(written);
  if (!parsed.success) return `cannot be read: /${parsed.error.issues[0]?.path.join("/")}`;
  const { eventTime, eventID, awsRegion: region, errorCode, responseElements } = parsed.data;
  if (errorCode) return [];
  const at = readMoment(eventTime);
  if (at === undefined) return "has no time";
  const records: LoggedRecord[] = [];
  for (const { status, usageRecord } of responseElements?.results ?? []) {
    if (status !== "Success") continue;
    const stampedAt = readMoment(usageRecord.timestamp);
    const payer = payerOf(usageRecord);
    if (stampedAt === undefined || payer === undefined) return "holds a record without a time or a payer";
    const { dimension, quantity: units } = usageRecord;
    records.push({ event: eventID ?? place, region, payer, dimension, units, stampedAt, at });
  }
  return records;
}

function payerOf({ licenseArn, customerIdentifier, customerAWSAccountId }: z.output<typeof usage>): Payer | undefined {
  if (licenseArn) return { kind: "licence", id: licenseArn };
  if (customerIdentifier) return { kind: "customer", id: customerIdentifier };
  return customerAWSAccountId ? { kind: "account", id: customerAWSAccountId } : undefined;
}

function asJson(content: string): unknown {
  try {
    return JSON.parse(content);
  } catch {
    return undefined;
  }
}

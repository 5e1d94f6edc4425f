import { randomUUID } from "node:crypto";
import { asJsonObject, type JsonObject, parseJson } from "../../json.ts";
import type { Aws } from "../model/world.ts";
import { awsError } from "../wire/answers.ts";
import type { Operation } from "../wire/service.ts";

/** Those of the API reference and the user guide of EventBridge. */
const MOST_ENTRIES = 10;
const MOST_BYTES = 256 * 1024;
const TIME_BYTES = 14;
const LONGEST_DETAIL_TYPE = 128;
const LONGEST_SOURCE = 256;
/** Only the last of them are kept. */
const KEPT = 10_000;

/** Takes entries one by one: some may be refused while the others are taken. */
export const putEvents: Operation = (aws, { body, region }) => {
  const entries = Array.isArray(body["Entries"]) ? body["Entries"].map(asJsonObject) : [];
  if (entries.length === 0 || entries.length > MOST_ENTRIES)
    return awsError(
      "ValidationException",
      `1 validation error detected: 'entries' must have a length from 1 to ${MOST_ENTRIES}.`,
    );
  if (entries.reduce((sum, entry) => sum + bytesOf(entry), 0) >= MOST_BYTES)
    return awsError("ValidationException", "Total size of the entries in the request is over the limit.");
  if (aws.faults.take("aws_events_down") !== undefined)
    return awsError("InternalException", "This exception occurs due to unexpected causes.", 500);
  const failing = Math.max(0, Math.floor(aws.faults.take("aws_events_refused") ?? 0));
  const answers = entries.map((entry, place) => takeEntry(aws, region, entry, place < failing));
  return { FailedEntryCount: answers.filter((answer) => "ErrorCode" in answer).length, Entries: answers };
};

function bytesOf(entry: JsonObject): number {
  const texts = ["Source", "DetailType", "Detail"].map((name) => String(entry[name] ?? ""));
  return Buffer.byteLength(texts.join("")) + (entry["Time"] === undefined ? 0 : TIME_BYTES);
}

function takeEntry(aws: Aws, region: string, entry: JsonObject, fails: boolean): JsonObject {
  if (fails) return { ErrorCode: "ThrottlingException", ErrorMessage: "Rate exceeded for PutEvents." };
  const { Source: source, DetailType: detailType, Detail: detail, EventBusName: bus, Time: time } = entry;
  if (!isText(source, LONGEST_SOURCE)) return invalid("Source is not valid.");
  if (source.startsWith("aws.")) {
    return { ErrorCode: "NotAuthorizedForSourceException", ErrorMessage: `Not authorized for the source ${source}.` };
  }
  if (!isText(detailType, LONGEST_DETAIL_TYPE)) return invalid("DetailType is not valid.");
  const parsed = typeof detail === "string" ? parseJson(detail) : undefined;
  if (parsed === undefined) return { ErrorCode: "MalformedDetail", ErrorMessage: "Detail is malformed." };
  const id = randomUUID();
  aws.state.bus.push({
    id,
    bus: typeof bus === "string" ? bus : "default",
    region,
    source,
    detailType,
    detail: asJsonObject(parsed.value),
    time: typeof time === "number" ? time : null,
    takenAt: aws.clock.now(),
  });
  aws.state.bus.splice(0, aws.state.bus.length - KEPT);
  return { EventId: id };
}

const isText = (value: unknown, longest: number): value is string =>
  typeof value === "string" && value !== "" && value.length <= longest;

const invalid = (message: string): JsonObject => ({ ErrorCode: "InvalidArgument", ErrorMessage: message });

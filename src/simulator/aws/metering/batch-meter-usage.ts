import type { JsonObject } from "../../json.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, isAwsError } from "../wire/answers.ts";
import { disabledIn, isMeteringRegion } from "../wire/regions.ts";
import type { Operation, WireCall } from "../wire/service.ts";
import { type Addressee, addresseeOf, isAddressee, oneProduct } from "./addressee.ts";
import { billRecord } from "./bill-record.ts";
import { timestampFault } from "./time-rules.ts";
import { readUsageRecord, type UsageRecord } from "./usage-record.ts";

const MOST_RECORDS = 25;
const MOST_BYTES = 1_048_576;

/** All or nothing where the request is at fault; else a status for each record. */
export const batchMeterUsage: Operation = (aws, call) => {
  const answer = refusedBefore(aws, call) ?? meterRecords(aws, call);
  const outcome = isAwsError(answer) ? answer.error : "Success";
  const records = Array.isArray(call.body["UsageRecords"]) ? call.body["UsageRecords"].length : 0;
  const { region, requestId } = call;
  aws.state.ledger.noteCall({ at: aws.clock.now(), region, requestId, records, outcome });
  return answer;
};

/** Nothing has been read yet, so nothing is billed. */
function refusedBefore({ faults, rate }: Aws, { region, bytes }: WireCall): AwsError | undefined {
  if (!isMeteringRegion(region)) return disabledIn(region);
  if (faults.take("aws_throttle") !== undefined || !rate.take(region))
    return awsError("ThrottlingException", "Rate exceeded");
  if (faults.take("aws_error_before") !== undefined)
    return awsError("InternalServiceErrorException", "An internal error has occurred.", 500);
  if (bytes >= MOST_BYTES) return awsError("ValidationException", "The request must be smaller than 1 MB.");
  return undefined;
}

interface Addressed {
  readonly record: UsageRecord;
  readonly addressee: Addressee;
}

function meterRecords(aws: Aws, call: WireCall): JsonObject | AwsError {
  const addressed = readRequest(aws, call.body);
  if (isAwsError(addressed)) return addressed;
  const skipped = Math.max(0, Math.floor(aws.faults.take("aws_unprocessed") ?? 0));
  const results = addressed.slice(skipped).map(({ record, addressee }) => billRecord(aws, call, record, addressee));
  // No order is promised, so none is kept.
  return {
    Results: results.reverse(),
    UnprocessedRecords: addressed.slice(0, skipped).map(({ record }) => record.sent),
  };
}

function readRequest(aws: Aws, body: JsonObject): readonly Addressed[] | AwsError {
  const records = readRecords(body["UsageRecords"]);
  if (isAwsError(records)) return records;
  const productCode = typeof body["ProductCode"] === "string" ? body["ProductCode"] : undefined;
  const addressees = records.map((record) => addresseeOf(aws, record, productCode));
  const unknown = addressees.find((one) => isAwsError(one));
  if (unknown !== undefined && isAwsError(unknown)) return unknown;
  const known = addressees.filter(isAddressee);
  const product = oneProduct(known);
  if (product !== undefined && isAwsError(product)) return product;
  const now = aws.clock.now();
  const late = records.map(({ timestamp }) => timestampFault(timestamp, now)).find((fault) => fault !== undefined);
  if (late !== undefined) return late;
  const metered = product?.dimensions.filter((one) => one.metered).map(({ code }) => code) ?? [];
  const stranger = records.find(({ dimension }) => !metered.includes(dimension));
  if (stranger !== undefined)
    return awsError("InvalidUsageDimensionException", `The usage dimension ${stranger.dimension} is not valid.`);
  return records.flatMap((record, index) => {
    const addressee = known[index];
    return addressee === undefined ? [] : [{ record, addressee }];
  });
}

function readRecords(written: unknown): readonly UsageRecord[] | AwsError {
  if (!Array.isArray(written) || written.length > MOST_RECORDS)
    return awsError(
      "ValidationException",
      `1 validation error detected: Value at 'usageRecords' failed to satisfy constraint: Member must have length less than or equal to ${MOST_RECORDS}`,
    );
  const read = written.map(readUsageRecord);
  const fault = read.find((one) => isAwsError(one));
  if (fault !== undefined && isAwsError(fault)) return fault;
  return read.filter((one): one is UsageRecord => !isAwsError(one));
}

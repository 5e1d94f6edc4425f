import { asJsonObject, isJsonObject, type JsonObject } from "../../json.ts";
import { type AwsError, awsError } from "../wire/answers.ts";
import { allocationFault } from "./allocations.ts";
import { isUnits, MOST_UNITS } from "./units.ts";

/** A record whose form is right; whom it is about has not been looked at. */
export interface UsageRecord {
  /** As it was sent: answers echo it. */
  readonly sent: JsonObject;
  readonly timestamp: Date;
  readonly dimension: string;
  readonly quantity: number;
  readonly account: string | undefined;
  readonly customerIdentifier: string | undefined;
  readonly licenceArn: string | undefined;
  readonly allocations: readonly JsonObject[] | undefined;
}

const LICENCE_ARN =
  /^arn:aws[a-zA-Z-]*:[A-Za-z0-9][A-Za-z0-9_/.-]{0,62}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9_/.-]{0,63}:[A-Za-z0-9][A-Za-z0-9:_/+=,@.-]{0,1023}$/;

/** What is wrong with the form of a record, or the record. `index` counts from 0; messages count from 1, as AWS's do. */
export function readUsageRecord(written: unknown, index: number): UsageRecord | AwsError {
  const sent = asJsonObject(written);
  const fault = shapeFault(sent, `usageRecords.${index + 1}.member`) ?? identityFault(sent) ?? allocationFault(sent);
  if (fault !== undefined) return fault;
  return {
    sent,
    timestamp: new Date(Number(sent["Timestamp"]) * 1000),
    dimension: String(sent["Dimension"]),
    quantity: Number(sent["Quantity"] ?? 0),
    account: optionalText(sent["CustomerAWSAccountId"]),
    customerIdentifier: optionalText(sent["CustomerIdentifier"]),
    licenceArn: optionalText(sent["LicenseArn"]),
    allocations: Array.isArray(sent["UsageAllocations"]) ? sent["UsageAllocations"].filter(isJsonObject) : undefined,
  };
}

function optionalText(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

function shapeFault(sent: JsonObject, at: string): AwsError | undefined {
  const invalid = (member: string, constraint: string) =>
    awsError(
      "ValidationException",
      `1 validation error detected: Value at '${at}.${member}' failed to satisfy constraint: ${constraint}`,
    );
  const { Timestamp: timestamp, Dimension: dimension, Quantity: quantity } = sent;
  if (timestamp === undefined) return invalid("timestamp", "Member must not be null");
  if (typeof timestamp !== "number" || !Number.isFinite(timestamp))
    return awsError("SerializationException", "Timestamp is not a number of seconds");
  if (typeof dimension !== "string") return invalid("dimension", "Member must not be null");
  if (dimension.length < 1 || dimension.length > 255)
    return invalid("dimension", "Member must have 1 to 255 characters");
  if (quantity !== undefined && (typeof quantity !== "number" || !Number.isInteger(quantity)))
    return awsError("SerializationException", "Quantity cannot be converted to Integer");
  if (quantity !== undefined && !isUnits(quantity))
    return invalid("quantity", `Member must have value between 0 and ${MOST_UNITS}`);
  return undefined;
}

/** Whom the record names: account and licence, account alone, or the legacy identifier alone. */
function identityFault(sent: JsonObject): AwsError | undefined {
  const { CustomerAWSAccountId: account, CustomerIdentifier: identifier, LicenseArn: licence } = sent;
  if (licence !== undefined && (typeof licence !== "string" || !LICENCE_ARN.test(licence)))
    return awsError("InvalidLicenseException", "The license ARN is malformed.");
  if (account !== undefined && (typeof account !== "string" || !/^\d{1,255}$/.test(account)))
    return awsError("ValidationException", "CustomerAWSAccountId must be digits.");
  if (identifier !== undefined && (typeof identifier !== "string" || identifier.length > 255))
    return awsError("ValidationException", "CustomerIdentifier is too long.");
  if (account !== undefined && identifier !== undefined)
    return awsError("ValidationException", "CustomerAWSAccountId and CustomerIdentifier exclude each other.");
  if (licence !== undefined && account === undefined)
    return awsError("ValidationException", "A record with LicenseArn needs CustomerAWSAccountId.");
  if (account === undefined && !identifier)
    return awsError("InvalidCustomerIdentifierException", "A record names no customer.");
  return undefined;
}

import { asJsonObject, type JsonObject } from "../../json.ts";
import { type AwsError, awsError } from "../wire/answers.ts";
import { isUnits } from "./units.ts";

const MOST_ALLOCATIONS = 2_500;
const MOST_TAGS = 5;
const TAG_CHARACTERS = /^[a-zA-Z0-9+ \-=._:/@]+$/;

/** What is wrong with `UsageAllocations`: their number, their sum, their tags, or two with the same tags. */
export function allocationFault(sent: JsonObject): AwsError | undefined {
  const list: unknown = sent["UsageAllocations"];
  if (list === undefined) return undefined;
  if (!Array.isArray(list) || list.length < 1 || list.length > MOST_ALLOCATIONS)
    return awsError("InvalidUsageAllocationsException", `There must be 1 to ${MOST_ALLOCATIONS} allocations.`);
  const allocations = list.map(asJsonObject);
  return quantityFault(allocations, Number(sent["Quantity"] ?? 0)) ?? tagFault(allocations) ?? repeatFault(allocations);
}

function quantityFault(allocations: readonly JsonObject[], quantity: number): AwsError | undefined {
  const units = allocations.map((one) => one["AllocatedUsageQuantity"]);
  if (!units.every(isUnits))
    return awsError("InvalidUsageAllocationsException", "An allocated quantity is missing or out of range.");
  const sum = units.filter(isUnits).reduce((total, one) => total + one, 0);
  if (sum !== quantity)
    return awsError(
      "InvalidUsageAllocationsException",
      `The allocations add up to ${sum}, the quantity is ${quantity}.`,
    );
  return undefined;
}

function tagFault(allocations: readonly JsonObject[]): AwsError | undefined {
  const lists = allocations.map((one) => one["Tags"]).filter((tags) => tags !== undefined);
  if (!lists.every((tags) => Array.isArray(tags) && tags.length >= 1 && tags.length <= MOST_TAGS))
    return awsError("InvalidTagException", `An allocation has 1 to ${MOST_TAGS} tags, or leaves them out.`);
  const tags = allocations.flatMap(tagsOf);
  if (!tags.every(({ key, value }) => isTagText(key, 100) && isTagText(value, 256)))
    return awsError("InvalidTagException", "A tag's key or value is too long or has characters that are not allowed.");
  if (new Set(tags.map(({ key }) => key)).size > MOST_TAGS)
    return awsError("InvalidTagException", `The allocations of one record may use at most ${MOST_TAGS} tag keys.`);
  return undefined;
}

function repeatFault(allocations: readonly JsonObject[]): AwsError | undefined {
  const sets = allocations.map((one) =>
    JSON.stringify(
      tagsOf(one)
        .map(({ key, value }) => [key, value])
        .sort(),
    ),
  );
  if (new Set(sets).size === sets.length) return undefined;
  return awsError("InvalidUsageAllocationsException", "Two allocations have the same tags.");
}

function tagsOf(allocation: JsonObject) {
  const list: unknown = allocation["Tags"];
  const tags = Array.isArray(list) ? list.map(asJsonObject) : [];
  return tags.map((tag) => ({ key: tag["Key"], value: tag["Value"] }));
}

function isTagText(value: unknown, longest: number): boolean {
  return typeof value === "string" && value.length <= longest && TAG_CHARACTERS.test(value);
}

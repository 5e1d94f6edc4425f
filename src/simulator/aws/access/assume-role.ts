import { type JsonObject, parseJson, textIn } from "../../json.ts";
import { readPolicy } from "../judge/policy.ts";
import type { Assumption } from "./assumption.ts";

/** AssumeRole as it was asked for. */
export interface RoleRequest {
  readonly roleArn: string;
  readonly seconds: number;
  readonly assumption: Assumption;
}

/** What AWS calls a request that it does not look at further. */
export interface RequestFault {
  readonly code: string;
  readonly message: string;
}

const ROLE = /^arn:aws[a-z-]*:iam::\d{12}:role\/[\w+=,.@/-]+$/;
const SESSION_NAME = /^[\w+=,.@-]{2,64}$/;
const EXTERNAL_ID = /^[\w+=,.@:/-]{2,1224}$/;
const TAG = /^[\p{L}\p{Z}\p{N}_.:/=+@-]*$/u;
const SHORTEST_S = 900;
const LONGEST_S = 43_200;
const MOST_TAGS = 50;

/** Reads the form by the rules of the STS API reference, AssumeRole. */
export function readRoleRequest(form: JsonObject): RoleRequest | RequestFault {
  const roleArn = textIn(form, "RoleArn") ?? "";
  const sessionName = textIn(form, "RoleSessionName") ?? "";
  const seconds = Number(form["DurationSeconds"] ?? 3_600);
  const externalId = textIn(form, "ExternalId");
  const tags = Object.fromEntries(pairs(form));
  const policy = form["Policy"] === undefined ? undefined : parseJson(String(form["Policy"]));
  const fault = [
    ROLE.test(roleArn) ? undefined : `${roleArn === "" ? "RoleArn" : "The ARN"} is invalid.`,
    SESSION_NAME.test(sessionName) ? undefined : "RoleSessionName must be 2 to 64 characters of [\\w+=,.@-]*",
    seconds >= SHORTEST_S && seconds <= LONGEST_S ? undefined : "DurationSeconds is out of range.",
    externalId === undefined || EXTERNAL_ID.test(externalId) ? undefined : "ExternalId is not valid.",
    tagFault(pairs(form)),
  ].find((message) => message !== undefined);
  if (fault !== undefined) return { code: "ValidationError", message: fault };
  const policies = form["Policy"] === undefined ? [] : [policy?.value];
  if (!policies.every(isPolicy)) return { code: "MalformedPolicyDocument", message: "The policy is not valid." };
  return {
    roleArn,
    seconds,
    assumption: { sessionName, tags, transitiveTagKeys: members(form, "TransitiveTagKeys"), externalId, policies },
  };
}

/** `Tags.member.1.Key` and its `Value`. */
function pairs(form: JsonObject): readonly (readonly [key: string, value: string])[] {
  return Array.from({ length: MOST_TAGS + 1 }, (_, place) => `Tags.member.${place + 1}`)
    .filter((name) => `${name}.Key` in form)
    .map((name) => [String(form[`${name}.Key`]), String(form[`${name}.Value`] ?? "")]);
}

function members(form: JsonObject, name: string): readonly string[] {
  return Array.from({ length: MOST_TAGS }, (_, place) => form[`${name}.member.${place + 1}`]).filter(
    (value) => typeof value === "string",
  );
}

/** Keys differ in more than their case. (STS API reference, Tag.) */
function tagFault(tags: readonly (readonly [key: string, value: string])[]): string | undefined {
  if (tags.length > MOST_TAGS) return "There are too many tags.";
  if (new Set(tags.map(([key]) => key.toLowerCase())).size < tags.length) return "Duplicate tag keys found.";
  const fits = ([key, value]: readonly [string, string]): boolean =>
    key !== "" && key.length <= 128 && value.length <= 256 && TAG.test(key) && TAG.test(value);
  return tags.every(fits) ? undefined : "A tag is not valid.";
}

function isPolicy(document: unknown): boolean {
  try {
    return readPolicy(document) !== undefined;
  } catch {
    return false;
  }
}

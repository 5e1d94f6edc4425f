import { randomBytes } from "node:crypto";
import type { Request } from "express";
import { type JsonObject, textIn } from "../../json.ts";
import { SELLER_ACCOUNT } from "../model/accounts.ts";
import type { Aws } from "../model/world.ts";
import { isAwsError } from "../wire/answers.ts";
import { signerOf } from "../wire/signature.ts";
import { failed, type QueryAnswer, succeeded } from "./query-answer.ts";

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";
const ROLE = /^arn:aws:iam::(\d{12}):role\/[\w+=,.@/-]+$/;
const SHORTEST_S = 900;
const LONGEST_S = 43_200;

/** Any role of the seller's account, for whoever says the external id. */
export function assumeRole(aws: Aws, request: Request, form: JsonObject): QueryAnswer {
  const signer = signerOf(aws, request, "sts");
  if (isAwsError(signer)) return failed(403, "InvalidClientTokenId", signer.message);
  const fault = requestFault(form);
  if (fault !== undefined) return failed(400, "ValidationError", fault);
  const role = textIn(form, "RoleArn") ?? "";
  const trusts = aws.externalId === undefined || form["ExternalId"] === aws.externalId;
  if (ROLE.exec(role)?.[1] !== SELLER_ACCOUNT || !trusts)
    return failed(403, "AccessDenied", `Account ${signer.account} is not authorized to perform: sts:AssumeRole`);
  return succeeded("AssumeRole", NAMESPACE, newSession(aws, role, durationIn(form)));
}

export function callerIdentity(aws: Aws, request: Request): QueryAnswer {
  const signer = signerOf(aws, request, "sts");
  if (isAwsError(signer)) return failed(403, "InvalidClientTokenId", signer.message);
  const { account } = signer;
  const who = `<Arn>arn:aws:iam::${account}:user/simulated</Arn><UserId>AIDASIMULATED</UserId><Account>${account}</Account>`;
  return succeeded("GetCallerIdentity", NAMESPACE, who);
}

function requestFault(form: JsonObject): string | undefined {
  if (!ROLE.test(textIn(form, "RoleArn") ?? "")) return "RoleArn is not valid.";
  if (textIn(form, "RoleSessionName") === undefined) return "RoleSessionName must not be null.";
  const seconds = durationIn(form);
  return seconds >= SHORTEST_S && seconds <= LONGEST_S ? undefined : "DurationSeconds is out of range.";
}

function durationIn(form: JsonObject): number {
  return Number(form["DurationSeconds"] ?? 3_600);
}

function newSession({ state, clock }: Aws, role: string, seconds: number): string {
  const key = `ASIA${randomBytes(8).toString("hex").toUpperCase()}`;
  const token = randomBytes(120).toString("base64");
  const expiresAt = clock.in(seconds * 1_000);
  state.sessions.set(`${key} ${token}`, { expiresAt });
  return [
    `<Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${randomBytes(30).toString("hex")}</SecretAccessKey>`,
    `<SessionToken>${token}</SessionToken><Expiration>${expiresAt.toISOString()}</Expiration></Credentials>`,
    `<AssumedRoleUser><AssumedRoleId>AROASIMULATED:session</AssumedRoleId><Arn>${role}</Arn></AssumedRoleUser>`,
  ].join("");
}

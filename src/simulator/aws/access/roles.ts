import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Request } from "express";
import type { JsonObject } from "../../json.ts";
import { SELLER_ACCOUNT } from "../model/accounts.ts";
import type { Aws } from "../model/world.ts";
import { isAwsError } from "../wire/answers.ts";
import { type Signer, signerOf } from "../wire/signature.ts";
import { type RoleRequest, readRoleRequest } from "./assume-role.ts";
import { accountOf, principalOf, refusedAction } from "./assumption.ts";
import { failed, type QueryAnswer, succeeded } from "./query-answer.ts";
import type { Role } from "./role.ts";

const NAMESPACE = "https://sts.amazonaws.com/doc/2011-06-15/";

/**
 * A role that was registered is judged by its trust policy. Any other of the seller's account is given to whoever says the
 * external id: what it trusts is not known here.
 */
export async function assumeRole(aws: Aws, request: Request, form: JsonObject): Promise<QueryAnswer> {
  const signer = signerOf(aws, request, "sts");
  if (isAwsError(signer)) return failed(403, "InvalidClientTokenId", signer.message);
  if (aws.faults.take("aws_sts_throttled") !== undefined) return failed(400, "Throttling", "Rate exceeded");
  await sleep(aws.faults.take("aws_sts_slow") ?? 0, undefined, { signal: aws.stopping, ref: false }).catch(
    () => undefined,
  );
  const asked = readRoleRequest(form);
  if ("code" in asked) return failed(400, asked.code, asked.message);
  const role = aws.state.roles.get(asked.roleArn);
  const refused =
    role === undefined ? unknownRole(aws, asked) : refusedAction(role, signer.principal, asked.assumption);
  if (refused !== undefined) return denied(signer, refused, asked.roleArn);
  const found = role ?? { arn: asked.roleArn, trust: undefined, policies: [], tags: {} };
  return succeeded("AssumeRole", NAMESPACE, newSession(aws, found, asked));
}

export function callerIdentity(aws: Aws, request: Request): QueryAnswer {
  const signer = signerOf(aws, request, "sts");
  if (isAwsError(signer)) return failed(403, "InvalidClientTokenId", signer.message);
  const { account, principal } = signer;
  const who = `<Arn>${principal.arn}</Arn><UserId>AIDASIMULATED</UserId><Account>${account}</Account>`;
  return succeeded("GetCallerIdentity", NAMESPACE, who);
}

function unknownRole({ externalId }: Aws, { roleArn, assumption }: RoleRequest): string | undefined {
  const trusts = externalId === undefined || assumption.externalId === externalId;
  return accountOf(roleArn) === SELLER_ACCOUNT && trusts ? undefined : "sts:AssumeRole";
}

function denied({ principal }: Signer, action: string, roleArn: string): QueryAnswer {
  return failed(
    403,
    "AccessDenied",
    `User: ${principal.arn} is not authorized to perform: ${action} on resource: ${roleArn}`,
  );
}

function newSession({ state, clock }: Aws, role: Role, { seconds, assumption }: RoleRequest): string {
  const key = `ASIA${randomBytes(8).toString("hex").toUpperCase()}`;
  const token = randomBytes(120).toString("base64");
  const expiresAt = clock.in(seconds * 1_000);
  const session = { role, ...assumption, issuedAt: clock.now() };
  state.sessions.set(key, { token, expiresAt, session });
  return [
    `<Credentials><AccessKeyId>${key}</AccessKeyId><SecretAccessKey>${randomBytes(30).toString("hex")}</SecretAccessKey>`,
    `<SessionToken>${token}</SessionToken><Expiration>${expiresAt.toISOString()}</Expiration></Credentials>`,
    `<AssumedRoleUser><AssumedRoleId>AROASIMULATED:${assumption.sessionName}</AssumedRoleId>`,
    `<Arn>${principalOf(session).arn}</Arn></AssumedRoleUser>`,
  ].join("");
}

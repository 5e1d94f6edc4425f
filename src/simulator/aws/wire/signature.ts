import type { Request } from "express";
import { principalOf } from "../access/assumption.ts";
import type { Principal } from "../judge/principals.ts";
import { accountOfKey, userOf } from "../model/accounts.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, isAwsError } from "./answers.ts";

export interface Signer {
  readonly region: string;
  /** The account whose credentials signed. */
  readonly account: string;
  readonly principal: Principal;
}

const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([a-z0-9-]+)\/([a-z0-9-]+)\/aws4_request, ?SignedHeaders=([^,\s]+), ?Signature=([0-9a-f]{64})$/;

/**
 * Who signed, by Signature Version 4: the scope, the headers it has to cover and the key's name are looked at; since
 * every secret is taken, the signature itself is not.
 */
export function signerOf(aws: Aws, request: Request, service: string): Signer | AwsError {
  const header = request.get("authorization");
  if (header === undefined) return awsError("MissingAuthenticationTokenException", "Missing Authentication Token");
  const match = AUTHORIZATION.exec(header);
  if (match === null || request.get("x-amz-date") === undefined)
    return awsError("IncompleteSignatureException", "The request signature does not conform to AWS standards.");
  const [, key = "", , region = "", scope = "", headers = ""] = match;
  if (scope !== service)
    return awsError("InvalidSignatureException", `Credential should be scoped to correct service: '${service}'.`);
  if (!headers.split(";").includes("host"))
    return awsError("InvalidSignatureException", "'Host' must be a 'SignedHeader' in the AWS Authorization.");
  const principal = principalOfKey(aws, key, request.get("x-amz-security-token"));
  return isAwsError(principal) ? principal : { region, account: principal.account, principal };
}

function principalOfKey({ state, clock }: Aws, key: string, token: string | undefined): Principal | AwsError {
  const unknown = awsError("UnrecognizedClientException", "The security token included in the request is invalid.");
  const account = token === undefined ? accountOfKey(key) : undefined;
  if (account !== undefined) return { arn: userOf(account), account };
  const given = state.sessions.get(key);
  if (given === undefined || given.token !== token) return unknown;
  const expired = awsError("ExpiredTokenException", "The security token included in the request is expired");
  return given.expiresAt > clock.now() ? principalOf(given.session) : expired;
}

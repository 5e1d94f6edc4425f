import { type RequestHandler, type Response, Router } from "express";
import type { Clock } from "../clock.ts";
import { ProviderError } from "../errors.ts";
import { answerJson } from "../http/answer.ts";
import { jsonBody, jsonOf } from "../http/body.ts";
import { noteRequest } from "../http/request-log.ts";
import type { AwsSession } from "../isolation/aws/aws.ts";
import { admit, callerOn, type Guard, tenantOfCall } from "./caller.ts";
import { parsed } from "./parsed.ts";
import { awsCredentialsRequest } from "./schemas.ts";

export interface AwsRoutesOptions extends Guard {
  readonly clock: Clock;
}

const BODY_LIMIT = 4_096;

/** Temporary credentials of AWS for one tenant. */
export function awsRoutes(options: AwsRoutesOptions): Router {
  const router = Router();
  const body = jsonBody(BODY_LIMIT);
  router.post("/v1/aws/credentials", admit(options, "aws:credentials"), body, vend(options));
  router.post("/v1/aws/connection/credentials", admit(options, "aws:credentials"), body, useConnection(options));
  return router;
}

/** What the product does in a customer's account is no matter of the customer's key. */
function useConnection({ provider, clock }: AwsRoutesOptions): RequestHandler {
  return async function answerConnectedCredentials(req, res) {
    const { tenant: named, duration_seconds: seconds } = parsed(awsCredentialsRequest, jsonOf(req));
    const caller = callerOn(req);
    if (caller.kind === "key") throw new ProviderError("not_permitted", "These credentials are for the product alone.");
    const tenant = tenantOfCall(caller, named);
    noteRequest(req, { tenant, operation: "aws connection" });
    const by = "product";
    answerSession(res, await provider.connectedCredentials({ ref: { tenant }, seconds, by, at: clock.now() }));
  };
}

function vend({ provider, clock }: AwsRoutesOptions): RequestHandler {
  return async function answerCredentials(req, res) {
    const { tenant: named, duration_seconds } = parsed(awsCredentialsRequest, jsonOf(req));
    const caller = callerOn(req);
    const tenant = tenantOfCall(caller, named);
    noteRequest(req, { tenant, operation: "aws credentials" });
    const session = await provider.awsCredentials({
      ref: { tenant },
      seconds: duration_seconds,
      by: caller.kind === "product" ? "product" : `customer:${tenant}`,
      at: clock.now(),
    });
    answerSession(res, session);
  };
}

function answerSession(res: Response, session: AwsSession): void {
  res.setHeader("Cache-Control", "no-store");
  answerJson(res, 200, {
    access_key_id: session.accessKeyId,
    secret_access_key: session.secretAccessKey,
    session_token: session.sessionToken,
    expires_at: session.expiresAt,
  });
}

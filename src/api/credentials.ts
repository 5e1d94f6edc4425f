import { type RequestHandler, Router } from "express";
import type { Clock } from "../clock.ts";
import { type Credential, CUSTOMER_SCOPES } from "../credentials/credentials.ts";
import { ALL_SCOPES } from "../credentials/named.ts";
import { answerJson } from "../http/answer.ts";
import { jsonBody, jsonOf } from "../http/body.ts";
import { noteRequest, requestId } from "../http/request-log.ts";
import type { Command } from "../provider/contract.ts";
import { admit, type Caller, callerOn, type Guard, tenantOfCall } from "./caller.ts";
import { parsed } from "./parsed.ts";
import { credentialQuery, issueRequest, rotateRequest } from "./schemas.ts";

interface Options extends Guard {
  readonly clock: Clock;
}

const BODY_LIMIT = 16 * 1024;

/** Issuing, listing, rotating and revoking the credentials of one tenant. */
export function credentialRoutes(options: Options): Router {
  const router = Router();
  const body = jsonBody(BODY_LIMIT);
  const admitted = admit(options, "credentials:rotate");
  router.post("/v1/credentials/rotate", admitted, body, rotate(options));
  router.post("/v1/credentials", admitted, body, issue(options));
  router.get("/v1/credentials", admitted, list(options));
  router.delete("/v1/credentials/:id", admitted, revoke(options));
  return router;
}

const byOf = (caller: Caller): Command["by"] => (caller.kind === "product" ? "product" : `customer:${caller.tenant}`);

function rotate({ provider, clock }: Options): RequestHandler {
  return async function answerRotation(req, res) {
    const { tenant, kind, overlap_seconds } = parsed(rotateRequest, jsonOf(req));
    const caller = callerOn(req);
    const id = tenantOfCall(caller, tenant);
    noteRequest(req, { tenant: id, operation: "rotate" });
    const outcome = await provider.rotateCredentials({
      ref: { tenant: id },
      kind,
      overlapSeconds: overlap_seconds,
      by: byOf(caller),
      at: clock.now(),
      request: requestId(req),
    });
    answerJson(res, 202, { operation: outcome.operationId });
  };
}

function issue({ provider, clock }: Options): RequestHandler {
  return async function answerIssued(req, res) {
    const { tenant, ...wish } = parsed(issueRequest, jsonOf(req));
    const caller = callerOn(req);
    const id = tenantOfCall(caller, tenant);
    noteRequest(req, { tenant: id, operation: "issue" });
    const { credential, value } = await provider.issueCredential({
      ref: { tenant: id },
      ...wish,
      grantable: caller.kind === "product" ? ALL_SCOPES : CUSTOMER_SCOPES,
      by: byOf(caller),
      at: clock.now(),
    });
    res.setHeader("Cache-Control", "no-store");
    answerJson(res, 201, { ...credentialJson(credential), value });
  };
}

function list({ provider }: Options): RequestHandler {
  return async function answerCredentials(req, res) {
    const id = tenantOfCall(callerOn(req), parsed(credentialQuery, req.query).tenant);
    const credentials = await provider.listCredentials({ tenant: id });
    answerJson(res, 200, { data: credentials.map(credentialJson) });
  };
}

function revoke({ provider, clock }: Options): RequestHandler {
  return async function answerRevoked(req, res) {
    const caller = callerOn(req);
    const id = tenantOfCall(caller, parsed(credentialQuery, req.query).tenant);
    noteRequest(req, { tenant: id, operation: "revoke" });
    const credential = String(req.params["id"]);
    await provider.revokeCredential({ ref: { tenant: id }, credential, by: byOf(caller), at: clock.now() });
    answerJson(res, 200, { id: credential, state: "revoked" });
  };
}

/** Never the value. */
function credentialJson(credential: Credential) {
  return {
    id: credential.id,
    kind: credential.kind,
    name: credential.named ? credential.name : null,
    var: credential.named ? null : credential.name,
    access: credential.access,
    scopes: credential.scopes,
    key_id: credential.keyId,
    last_four: credential.hint,
    state: credential.state,
    created_at: credential.createdAt,
    retires_at: credential.retiresAt,
    last_used_at: credential.lastUsedAt,
  };
}

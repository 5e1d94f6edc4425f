import { type RequestHandler, Router } from "express";
import { ProviderError } from "../errors.ts";
import { answerJson } from "../http/answer.ts";
import { jsonBody, jsonOf } from "../http/body.ts";
import { noteRequest } from "../http/request-log.ts";
import { isTenantId } from "../isolation/isolation.ts";
import { admit, callerOn, type Guard, tenantOfCall } from "./caller.ts";
import { externalEventRequest } from "./endpoint-schemas.ts";
import { parsed } from "./parsed.ts";

const BODY_LIMIT = 64 * 1024;

/** Events in: what the vendor's other systems tell about a tenant. */
export function externalEventRoutes(options: Guard): Router {
  const router = Router();
  router.post("/v1/tenants/:id/events", admit(options, "events:write"), jsonBody(BODY_LIMIT), attach(options));
  return router;
}

function attach({ provider }: Guard): RequestHandler {
  return async function answerAttached(req, res) {
    const tenant = tenantOfCall(callerOn(req), String(req.params["id"]));
    if (!isTenantId(tenant)) throw new ProviderError("tenant_not_found", "There is no such tenant.");
    noteRequest(req, { tenant, operation: "attach event" });
    const attached = await provider.attachEvent(tenant, parsed(externalEventRequest, jsonOf(req)));
    answerJson(res, attached.fresh ? 201 : 200, attached);
  };
}

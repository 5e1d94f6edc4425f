import type { Request, RequestHandler } from "express";
import { ProviderError } from "../../../errors.ts";
import { jsonOf } from "../../../http/body.ts";
import { noteRequest, requestId } from "../../../http/request-log.ts";
import { isTenantId } from "../../../isolation/isolation.ts";
import type { Provider } from "../../../provider/contract.ts";
import type { TenantRef } from "../../../tenants/tenants.ts";
import { isUuid } from "../../../uuid.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import { answerPlanChanged, answerProvisioned } from "./answers.ts";
import { readPlanChangeBody, readProvisionBody } from "./bodies.ts";
import { provisionRequest } from "./provision-request.ts";

/** `POST /resources`. The same uuid gets the same answer, however often it comes. */
export function provisionResource(options: HerokuOptions, provider: Provider): RequestHandler {
  return async function provision(req, res) {
    const request = { ...provisionRequest(options, readProvisionBody(jsonOf(req))), request: requestId(req) };
    const outcome = await provider.provision(request);
    noteRequest(req, { tenant: outcome.value.tenant.id });
    answerProvisioned(req, res, options.catalog.name, outcome);
  };
}

/** `PUT /resources/:id`. The plan it already has is answered as done. */
export function changePlanOfResource(options: HerokuOptions, provider: Provider): RequestHandler {
  return async function changePlan(req, res) {
    const { plan } = readPlanChangeBody(jsonOf(req));
    const outcome = await provider.changePlan({ ref: refOf(req.params["id"]), plan, ...command(options, req) });
    noteRequest(req, { tenant: outcome.value.tenant.id });
    answerPlanChanged(req, res, options.catalog.name, outcome);
  };
}

/** `DELETE /resources/:id`. 204 also while the product is still being told: the credentials are dead already. */
export function removeResource(options: HerokuOptions, provider: Provider): RequestHandler {
  return async function remove(req, res) {
    const outcome = await provider.deprovision({ ref: refOf(req.params["id"]), ...command(options, req) });
    noteRequest(req, { tenant: outcome.value.id });
    res.writeHead(204).end();
  };
}

const command = ({ clock }: HerokuOptions, req: Request) =>
  ({ by: `marketplace:${HEROKU}`, at: clock.now(), request: requestId(req) }) as const;

/** By Heroku's id or ours. What can be neither was never known. */
export function refOf(id: unknown): TenantRef {
  const resourceId = String(id).toLowerCase();
  if (isUuid(resourceId) || isTenantId(resourceId)) return { marketplace: HEROKU, resourceId };
  throw new ProviderError("tenant_not_found", "There is no such resource.");
}

import { type RequestHandler, Router } from "express";
import { type Catalog, limitsOf } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { TokenKeys } from "../credentials/token-keys.ts";
import { ProviderError } from "../errors.ts";
import { answerJson } from "../http/answer.ts";
import { bearerToken } from "../http/basic-auth.ts";
import { readJson } from "../http/body.ts";
import { type FailedAttempts, refusing, wrongCredentials } from "../http/failed-attempts.ts";
import { answeredBy, type HotRoute } from "../http/hot-routes.ts";
import { isTenantId } from "../isolation/isolation.ts";
import type { Provider } from "../provider/contract.ts";
import type { Tenant } from "../tenants/tenants.ts";
import { isUuid } from "../uuid.ts";
import { awsRoutes } from "./aws.ts";
import { admission, admit, callerOn, tenantOfCall } from "./caller.ts";
import { credentialRoutes } from "./credentials.ts";
import { externalEventRoutes } from "./external-events.ts";
import { parsed } from "./parsed.ts";
import { tenantQuery, verifyRequest } from "./schemas.ts";
import { takingUsage, usageRoutes } from "./usage.ts";

export interface ApiOptions {
  readonly provider: Provider;
  readonly tokens: TokenKeys;
  readonly catalog: Catalog;
  readonly clock: Clock;
  readonly productSecret: string;
  readonly attempts: FailedAttempts;
}

const BODY_LIMIT = 256 * 1024;

/** Our own API for the vendor's product and for holders of keys; mounted at `/`. Shapes: `schemas.ts`. */
export function apiRoutes(options: ApiOptions): Router {
  const router = Router();
  router.post("/v1/usage", refusing(options.attempts, answeredBy(takingUsage(options))));
  router.post("/v1/keys/verify", refusing(options.attempts, answeredBy(verifyingKeys(options))));
  router.use(usageRoutes(options), awsRoutes(options));
  router.get("/v1/tenants", admit(options, "tenants:read"), listTenants(options));
  router.get("/v1/tenants/:id", admit(options, "tenants:read"), showTenant(options));
  router.get("/v1/tenants/:id/operations/:operation", admit(options, "tenants:read"), showOperation(options));
  router.get("/v1/tenant", admit(options, "tenant:read"), showOwnTenant(options));
  router.post("/v1/token", issueToken(options));
  router.use(credentialRoutes(options));
  router.use(externalEventRoutes(options));
  router.get("/.well-known/jwks.json", listPublicKeys(options));
  return router;
}

/** What the product asks with each call of its own customers, and with each thing that they use. */
export function hotApiRoutes(options: ApiOptions): Readonly<Record<string, HotRoute>> {
  return { "POST /v1/usage": takingUsage(options), "POST /v1/keys/verify": verifyingKeys(options) };
}

function verifyingKeys(options: ApiOptions): HotRoute {
  const admitted = admission(options, "keys:verify");
  return async function verifyKey(req) {
    await admitted(req);
    const { key } = parsed(verifyRequest, await readJson(req, BODY_LIMIT));
    return options.provider.verifyKey(key);
  };
}

function listTenants({ provider, catalog }: ApiOptions): RequestHandler {
  return async function answerTenants(req, res) {
    const { marketplace, resource_id, cursor, limit } = parsed(tenantQuery, req.query);
    const caller = callerOn(req);
    const found = await provider.listTenants({ marketplace, resourceId: resource_id, after: cursor, limit: limit + 1 });
    const seen = caller.kind === "product" ? found : found.filter((tenant) => tenant.id === caller.tenant);
    const page = seen.slice(0, limit);
    answerJson(res, 200, {
      data: page.map((tenant) => tenantJson(catalog, tenant)),
      next_cursor: seen.length > limit ? (page.at(-1)?.id ?? null) : null,
    });
  };
}

function showTenant({ provider, catalog }: ApiOptions): RequestHandler {
  return async function answerTenant(req, res) {
    const id = tenantOfCall(callerOn(req), String(req.params["id"]));
    answerJson(res, 200, tenantJson(catalog, await existing(provider, id)));
  };
}

function showOwnTenant({ provider, catalog }: ApiOptions): RequestHandler {
  return async function answerOwnTenant(req, res) {
    const caller = callerOn(req);
    if (caller.kind === "product") throw new ProviderError("not_permitted", "This shows the tenant of an API key.");
    answerJson(res, 200, tenantJson(catalog, await existing(provider, caller.tenant)));
  };
}

function showOperation({ provider }: ApiOptions): RequestHandler {
  return async function answerOperation(req, res) {
    const tenant = tenantOfCall(callerOn(req), String(req.params["id"]));
    const id = String(req.params["operation"]);
    const operation = isTenantId(tenant) && isUuid(id) ? await provider.operation(tenant, id) : undefined;
    if (operation === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant or operation.");
    const { kind, state, message, createdAt } = operation;
    answerJson(res, 200, { operation: id, kind, state, message, created_at: createdAt });
  };
}

function issueToken({ provider, attempts }: ApiOptions): RequestHandler {
  return refusing(attempts, async function answerToken(req, res) {
    const key = bearerToken(req);
    if (key === undefined) throw wrongCredentials();
    const { token, expiresIn } = await provider.issueToken(key);
    res.setHeader("Cache-Control", "no-store");
    answerJson(res, 200, { token, token_type: "Bearer", expires_in: expiresIn });
  });
}

function listPublicKeys({ tokens }: ApiOptions): RequestHandler {
  return async function answerPublicKeys(_req, res) {
    res.setHeader("Cache-Control", "public, max-age=300");
    answerJson(res, 200, { keys: await tokens.list() });
  };
}

async function existing(provider: Provider, id: string): Promise<Tenant> {
  const tenant = isTenantId(id) ? await provider.findTenant({ tenant: id }) : undefined;
  if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  return tenant;
}

function tenantJson(catalog: Catalog, tenant: Tenant) {
  return {
    id: tenant.id,
    marketplace: tenant.marketplace,
    resource_id: tenant.resourceId,
    plan: tenant.plan,
    state: tenant.state,
    limits: limitsOf(catalog, tenant),
  };
}

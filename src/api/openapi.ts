import { OpenAPIRegistry, OpenApiGeneratorV31, type RouteConfig } from "@asteasolutions/zod-to-openapi";
import type { z } from "zod";
import type { Described } from "./described.ts";
import { endpointDescriptions } from "./openapi-endpoints.ts";
import {
  awsCredentialsAnswer,
  awsCredentialsRequest,
  credentialListShape,
  credentialQuery,
  issueAnswer,
  issueRequest,
  jwksAnswer,
  operationAnswer,
  problemShape,
  revokeAnswer,
  rotateAnswer,
  rotateRequest,
  summaryShape,
  tenantListShape,
  tenantQuery,
  tenantShape,
  tokenAnswer,
  usageAnswer,
  usageListShape,
  usageQuery,
  usageRequest,
  verifyAnswer,
  verifyRequest,
} from "./schemas.ts";

const routes: readonly Described[] = [
  {
    method: "post",
    path: "/v1/keys/verify",
    summary: "Judge an API key",
    description: "Always 200 for a well-formed question. Scope `keys:verify`.",
    body: verifyRequest,
    answer: [200, verifyAnswer],
  },
  {
    method: "post",
    path: "/v1/usage",
    summary: "Record usage",
    description:
      "One event or up to 1,000. Always 200 for a well-formed body: a receipt for each event in its order, and a faulty one is " +
      "refused alone. Accepted means durable. Send an event again until it has a receipt: within eight days the same id is the " +
      "same event. Scope `usage:write`.",
    body: usageRequest,
    answer: [200, usageAnswer],
  },
  {
    method: "get",
    path: "/v1/usage",
    summary: "List usage records",
    description: "Hours of a tenant, or of all with `PRODUCT_SECRET`. Scope `usage:read`.",
    query: usageQuery,
    answer: [200, usageListShape],
  },
  {
    method: "get",
    path: "/v1/metering/summary",
    summary: "Units that no marketplace has accepted yet",
    description: "By dimension, of all tenants. `PRODUCT_SECRET` alone.",
    answer: [200, summaryShape],
  },
  {
    method: "get",
    path: "/v1/tenants",
    summary: "List tenants",
    description: "Empty when nothing fits. Scope `tenants:read`.",
    query: tenantQuery,
    answer: [200, tenantListShape],
  },
  {
    method: "get",
    path: "/v1/tenants/{id}",
    summary: "Show a tenant",
    description: "Scope `tenants:read`.",
    params: ["id"],
    answer: [200, tenantShape],
  },
  {
    method: "get",
    path: "/v1/tenants/{id}/operations/{operation}",
    summary: "Show an operation",
    description: "How far a change is. Scope `tenants:read`.",
    params: ["id", "operation"],
    answer: [200, operationAnswer],
  },
  {
    method: "get",
    path: "/v1/tenant",
    summary: "Show the tenant of this API key",
    description: "Scope `tenant:read`.",
    answer: [200, tenantShape],
  },
  {
    method: "post",
    path: "/v1/token",
    summary: "Exchange an API key for a short token",
    description: "ES256, 15 minutes; verify it with /.well-known/jwks.json. Scope `token`.",
    answer: [200, tokenAnswer],
  },
  {
    method: "post",
    path: "/v1/credentials/rotate",
    summary: "Issue new credentials",
    description:
      "The old ones work on for `overlap_seconds` (7200 when absent, 0 ends them at once). Scope `credentials:rotate`.",
    body: rotateRequest,
    answer: [202, rotateAnswer],
  },
  {
    method: "post",
    path: "/v1/credentials",
    summary: "Issue a named credential",
    description:
      "Beside those in the config vars, at most 20 names to a tenant. The value is in this answer and in no other. Scope " +
      "`credentials:rotate`.",
    body: issueRequest,
    answer: [201, issueAnswer],
  },
  {
    method: "get",
    path: "/v1/credentials",
    summary: "List the credentials of a tenant",
    description: "Those that still work, newest first, without their values. Scope `credentials:rotate`.",
    query: credentialQuery,
    answer: [200, credentialListShape],
  },
  {
    method: "delete",
    path: "/v1/credentials/{id}",
    summary: "Revoke a credential",
    description:
      "Refused from now on; the second time nothing happens. One that is in a config var is rotated instead. Scope " +
      "`credentials:rotate`.",
    params: ["id"],
    query: credentialQuery,
    answer: [200, revokeAnswer],
  },
  {
    method: "post",
    path: "/v1/aws/credentials",
    summary: "Temporary credentials of AWS for one tenant",
    description:
      "They open that tenant's data and nothing else. Within their time the same may come again, with at least a third of it " +
      "left. Scope `aws:credentials`.",
    body: awsCredentialsRequest,
    answer: [200, awsCredentialsAnswer],
  },
  {
    method: "post",
    path: "/v1/aws/connection/credentials",
    summary: "Temporary credentials of the role that a customer connected",
    description: "For what the product does in the customer's AWS account. `PRODUCT_SECRET` alone.",
    body: awsCredentialsRequest,
    answer: [200, awsCredentialsAnswer],
  },
  {
    method: "get",
    path: "/.well-known/jwks.json",
    summary: "Public keys of our tokens",
    description: "May be cached for five minutes.",
    answer: [200, jwksAnswer],
    open: true,
  },
];

const json = (schema: z.ZodType) => ({ "application/json": { schema } });

function configOf(route: Described, security: string): RouteConfig {
  const [status, schema] = route.answer;
  return {
    method: route.method,
    path: route.path,
    summary: route.summary,
    description: route.description,
    security: route.open ? [] : [{ [security]: [] }],
    request: {
      ...(route.body === undefined ? {} : { body: { content: json(route.body), required: true } }),
      ...(route.query === undefined ? {} : { query: route.query }),
    },
    ...(route.params === undefined
      ? {}
      : {
          parameters: route.params.map((name) => ({
            name,
            in: "path" as const,
            required: true,
            schema: { type: "string" as const },
          })),
        }),
    responses: {
      [status]: { description: "Done", ...(schema === undefined ? {} : { content: json(schema) }) },
      default: {
        description: "A problem (RFC 9457)",
        content: { "application/problem+json": { schema: problemShape } },
      },
    },
  };
}

/** The OpenAPI description of our own API, made from the schemas its routes check with. */
export function openApiDocument(): object {
  const registry = new OpenAPIRegistry();
  const security = registry.registerComponent("securitySchemes", "bearer", {
    type: "http",
    scheme: "bearer",
    description: "`PRODUCT_SECRET`, or an API key with the named scope.",
  });
  for (const route of [...routes, ...endpointDescriptions]) registry.registerPath(configOf(route, security.name));
  return new OpenApiGeneratorV31(registry.definitions).generateDocument({
    openapi: "3.1.0",
    info: {
      title: "Stallholder",
      version: "1",
      description: "What the vendor's product and the holder of an API key can ask of Stallholder.",
      license: { name: "MIT", identifier: "MIT" },
    },
    servers: [{ url: "/" }],
  });
}

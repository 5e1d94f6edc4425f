import { extendZodWithOpenApi } from "@asteasolutions/zod-to-openapi";
import { z } from "zod";
import { tenantStates } from "../tenants/tenants.ts";

extendZodWithOpenApi(z);

/** Every shape of our own API: the routes check with these, and openapi.json is made from them. */

const limits = z.record(z.string(), z.number()).openapi({ example: { requests: 100_000 } });

export const tenantShape = z
  .object({
    id: z.string().openapi({ example: "k3jx5q7abcdefghijklmnopqr2" }),
    marketplace: z.string().openapi({ example: "heroku" }),
    resource_id: z.string().openapi({ example: "01234567-89ab-cdef-0123-456789abcdef" }),
    plan: z.string().openapi({ example: "basic" }),
    state: z.enum(tenantStates),
    limits,
  })
  .openapi("Tenant");

export const tenantListShape = z
  .object({ data: z.array(tenantShape), next_cursor: z.string().nullable() })
  .openapi("TenantList");

export const tenantQuery = z.object({
  marketplace: z.string().max(64).optional(),
  resource_id: z.string().max(1_024).optional(),
  cursor: z.string().max(64).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const verifyRequest = z.object({ key: z.string().max(1_024) }).openapi("KeyQuestion");

export const verifyAnswer = z
  .union([
    z.object({
      valid: z.literal(true),
      tenant: z.string(),
      plan: z.string(),
      limits,
      scopes: z.array(z.string()),
    }),
    z.object({ valid: z.literal(false), code: z.enum(["unknown", "revoked", "expired", "suspended", "gone"]) }),
  ])
  .openapi("KeyVerdict");

export const tokenAnswer = z
  .object({ token: z.string(), token_type: z.literal("Bearer"), expires_in: z.number().int() })
  .openapi("Token");

export const rotateRequest = z
  .object({
    tenant: z.string().max(64).optional(),
    kind: z.string().max(32).optional(),
    overlap_seconds: z.number().int().min(0).max(604_800).optional(),
  })
  .openapi("Rotation");

export const rotateAnswer = z.object({ operation: z.string() }).openapi("OperationStarted");

export const operationAnswer = z
  .object({
    operation: z.string(),
    kind: z.string(),
    state: z.enum(["running", "done", "refused", "failed", "cancelled"]),
    message: z.string().nullable(),
    created_at: z.string(),
  })
  .openapi("Operation");

export const jwksAnswer = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).openapi("KeySet");

export const problemShape = z
  .object({
    type: z.string(),
    title: z.string(),
    status: z.number().int(),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    faults: z.array(z.object({ at: z.string(), message: z.string() })).optional(),
  })
  .openapi("Problem");

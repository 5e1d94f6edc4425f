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
      over: z
        .enum(["soft", "hard"])
        .optional()
        .openapi({ description: "A limit is near (80 %) or reached this month" }),
    }),
    z.object({ valid: z.literal(false), code: z.enum(["unknown", "revoked", "expired", "suspended", "gone"]) }),
  ])
  .openapi("KeyVerdict");

const quantity = z.union([z.number().int().min(0), z.string().regex(/^(0|[1-9]\d*)(\.\d+)?$/)]);

const usageEvent = z
  .object({
    id: z
      .string()
      .min(1)
      .max(200)
      .openapi({ example: "evt_1", description: "Your own; the same again is the same event" }),
    tenant: z.string().optional().openapi({ description: "With an API key its own tenant, and may be left out" }),
    dimension: z.string().openapi({ example: "requests" }),
    quantity: quantity.openapi({ example: 3, description: "An integer, or a decimal as text; at most 15 digits" }),
    time: z.string().optional().openapi({ example: "2026-05-10T10:01:59Z", description: "When absent: now" }),
    tags: z.record(z.string(), z.string()).optional().openapi({ description: "At most five" }),
  })
  .openapi("UsageEvent");

/** For the description alone: each event is read by the metering itself, so that a faulty one is refused alone. */
export const usageRequest = z.union([usageEvent, z.array(usageEvent).max(1_000)]);

export const usageAnswer = z
  .object({
    receipts: z.array(
      z.object({
        id: z.string().nullable(),
        status: z.enum(["accepted", "duplicate", "refused"]),
        code: z.string().optional().openapi({ example: "usage_late" }),
      }),
    ),
  })
  .openapi("UsageReceipts");

const instant = z.iso.datetime({ offset: true }).transform((text) => new Date(text));

export const usageQuery = z.object({
  tenant: z.string().max(64).optional(),
  dimension: z.string().max(64).optional(),
  from: instant.optional().openapi({ type: "string", format: "date-time" }),
  to: instant.optional().openapi({ type: "string", format: "date-time", description: "Not included" }),
  cursor: z.string().max(512).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const usageListShape = z
  .object({
    data: z.array(
      z.object({
        tenant: z.string(),
        dimension: z.string(),
        hour: z.iso.datetime(),
        quantity,
        state: z.enum(["open", "sealed", "sent", "accepted", "refused", "expired"]),
        accepted_at: z.iso.datetime().nullable(),
        units: z.number().int().nullable().openapi({
          description: "What is billed of it: whole units, beyond what is included; null until it is fixed",
        }),
        verdict: z.string().nullable().openapi({ example: "billed", description: "How it ended, and why" }),
      }),
    ),
    next_cursor: z.string().nullable(),
  })
  .openapi("UsageRecords");

const units = z.record(z.string(), z.number()).openapi({ example: { requests: 1_200 } });

export const summaryShape = z
  .object({
    waiting: units,
    at_risk: units,
    lost: units,
    lost_by_reason: z.record(z.string(), units),
    carried: units,
    to_audit: units,
    not_billed: units,
    conflicts: z.number().int(),
    oldest_waiting_at: z.iso.datetime().nullable(),
    marketplaces: z.record(z.string(), z.record(z.string(), units)),
  })
  .openapi("MeteringSummary");

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

export const issueRequest = z
  .strictObject({
    tenant: z.string().max(64).optional().openapi({ description: "With `PRODUCT_SECRET`; an API key has its own" }),
    kind: z.string().max(32).openapi({ example: "api-key" }),
    name: z.string().max(63).openapi({ example: "reporting", description: "One of a name at a time" }),
    access: z.enum(["full", "read"]),
    scopes: z.array(z.string().max(32)).max(16).optional().openapi({
      description:
        "Of an API key. When absent: `tenant:read`, with full access `token` too. Others for `PRODUCT_SECRET` alone",
    }),
  })
  .openapi("CredentialWish");

export const credentialQuery = z.object({ tenant: z.string().max(64).optional() });

export const credentialShape = z
  .object({
    id: z.string(),
    kind: z.string(),
    name: z.string().nullable(),
    var: z.string().nullable().openapi({ description: "The config var it fills; null for a named one" }),
    access: z.enum(["full", "read"]),
    scopes: z.array(z.string()),
    key_id: z.string().nullable(),
    last_four: z.string(),
    state: z.enum(["active", "retiring", "revoked"]),
    created_at: z.iso.datetime(),
    retires_at: z.iso.datetime().nullable(),
    last_used_at: z.iso.datetime().nullable().openapi({ description: "To the minute, where it can be seen" }),
  })
  .openapi("Credential");

export const credentialListShape = z.object({ data: z.array(credentialShape) }).openapi("CredentialList");

export const issueAnswer = credentialShape.extend({ value: z.string() }).openapi("IssuedCredential");

export const revokeAnswer = z.object({ id: z.string(), state: z.literal("revoked") }).openapi("RevokedCredential");

export const rotateAnswer = z.object({ operation: z.string() }).openapi("OperationStarted");

export const awsCredentialsRequest = z
  .object({
    tenant: z
      .string()
      .max(64)
      .optional()
      .openapi({ description: "With `PRODUCT_SECRET`; an API key asks for its own" }),
    duration_seconds: z
      .number()
      .int()
      .min(900)
      .max(3_600)
      .optional()
      .openapi({ description: "Rounded down to five minutes; 900 when absent" }),
  })
  .openapi("AwsCredentialsRequest");

export const awsCredentialsAnswer = z
  .object({
    access_key_id: z.string(),
    secret_access_key: z.string(),
    session_token: z.string(),
    expires_at: z.iso.datetime(),
  })
  .openapi("AwsCredentials");

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

import { z } from "zod";
import { eventTypes } from "../events/catalogue.ts";
import "./schemas.ts";

/** The shapes of `/v1/endpoints` and of events in. */

const instant = z.iso
  .datetime({ offset: true })
  .transform((text) => new Date(text))
  .openapi({ type: "string", format: "date-time" });

const types = z
  .array(z.string().max(128))
  .min(1)
  .max(64)
  .nullable()
  .openapi({
    example: ["plan.changed", "usage.*"],
    description: "Types, or beginnings with `*` behind them; null or absent is every type of ours",
  });

const name = z.string().max(100);

export const endpointRequest = z
  .object({
    name: name.optional(),
    url: z.string().optional().openapi({ example: "https://desk.example.com/events" }),
    bus: z.string().optional().openapi({ description: "Name or ARN of a bus of Amazon EventBridge, instead of `url`" }),
    region: z.string().optional().openapi({ example: "eu-west-1", description: "Of the bus, unless its ARN names it" }),
    types: types.optional(),
    test: z.boolean().optional().openapi({ description: "Gets the events of `stallholder trigger` too" }),
  })
  .openapi("NewEndpoint");

export const endpointPatch = z
  .object({
    name: name.optional(),
    url: z.string().optional(),
    types: types.optional(),
    test: z.boolean().optional(),
    state: z.enum(["on", "off"]).optional(),
  })
  .openapi("EndpointChange");

const endpointFields = {
  id: z.string().openapi({ example: "ep_k3jx5q7abcdefghijklmnopqrs" }),
  kind: z.enum(["http", "eventbridge"]),
  name: z.string(),
  url: z.string().nullable(),
  bus: z.string().nullable(),
  region: z.string().nullable(),
  types: z.array(z.string()).nullable(),
  test: z.boolean(),
  state: z.enum(["on", "off", "disabled"]),
  reason: z.string().nullable(),
  failing_since: z.iso.datetime().nullable(),
  owed: z.number().int().openapi({ description: "Events that it is still to be told" }),
  oldest_owed_at: z.iso.datetime().nullable(),
  created_at: z.iso.datetime(),
};

export const endpointShape = z.object(endpointFields).openapi("Endpoint");

export const endpointWithSecret = z
  .object({ ...endpointFields, secret: z.string().optional().openapi({ description: "Shown this once" }) })
  .openapi("EndpointWithSecret");

export const endpointListShape = z
  .object({ data: z.array(endpointShape), next_cursor: z.null() })
  .openapi("EndpointList");

export const rotateSecretRequest = z
  .object({ overlap_seconds: z.number().int().min(0).max(604_800).default(86_400) })
  .openapi("SecretRotation");

export const testRequest = z
  .object({ type: z.enum(eventTypes as [string, ...string[]]).default("provision.done") })
  .openapi("EndpointTest");

export const deliveryShape = z
  .object({
    id: z.string(),
    event: z.string(),
    type: z.string(),
    tenant: z.string(),
    attempt: z.number().int(),
    started_at: z.iso.datetime(),
    milliseconds: z.number().int(),
    outcome: z.enum(["delivered", "retry", "given_up", "disabled"]),
    status: z.number().int().nullable(),
    fault: z.string().nullable(),
    next_at: z.iso.datetime().nullable(),
  })
  .openapi("EventDelivery");

export const deliveryListShape = z
  .object({ data: z.array(deliveryShape), next_cursor: z.string().nullable() })
  .openapi("EventDeliveryList");

export const deliveryQuery = z.object({
  cursor: z.string().max(256).optional(),
  limit: z.coerce.number().int().min(1).max(1_000).default(100),
});

export const resendAnswer = z.object({ owed: z.literal(1) }).openapi("Resent");

export const recoverRequest = z.object({ since: instant }).openapi("Recovery");

export const recoverAnswer = z
  .object({
    owed: z.number().int(),
    recovered_through: z.iso
      .datetime()
      .nullable()
      .openapi({ description: "Ask again from there; null when nothing is left" }),
  })
  .openapi("Recovered");

/** CloudEvents 1.0, structured; attributes that are not named here are not kept. */
export const externalEventRequest = z
  .object({
    specversion: z.literal("1.0"),
    id: z.string().min(1).max(200),
    source: z.string().min(1).max(500).openapi({ example: "https://desk.example.com" }),
    type: z
      .string()
      .regex(/^[A-Za-z0-9][\w.-]{0,59}$/, "must be letters, digits, dots and dashes, 60 at most")
      .openapi({ example: "ticket.answered" }),
    time: instant.optional(),
    datacontenttype: z.literal("application/json").optional(),
    public: z.boolean().default(false).openapi({ description: "The customer sees it among the activity" }),
    title: z.string().min(1).max(200).optional().openapi({ example: "Ticket 4711 was answered." }),
    data: z.unknown().optional(),
    data_base64: z
      .unknown()
      .optional()
      .refine((value) => value === undefined, "is not taken: `data` must be JSON"),
  })
  .openapi("ExternalEvent");

export const attachedAnswer = z
  .object({ event: z.string(), fresh: z.boolean().openapi({ description: "false for a repeat" }) })
  .openapi("Attached");

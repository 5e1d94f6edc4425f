import type { Described } from "./described.ts";
import {
  attachedAnswer,
  deliveryListShape,
  deliveryQuery,
  deliveryShape,
  endpointListShape,
  endpointPatch,
  endpointRequest,
  endpointShape,
  endpointWithSecret,
  externalEventRequest,
  recoverAnswer,
  recoverRequest,
  resendAnswer,
  rotateSecretRequest,
  testRequest,
} from "./endpoint-schemas.ts";

const VENDOR = "`PRODUCT_SECRET` or `OPERATOR_TOKEN`.";

/** Events out, and in. */
export const endpointDescriptions: readonly Described[] = [
  {
    method: "post",
    path: "/v1/endpoints",
    summary: "Add an endpoint",
    description: `It hears of what happens from now on. The answer holds the signing secret, this once. ${VENDOR}`,
    body: endpointRequest,
    answer: [201, endpointWithSecret],
  },
  {
    method: "get",
    path: "/v1/endpoints",
    summary: "List endpoints",
    description: `Who hears of events, and how it stands with each. ${VENDOR}`,
    answer: [200, endpointListShape],
  },
  {
    method: "get",
    path: "/v1/endpoints/{id}",
    summary: "Show an endpoint",
    description: VENDOR,
    params: ["id"],
    answer: [200, endpointShape],
  },
  {
    method: "patch",
    path: "/v1/endpoints/{id}",
    summary: "Change an endpoint",
    description:
      "Only what is named. Turned off, it is owed nothing; turned on after it was disabled, what it is owed is due at once. " +
      VENDOR,
    params: ["id"],
    body: endpointPatch,
    answer: [200, endpointShape],
  },
  {
    method: "delete",
    path: "/v1/endpoints/{id}",
    summary: "Remove an endpoint",
    description: `With what it is owed and all its deliveries. ${VENDOR}`,
    params: ["id"],
    answer: [204, undefined],
  },
  {
    method: "post",
    path: "/v1/endpoints/{id}/rotate-secret",
    summary: "Issue a new signing secret",
    description: `The old one signs as well for \`overlap_seconds\` (a day when absent). ${VENDOR}`,
    params: ["id"],
    body: rotateSecretRequest,
    answer: [200, endpointWithSecret],
  },
  {
    method: "post",
    path: "/v1/endpoints/{id}/test",
    summary: "Send a made-up event",
    description: `At once, marked \`madeup\`; the answer tells how it went. ${VENDOR}`,
    params: ["id"],
    body: testRequest,
    answer: [200, deliveryShape],
  },
  {
    method: "get",
    path: "/v1/endpoints/{id}/deliveries",
    summary: "List attempts",
    description: `Of the last 30 days, newest first. ${VENDOR}`,
    params: ["id"],
    query: deliveryQuery,
    answer: [200, deliveryListShape],
  },
  {
    method: "post",
    path: "/v1/endpoints/{id}/deliveries/{delivery}/resend",
    summary: "Send the event of an attempt again",
    description: `Under its own id. ${VENDOR}`,
    params: ["id", "delivery"],
    answer: [202, resendAnswer],
  },
  {
    method: "post",
    path: "/v1/endpoints/{id}/recover",
    summary: "Send what was not taken",
    description: `Everything since then that was given up or never owed; the same again owes nothing more. ${VENDOR}`,
    params: ["id"],
    body: recoverRequest,
    answer: [202, recoverAnswer],
  },
  {
    method: "post",
    path: "/v1/tenants/{id}/events",
    summary: "Tell something about a tenant",
    description:
      "A CloudEvent, structured, for the tenant's history: once by its `source` and `id`; 200 for a repeat. Scope `events:write`, " +
      "which no customer's key has.",
    params: ["id"],
    body: externalEventRequest,
    answer: [201, attachedAnswer],
  },
];

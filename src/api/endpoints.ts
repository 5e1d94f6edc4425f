import { type RequestHandler, Router } from "express";
import type { EventType } from "../events/events.ts";
import { answerJson } from "../http/answer.ts";
import { jsonBody, jsonOf } from "../http/body.ts";
import type { Endpoint } from "../subscriptions/endpoint.ts";
import { cursorOf, type EventDelivery } from "../subscriptions/history.ts";
import type { Subscriptions } from "../subscriptions/subscriptions.ts";
import {
  deliveryQuery,
  endpointPatch,
  endpointRequest,
  recoverRequest,
  rotateSecretRequest,
  testRequest,
} from "./endpoint-schemas.ts";
import { parsed } from "./parsed.ts";
import { admitVendor, type VendorGuard } from "./vendor.ts";

interface EndpointOptions extends VendorGuard {
  readonly subscriptions: Subscriptions;
}

const BODY_LIMIT = 64 * 1024;

/** Who hears of lifecycle events: for the vendor alone. */
export function endpointRoutes(options: EndpointOptions): Router {
  const router = Router();
  const vendor = admitVendor(options);
  const body = jsonBody(BODY_LIMIT);
  const one = "/v1/endpoints/:id";
  router.post("/v1/endpoints", vendor, body, create(options));
  router.get("/v1/endpoints", vendor, list(options));
  router.get(one, vendor, show(options));
  router.patch(one, vendor, body, change(options));
  router.delete(one, vendor, remove(options));
  router.post(`${one}/rotate-secret`, vendor, body, rotateSecret(options));
  router.post(`${one}/test`, vendor, body, tryOut(options));
  router.get(`${one}/deliveries`, vendor, listDeliveries(options));
  router.post(`${one}/deliveries/:delivery/resend`, vendor, resend(options));
  router.post(`${one}/recover`, vendor, body, recover(options));
  return router;
}

type Offered = Pick<EndpointOptions, "subscriptions">;

function create({ subscriptions }: Offered): RequestHandler {
  return async function answerNewEndpoint(req, res) {
    const { endpoint, secret } = await subscriptions.create(parsed(endpointRequest, jsonOf(req)));
    res.setHeader("Cache-Control", "no-store");
    answerJson(res, 201, { ...endpointJson(endpoint), secret });
  };
}

function list({ subscriptions }: Offered): RequestHandler {
  return async function answerEndpoints(_req, res) {
    answerJson(res, 200, { data: (await subscriptions.list()).map(endpointJson), next_cursor: null });
  };
}

function show({ subscriptions }: Offered): RequestHandler {
  return async function answerEndpoint(req, res) {
    answerJson(res, 200, endpointJson(await subscriptions.find(String(req.params["id"]))));
  };
}

function change({ subscriptions }: Offered): RequestHandler {
  return async function answerChangedEndpoint(req, res) {
    const wanted = parsed(endpointPatch, jsonOf(req));
    answerJson(res, 200, endpointJson(await subscriptions.change(String(req.params["id"]), wanted)));
  };
}

function remove({ subscriptions }: Offered): RequestHandler {
  return async function answerRemoved(req, res) {
    await subscriptions.remove(String(req.params["id"]));
    res.writeHead(204).end();
  };
}

function rotateSecret({ subscriptions }: Offered): RequestHandler {
  return async function answerNewSecret(req, res) {
    const { overlap_seconds } = parsed(rotateSecretRequest, jsonOf(req));
    const { endpoint, secret } = await subscriptions.rotateSecret(String(req.params["id"]), overlap_seconds);
    res.setHeader("Cache-Control", "no-store");
    answerJson(res, 200, { ...endpointJson(endpoint), secret });
  };
}

function tryOut({ subscriptions }: Offered): RequestHandler {
  return async function answerTrial(req, res) {
    const { type } = parsed(testRequest, jsonOf(req));
    answerJson(res, 200, deliveryJson(await subscriptions.tryOut(String(req.params["id"]), type as EventType)));
  };
}

function listDeliveries({ subscriptions }: Offered): RequestHandler {
  return async function answerDeliveries(req, res) {
    const { cursor, limit } = parsed(deliveryQuery, req.query);
    const found = await subscriptions.deliveries(String(req.params["id"]), { after: cursor, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    answerJson(res, 200, {
      data: page.map(deliveryJson),
      next_cursor: found.length > limit && last !== undefined ? cursorOf(last) : null,
    });
  };
}

function resend({ subscriptions }: Offered): RequestHandler {
  return async function answerResent(req, res) {
    await subscriptions.resend(String(req.params["id"]), String(req.params["delivery"]));
    answerJson(res, 202, { owed: 1 });
  };
}

function recover({ subscriptions }: Offered): RequestHandler {
  return async function answerRecovered(req, res) {
    const { since } = parsed(recoverRequest, jsonOf(req));
    const { owed, recoveredThrough } = await subscriptions.recover(String(req.params["id"]), since);
    answerJson(res, 202, { owed, recovered_through: recoveredThrough });
  };
}

function endpointJson(endpoint: Endpoint) {
  const { failingSince, createdAt, oldestOwedAt, ...rest } = endpoint;
  return { ...rest, failing_since: failingSince, oldest_owed_at: oldestOwedAt, created_at: createdAt };
}

function deliveryJson({ startedAt, nextAt, ...rest }: EventDelivery) {
  return { ...rest, started_at: startedAt, next_at: nextAt };
}

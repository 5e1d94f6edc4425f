import { type RequestHandler, Router } from "express";
import { ProviderError } from "../errors.ts";
import { answerJson } from "../http/answer.ts";
import { readJson } from "../http/body.ts";
import type { HotRoute } from "../http/hot-routes.ts";
import type { UsageSource } from "../metering/metering.ts";
import { cursorAfter, recordJson } from "../metering/read.ts";
import type { Provider } from "../provider/contract.ts";
import { admission, admit, type Caller, callerOn, type Guard, tenantOfCall } from "./caller.ts";
import { parsed } from "./parsed.ts";
import { usageQuery } from "./schemas.ts";

const BODY_LIMIT = 4 * 1024 * 1024;
const MOST_EVENTS = 1_000;

/** `POST /v1/usage`. */
export function takingUsage(options: Guard): HotRoute {
  const admitted = admission(options, "usage:write");
  return async function takeUsage(req) {
    const source = sourceOf(await admitted(req));
    // Each event is judged alone: text that cannot be stored is that event's fault and not the body's.
    const items = itemsOf(await readJson(req, BODY_LIMIT, { anyText: true }));
    return { receipts: await options.provider.recordUsage(source, items) };
  };
}

/** What became of usage. */
export function usageRoutes(options: Guard): Router {
  const router = Router();
  router.get("/v1/usage", admit(options, "usage:read"), listUsage(options));
  router.get("/v1/metering/summary", admit(options, "usage:read"), showSummary(options));
  return router;
}

interface Offered {
  readonly provider: Provider;
}

function sourceOf(caller: Caller): UsageSource {
  return caller.kind === "product" ? caller : { kind: "key", tenant: caller.tenant };
}

function itemsOf(body: unknown): readonly unknown[] {
  const items: unknown[] = Array.isArray(body) ? body : [body];
  if (items.length > MOST_EVENTS)
    throw new ProviderError("body_too_large", `A request holds at most ${MOST_EVENTS} events; nothing was stored.`);
  if (typeof body === "object" && body !== null) return items;
  throw new ProviderError("request_malformed", "The body must be an event or an array of events.");
}

function listUsage({ provider }: Offered): RequestHandler {
  return async function answerRecords(req, res) {
    const { cursor, limit, tenant: named, ...filter } = parsed(usageQuery, req.query);
    const caller = callerOn(req);
    const tenant = caller.kind === "key" ? tenantOfCall(caller, named) : named;
    const found = await provider.listUsage({ ...filter, tenant, after: cursor, limit: limit + 1 });
    const page = found.slice(0, limit);
    const last = page.at(-1);
    answerJson(res, 200, {
      data: page.map(recordJson),
      next_cursor: found.length > limit && last !== undefined ? cursorAfter(last) : null,
    });
  };
}

function showSummary({ provider }: Offered): RequestHandler {
  return async function answerSummary(req, res) {
    if (callerOn(req).kind === "key")
      throw new ProviderError("not_permitted", "The summary is of all tenants: it takes the product's secret.");
    answerJson(res, 200, await provider.meteringSummary());
  };
}

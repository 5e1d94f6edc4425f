import { createHash, createHmac } from "node:crypto";
import type { Request, RequestHandler } from "express";
import { z } from "zod";
import { ProviderError } from "../../../errors.ts";
import { bearerToken } from "../../../http/basic-auth.ts";
import { rawBody } from "../../../http/body.ts";
import { parseJson } from "../../../http/json.ts";
import { noteRequest } from "../../../http/request-log.ts";
import { sameSecret } from "../../../same-secret.ts";
import { readTenant } from "../../../tenants/tenants.ts";
import type { HerokuOptions } from "../options.ts";
import { oweFetchPeople } from "../platform/keep-grant.ts";
import { type Subscription, subscriptionNamedBy } from "./subscriptions.ts";

const subscriptions = new WeakMap<Request, Subscription>();

/**
 * Finds the subscription by the `Authorization` we chose for it, before the body is read. A token that is unknown, of a
 * tenant that is gone, or wrong is 401 alike.
 */
export function findSubscription(options: HerokuOptions): RequestHandler {
  return async function findSubscription(req, res, next) {
    const token = bearerToken(req) ?? "";
    const found = await subscriptionNamedBy(options, token);
    const isRight = sameSecret(token, found?.token ?? "");
    if (found === undefined || !isRight) return options.attempts.refuse(req, res, next);
    subscriptions.set(req, found);
    noteRequest(req, { tenant: found.tenant });
    next();
  };
}

/** Checks `Heroku-Webhook-Hmac-SHA256`, base64 over the bytes as they came. */
export function checkSignature({ attempts }: HerokuOptions): RequestHandler {
  return function checkSignature(req, res, next) {
    const { secret } = subscriptionOf(req);
    const expected = createHmac("sha256", secret).update(rawBody(req)).digest("base64");
    if (sameSecret(req.get("heroku-webhook-hmac-sha256") ?? "", expected)) return next();
    return attempts.refuse(req, res, next);
  };
}

function subscriptionOf(req: Request): Subscription {
  const subscription = subscriptions.get(req);
  if (subscription === undefined) throw new ProviderError("not_authenticated", "The credentials are missing or wrong.");
  return subscription;
}

const eventShape = z.looseObject({
  id: z.string().max(200).optional(),
  webhook_metadata: z.looseObject({ event: z.looseObject({ id: z.string().max(200) }) }).optional(),
});

/**
 * Takes an event once: names and people are looked up again, and what is found there counts, not what the event says,
 * because events may come late and out of order. A repeat is 204 too and does nothing.
 */
export function takeEvent({ store, clock }: HerokuOptions): RequestHandler {
  return async function takeEvent(req, res) {
    const { tenant } = subscriptionOf(req);
    const id = eventIdOf(rawBody(req));
    const now = clock.now();
    await store.asTenant(tenant, async (tx) => {
      // One event of a tenant at a time: else each of many would find no look owed yet, and owe one.
      await readTenant(tx, "lock");
      const taken = await tx.query(
        `insert into heroku_webhook_events (tenant_id, id, seen_at) values ($1, $2, $3)
         on conflict do nothing returning id`,
        [tenant, id, now],
      );
      if (taken.length > 0) await oweFetchPeople(tx, tenant, now);
    });
    res.writeHead(204).end();
  };
}

function eventIdOf(bytes: Buffer): string {
  const { data } = eventShape.safeParse(parseJson(bytes));
  return data?.webhook_metadata?.event.id ?? data?.id ?? createHash("sha256").update(bytes).digest("hex");
}

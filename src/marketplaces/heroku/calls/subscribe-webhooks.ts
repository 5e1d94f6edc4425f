import { z } from "zod";
import type { Delivery, OwedCall } from "../../../deliveries/deliveries.ts";
import { isThere } from "../../../tenants/tenants.ts";
import type { HerokuOptions } from "../options.ts";
import { openResource, type Resource } from "../platform/resource.ts";
import { webhookEvents } from "../webhooks/section.ts";
import { keepWebhookId, prepareSubscription } from "../webhooks/subscriptions.ts";
import { isSuccess, verdictOf } from "./verdict.ts";

const webhookShape = z.looseObject({ id: z.string(), url: z.string() });

/**
 * Subscribes to the events that the manifest names. The secrets are stored before Heroku is told them, and a
 * subscription whose answer was lost is found again, so that there is one and its webhooks can be checked.
 */
export async function subscribeWebhooks(
  options: HerokuOptions,
  call: OwedCall,
  attempt: AbortSignal,
): Promise<Delivery> {
  const include = webhookEvents(options.catalog);
  const resource = await openResource(options, call, attempt);
  if (!isThere(resource.tenant.state) || include.length === 0) return { outcome: "delivered" };
  const { webhookId, token, secret } = await prepareSubscription(options, call.tenant);
  if (webhookId !== undefined) return { outcome: "delivered" };
  const path = `/addons/${call.resourceId}/webhooks`;
  const url = `${options.publicUrl}/heroku/webhooks`;
  const before = await existing(resource, path, url);
  if (before !== undefined) {
    await keepWebhookId(options, call.tenant, before);
    return { outcome: "delivered" };
  }
  const body = { include, level: "sync", url, secret, authorization: `Bearer ${token}` };
  const reply = await resource.send({ method: "POST", path, body });
  const { data } = webhookShape.safeParse(reply.body);
  if (isSuccess(reply) && data !== undefined) await keepWebhookId(options, call.tenant, data.id);
  return verdictOf(reply, call, resource.tenant, options.clock.now());
}

async function existing(resource: Resource, path: string, url: string): Promise<string | undefined> {
  const { body } = await resource.send({ method: "GET", path });
  const list = z.array(webhookShape.catch({ id: "", url: "" })).safeParse(body).data ?? [];
  return list.find((webhook) => webhook.url === url)?.id;
}

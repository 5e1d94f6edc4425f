import { randomBytes, randomUUID } from "node:crypto";
import { textIn } from "../../json.ts";
import { withLiveAddon } from "../lookups.ts";
import { type Answer, invalid, isRefusal, notFound, ok, type Refusal } from "../model/answers.ts";
import type { Addon, Delivery, Webhook } from "../model/platform.ts";
import { page } from "../paging.ts";
import type { Call, Route } from "../route.ts";
import { eventKinds } from "./events.ts";

const BASE = "/addons/:addon/webhooks";

export const webhookRoutes: readonly Route[] = [
  {
    method: "get",
    path: BASE,
    who: "provider",
    answer: withLiveAddon((call, addon) => page(call, webhooksOf(call, addon).map(view))),
  },
  { method: "post", path: BASE, who: "provider", answer: withLiveAddon(subscribe) },
  {
    method: "get",
    path: `${BASE}/:webhook`,
    who: "provider",
    answer: withWebhook((_call, webhook) => ok(view(webhook))),
  },
  { method: "patch", path: `${BASE}/:webhook`, who: "provider", answer: withWebhook(change) },
  { method: "delete", path: `${BASE}/:webhook`, who: "provider", answer: withWebhook(unsubscribe) },
  { method: "get", path: "/addons/:addon/webhook-deliveries", who: "provider", answer: withLiveAddon(listDeliveries) },
  { method: "get", path: "/addons/:addon/webhook-events", who: "provider", answer: withLiveAddon(listEvents) },
];

interface Subscription {
  readonly include: readonly string[];
  readonly level: "notify" | "sync";
  readonly url: string;
}

/** Without a secret of the provider's own, the answer carries a generated one, once, in a header. */
function subscribe(call: Call, addon: Addon): Answer | Refusal {
  const { state, clock } = call.platform;
  const wanted = readSubscription(call, { include: [], level: "notify", url: "" });
  if (isRefusal(wanted)) return wanted;
  const given = textIn(call.body, "secret");
  const secret = given ?? randomBytes(32).toString("hex");
  const webhook: Webhook = {
    ...wanted,
    id: randomUUID(),
    addon,
    secret,
    authorization: textIn(call.body, "authorization") ?? null,
    createdAt: clock.now(),
    updatedAt: clock.now(),
    waiting: [],
    delivering: false,
  };
  state.webhooks.set(webhook.id, webhook);
  const headers = given === undefined ? { "Heroku-Webhook-Secret": secret } : {};
  return { status: 201, body: view(webhook), headers };
}

function change(call: Call, webhook: Webhook): Answer | Refusal {
  const wanted = readSubscription(call, webhook);
  if (isRefusal(wanted)) return wanted;
  Object.assign(webhook, wanted, { updatedAt: call.platform.clock.now() });
  webhook.secret = textIn(call.body, "secret") ?? webhook.secret;
  webhook.authorization = textIn(call.body, "authorization") ?? webhook.authorization;
  return ok(view(webhook));
}

function unsubscribe(call: Call, webhook: Webhook): Answer {
  call.platform.state.webhooks.delete(webhook.id);
  webhook.waiting.length = 0;
  return ok(view(webhook));
}

/** Members that are absent keep what they were. */
function readSubscription({ body }: Call, current: Subscription): Subscription | Refusal {
  const include = body["include"] ?? current.include;
  const level = body["level"] ?? current.level;
  const url = body["url"] ?? current.url;
  const kinds: readonly unknown[] = Array.isArray(include) ? include : [];
  const known = kinds
    .filter((kind) => typeof kind === "string")
    .filter((kind) => eventKinds.some((one) => one === kind));
  if (known.length === 0 || known.length < kinds.length)
    return invalid(`include must list some of ${eventKinds.join(", ")}.`);
  if (level !== "notify" && level !== "sync") return invalid("level must be notify or sync.");
  if (typeof url !== "string" || !/^https?:/.test(url) || !URL.canParse(url))
    return invalid("url must be a web address.");
  return { include: known, level, url };
}

function withWebhook(answer: (call: Call, webhook: Webhook) => Answer | Refusal) {
  return withLiveAddon((call, addon) => {
    const webhook = call.platform.state.webhooks.get(call.params["webhook"] ?? "");
    return webhook?.addon === addon ? answer(call, webhook) : notFound("webhook");
  });
}

function webhooksOf(call: Call, addon: Addon): readonly Webhook[] {
  return [...call.platform.state.webhooks.values()].filter((webhook) => webhook.addon === addon);
}

function listDeliveries(call: Call, addon: Addon): Answer {
  return page(call, deliveriesOf(call, addon).map(deliveryView));
}

function listEvents(call: Call, addon: Addon): Answer {
  return page(
    call,
    deliveriesOf(call, addon).map(({ event, include }) => ({ id: event["id"], include, payload: event })),
  );
}

function deliveriesOf(call: Call, addon: Addon): readonly Delivery[] {
  return call.platform.state.deliveries.filter((delivery) => delivery.webhook.addon === addon);
}

function deliveryView(delivery: Delivery) {
  return {
    id: delivery.id,
    status: delivery.status,
    num_attempts: delivery.attempts,
    event: { id: delivery.event["id"], include: delivery.include },
    webhook: { id: delivery.webhook.id, level: delivery.webhook.level },
    created_at: delivery.createdAt.toISOString(),
  };
}

function view(webhook: Webhook) {
  return {
    id: webhook.id,
    addon: { id: webhook.addon.id, name: webhook.addon.name },
    include: webhook.include,
    level: webhook.level,
    url: webhook.url,
    created_at: webhook.createdAt.toISOString(),
    updated_at: webhook.updatedAt.toISOString(),
  };
}

import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../json.ts";
import type { Addon, App, Attachment, Delivery, Person, Platform, Webhook } from "../model/platform.ts";
import { addonView, appView, attachmentView, personView } from "../model/views.ts";
import { deliver } from "./deliveries.ts";

export type EventAction = "create" | "update" | "destroy";

/** What can be subscribed to without special permission. */
export const eventKinds = [
  "api:addon",
  "api:addon-attachment",
  "api:app",
  "api:collaborator",
  "api:domain",
  "api:sni-endpoint",
  "api:ssl-endpoint",
] as const;

export type EventKind = (typeof eventKinds)[number];

const DELIVERIES_KEPT = 500;

export function announceAddon(platform: Platform, addon: Addon, action: EventAction): void {
  announce(platform, "api:addon", action, addonView(platform, addon), (webhook) => webhook.addon === addon);
}

export function announceAttachment(platform: Platform, attachment: Attachment, action: EventAction): void {
  const data = attachmentView(platform, attachment);
  announce(platform, "api:addon-attachment", action, data, (webhook) => webhook.addon === attachment.addon);
}

export function announceApp(platform: Platform, app: App, action: EventAction): void {
  announce(platform, "api:app", action, appView(platform, app), (webhook) => webhook.addon.app === app);
}

export function announceCollaborator(platform: Platform, app: App, person: Person, action: EventAction): void {
  const data = { app: { id: app.id, name: app.name }, user: personView(person) };
  announce(platform, "api:collaborator", action, data, (webhook) => webhook.addon.app === app);
}

function announce(
  platform: Platform,
  include: EventKind,
  action: EventAction,
  data: JsonObject,
  concerns: (webhook: Webhook) => boolean,
): void {
  const { state, clock } = platform;
  const listening = [...state.webhooks.values()].filter((one) => concerns(one) && one.include.includes(include));
  if (listening.length === 0) return;
  state.eventSequence += 1;
  const at = clock.now().toISOString();
  const [owner] = listening.map((webhook) => webhook.addon.app.owner);
  const event = {
    id: randomUUID(),
    action,
    actor: owner ? personView(owner) : null,
    created_at: at,
    updated_at: at,
    published_at: at,
    data,
    previous_data: {},
    resource: include.slice("api:".length).replace("-", "_"),
    sequence: String(state.eventSequence),
    version: "application/vnd.heroku+json; version=3",
  };
  for (const webhook of listening) deliver(platform, queue(platform, webhook, include, event));
}

function queue({ state, clock }: Platform, webhook: Webhook, include: string, event: JsonObject): Delivery {
  const delivery: Delivery = {
    id: randomUUID(),
    webhook,
    include,
    event,
    status: "pending",
    attempts: 0,
    createdAt: clock.now(),
  };
  state.deliveries.push(delivery);
  if (state.deliveries.length > DELIVERIES_KEPT) state.deliveries.shift();
  return delivery;
}

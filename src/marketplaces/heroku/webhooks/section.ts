import { z } from "zod";
import { type Catalog, marketplaceSection } from "../../../catalog/catalog.ts";

/** Events an add-on may subscribe to without special permission. (heroku/webhooks-docs) */
const EVENTS = [
  "api:addon",
  "api:addon-attachment",
  "api:app",
  "api:collaborator",
  "api:domain",
  "api:sni-endpoint",
  "api:ssl-endpoint",
] as const;

/** Those that change what we know of a purchase: its name, its app, its people. */
const USUAL: readonly WebhookEvent[] = ["api:addon", "api:app", "api:collaborator"];

type WebhookEvent = (typeof EVENTS)[number];

/** `catalog.marketplaces.heroku`: `webhooks` is true for the usual events, or a list of them. */
const section = z.strictObject({ webhooks: z.union([z.boolean(), z.array(z.enum(EVENTS))]).default(false) });

/** The events to subscribe to for each tenant; none where the manifest says nothing. Throws `config_invalid`. */
export function webhookEvents(catalog: Catalog): readonly WebhookEvent[] {
  const { webhooks } = marketplaceSection(catalog, "heroku", section);
  if (typeof webhooks === "boolean") return webhooks ? USUAL : [];
  return webhooks;
}

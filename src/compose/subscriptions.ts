import type { Metrics } from "../http/metrics.ts";
import type { Store } from "../isolation/isolation.ts";
import type { Logger } from "../log.ts";
import type { CustomerWebhooks } from "../provider/deps.ts";
import type { Vault } from "../secrets/secrets.ts";
import { customerWebhooks } from "../subscriptions/customer-webhooks.ts";
import type { SettledAttempt } from "../subscriptions/sender.ts";
import { createSubscriptions, type Subscriptions } from "../subscriptions/subscriptions.ts";
import type { Surroundings } from "./surroundings.ts";

interface Parts {
  readonly store: Store;
  readonly vault: Vault;
  readonly metrics: Metrics;
}

/** What sends lifecycle events to endpoints, and tells of those that are not taken. */
export function subscriptionsOf(surroundings: Surroundings, { store, vault, metrics }: Parts): Subscriptions {
  const { settings, clock, logger } = surroundings;
  return createSubscriptions({
    store,
    vault,
    clock,
    ...wayOut(surroundings),
    aws: settings.aws.simulated ?? {},
    told: (settled) => tellOfAttempt(logger, metrics, settled),
  });
}

/** The addresses that customers give for their own alerts. */
export const customerWebhooksOf = (surroundings: Surroundings): CustomerWebhooks =>
  customerWebhooks(wayOut(surroundings));

const wayOut = ({ settings, manifest }: Surroundings) => ({
  speaker: { publicUrl: settings.publicUrl, serviceId: manifest.catalog.id },
  reach: { privately: settings.eventsAllowPrivate },
});

/** What endpoints do not take somebody should look at, once nothing more is tried. */
function tellOfAttempt(logger: Logger, metrics: Metrics, { seconds, ...settled }: SettledAttempt): void {
  metrics.countOperation({ marketplace: "endpoints", operation: settled.kind, outcome: settled.outcome }, seconds);
  if (settled.outcome === "delivered") logger.debug(settled, "event delivered");
  else if (settled.outcome === "retry") logger.warn(settled, "event not delivered");
  else logger.error(settled, settled.outcome === "disabled" ? "an endpoint was disabled" : "an event was given up");
}

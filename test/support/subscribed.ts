import type { EventType } from "../../src/events/events.ts";
import { appendEvent } from "../../src/events/events.ts";
import type { SettledAttempt } from "../../src/subscriptions/sender.ts";
import {
  createSubscriptions,
  type SubscriptionParts,
  type Subscriptions,
} from "../../src/subscriptions/subscriptions.ts";
import { purchase, type TestProvider } from "./provider.ts";

export const PUBLIC_URL = "https://addons.example";

export interface Subscribed extends Subscriptions {
  readonly settled: SettledAttempt[];
  /** Sends what is due until nothing more is, to the end of each attempt. */
  send(): Promise<void>;
  /** A new endpoint at the address; answers its id. */
  endpointAt(url: string, types?: readonly string[]): Promise<string>;
}

/** The sending of events as compose builds it, on the provider's database and clock; loopback may be sent to. */
export function subscribed(shop: TestProvider, more: Partial<SubscriptionParts> = {}): Subscribed {
  const settled: SettledAttempt[] = [];
  const { store, vault, clock } = shop.deps;
  const subscriptions = createSubscriptions({
    store,
    vault,
    clock,
    speaker: { publicUrl: PUBLIC_URL, serviceId: shop.deps.catalog.id },
    reach: { privately: true },
    aws: {},
    told: (one) => settled.push(one),
    limitMs: 3_000,
    ...more,
  });
  const send = async (): Promise<void> => {
    for (let round = 0; round < 200; round += 1) {
      const started = await subscriptions.startDueEvents();
      if (started.length === 0) return;
      await Promise.all(started);
    }
    throw new Error("There was always more to send.");
  };
  const endpointAt: Subscribed["endpointAt"] = async (url, types) =>
    (await subscriptions.create({ url, types })).endpoint.id;
  return { ...subscriptions, settled, send, endpointAt };
}

/** A tenant as a purchase leaves it. */
export async function boughtTenant(shop: TestProvider): Promise<{ readonly id: string }> {
  return (await shop.provision(purchase())).value.tenant;
}

/** Something that happens to a tenant. */
export async function happens(
  shop: TestProvider,
  tenant: { readonly id: string },
  type: EventType = "signed_in",
  data: Readonly<Record<string, unknown>> = { email: "ada@example.com" },
): Promise<void> {
  const { store, clock } = shop.deps;
  await store.asTenant(tenant.id, (tx) =>
    appendEvent(tx, tenant.id, { type, by: "product", at: clock.now(), data }, clock.now()),
  );
}

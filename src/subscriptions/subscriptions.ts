import type { Clock } from "../clock.ts";
import type { Speaker } from "../events/envelope.ts";
import type { EventType } from "../events/events.ts";
import type { Store } from "../isolation/isolation.ts";
import type { Vault } from "../secrets/secrets.ts";
import type { Reach } from "./address.ts";
import type { Endpoint } from "./endpoint.ts";
import {
  changeEndpoint,
  createEndpoint,
  type EndpointChange,
  findEndpoint,
  listEndpoints,
  type Made,
  removeEndpoint,
  rotateSecret,
} from "./endpoints.ts";
import { type EventBridgeAccess, eventBridge } from "./event-bridge.ts";
import { type EventDelivery, listDeliveries, type Recovery, recoverEvents, resendEvent } from "./history.ts";
import { createSender, type SettledAttempt } from "./sender.ts";
import { tryEndpoint } from "./try-endpoint.ts";
import type { Wishes } from "./wishes.ts";

export interface SubscriptionParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly speaker: Speaker;
  readonly reach: Reach;
  readonly aws: EventBridgeAccess;
  /** For the log and the metrics. */
  readonly told?: (settled: SettledAttempt) => void;
  /** Of one attempt over HTTP, for tests; 15 s otherwise. */
  readonly limitMs?: number;
}

/** Who hears of lifecycle events, and the sending of them. Whatever names an endpoint throws `endpoint_not_found`. */
export interface Subscriptions {
  /** `request_malformed` for a place that no event may be sent to. The secret is shown this once. */
  create(wishes: Wishes): Promise<Made>;
  list(): Promise<readonly Endpoint[]>;
  find(id: string): Promise<Endpoint>;
  change(id: string, change: EndpointChange): Promise<Endpoint>;
  remove(id: string): Promise<void>;
  /** A new secret; the old one signs as well for the overlap. */
  rotateSecret(id: string, overlapSeconds: number): Promise<Made>;
  /** Sends a made-up event at once and tells how it went. */
  tryOut(id: string, type: EventType): Promise<EventDelivery>;
  deliveries(
    id: string,
    page: { readonly after?: string | undefined; readonly limit: number },
  ): Promise<readonly EventDelivery[]>;
  /** Sends the event of an attempt again, under its own id. */
  resend(id: string, delivery: string): Promise<void>;
  /** Owes whatever the endpoint has not taken since then. */
  recover(id: string, since: Date): Promise<Recovery>;
  /** For the worker: sends what is due, a promise for the end of each call. */
  startDueEvents(): Promise<readonly Promise<void>[]>;
  /** For the worker: forgets what is past. */
  sweep(): Promise<void>;
}

export function createSubscriptions({ told = () => undefined, aws, ...given }: SubscriptionParts): Subscriptions {
  const parts = { ...given, told, bridge: eventBridge(aws) };
  const { store, clock } = parts;
  const sender = createSender(parts);
  return {
    create: (wishes) => createEndpoint(parts, wishes),
    list: () => listEndpoints(store),
    find: (id) => findEndpoint(store, id),
    change: (id, change) => changeEndpoint(parts, id, change),
    remove: (id) => removeEndpoint(parts, id),
    rotateSecret: (id, overlapSeconds) => rotateSecret(parts, id, overlapSeconds),
    tryOut: (id, type) => tryEndpoint(parts, id, type),
    deliveries: (id, page) => listDeliveries(store, id, page),
    resend: (id, delivery) => resendEvent(store, clock, id, delivery),
    recover: (id, since) => recoverEvents(store, clock, id, since),
    startDueEvents: () => sender.startDue(),
    sweep: async () => {
      await store.throughDoor({ text: "select sweep_events($1)", values: [clock.now()] });
    },
  };
}

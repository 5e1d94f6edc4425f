import { createHmac } from "node:crypto";
import type { Clock } from "../clock.ts";
import { type CloudEvent, madeUpEvent, type Speaker } from "../events/envelope.ts";
import type { EventType } from "../events/events.ts";
import type { Store } from "../isolation/isolation.ts";
import { ATTEMPT_LIMIT_MS, type Attempt } from "./attempt.ts";
import { type ClaimedEvent, type ClaimedJson, claimedFromJson } from "./claimed.ts";
import { newEndpointId } from "./endpoint.ts";
import { replayEvents } from "./history.ts";
import { settle } from "./sender.ts";
import { checkTypes } from "./wishes.ts";

export interface ListenerParts {
  readonly store: Store;
  readonly clock: Clock;
  readonly speaker: Speaker;
}

export interface Wanted {
  /** All, also what others have told, when absent. */
  readonly types?: readonly string[] | undefined;
  readonly tenant?: string | undefined;
  /** Begins with what has happened since then. */
  readonly since?: Date | undefined;
}

/** Somebody at a terminal who hears of events as an endpoint does, by asking. */
export interface Listener {
  /** What is due, the first of each tenant; each has to be `taken` before the next of its tenant comes. */
  hear(): Promise<readonly ClaimedEvent[]>;
  taken(claimed: ClaimedEvent, milliseconds: number): Promise<void>;
  /** Without it the listener is forgotten two minutes after it asked last. */
  close(): Promise<void>;
}

const AT_ONCE = 50;
const LEASE_MS = 2 * ATTEMPT_LIMIT_MS;
const KEPT_MS = 120_000;
const TAKEN: Attempt = { outcome: "delivered" };

/** Throws `request_malformed` for a type that there is not. */
export async function openListener(parts: ListenerParts, { types = ["*"], tenant, since }: Wanted): Promise<Listener> {
  const { store, clock, speaker } = parts;
  checkTypes(types);
  const id = newEndpointId();
  const now = clock.now();
  await store.throughDoor({
    text: `insert into endpoints (id, kind, types, only_tenant, state, ends_at, created_at, changed_at)
           values ($1, 'listener', $2, $3, 'on', $4, $5, $5)`,
    values: [id, types, tenant ?? null, new Date(now.getTime() + KEPT_MS), now],
  });
  if (since !== undefined) {
    const past = replayEvents(store, clock, id, { since, all: true, dry: false });
    while ((await past.next()).done !== true);
  }
  return {
    hear: async () => {
      const at = clock.now();
      const rows = await store.throughDoor<{ claimed: ClaimedJson }>({
        text: "select hear_events($1, $2, $3, $4) as claimed",
        values: [id, at, new Date(at.getTime() + LEASE_MS), AT_ONCE],
      });
      return rows.map(({ claimed }) => claimedFromJson(speaker, claimed));
    },
    taken: (claimed, milliseconds) => {
      const timing = { startedAt: clock.now(), seconds: milliseconds / 1_000 };
      return settle({ store, clock, told: () => undefined }, claimed, TAKEN, timing);
    },
    close: async () => {
      await store.throughDoor({ text: "select clear_endpoint($1, true)", values: [id] });
    },
  };
}

/** The key that signs what a listener forwards: the same each time, so that a program need be told it once. */
export function forwardingSecret(productSecret: string): string {
  return `whsec_${createHmac("sha256", productSecret).update("stallholder forwarded events v1").digest("base64")}`;
}

/** Makes an event up for endpoints marked for tests and for listeners; answers it, and how many will hear it. */
export async function makeUp(
  { store, clock, speaker }: ListenerParts,
  type: EventType,
  tenant: string | undefined,
): Promise<{ readonly event: CloudEvent; readonly receivers: number }> {
  const event = madeUpEvent(speaker, type, clock.now(), tenant);
  const [row] = await store.throughDoor<{ receivers: number }>({
    text: "select owe_made_up($1, $2, $3, $4, $5) as receivers",
    values: [event.subject, event.id, type, JSON.stringify(event), clock.now()],
  });
  return { event, receivers: row?.receivers ?? 0 };
}

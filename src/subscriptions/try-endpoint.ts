import { madeUpEvent } from "../events/envelope.ts";
import type { EventType } from "../events/events.ts";
import { readEndpoint } from "./endpoints.ts";
import { type DeliveryJson, deliveryFromJson, type EventDelivery } from "./history.ts";
import { attemptsAt, type SenderParts } from "./sender.ts";

/** One made-up event to one endpoint, at once and whatever its state; it is not tried again and nothing follows from it. */
export async function tryEndpoint(parts: SenderParts, id: string, type: EventType): Promise<EventDelivery> {
  const { store, clock, speaker } = parts;
  const endpoint = await readEndpoint(store, id);
  const startedAt = clock.now();
  const event = madeUpEvent(speaker, type, startedAt);
  const started = performance.now();
  const [attempt] = await attemptsAt(parts, endpoint, [{ event }]);
  const [row] = await store.throughDoor<{ delivery: DeliveryJson }>({
    text: "select note_delivery($1, $2, $3, $4) as delivery",
    values: [
      event.subject,
      id,
      event.id,
      JSON.stringify({
        ...attempt,
        type,
        outcome: attempt?.outcome === "delivered" ? "delivered" : "given_up",
        started_at: startedAt,
        milliseconds: Math.round(performance.now() - started),
      }),
    ],
  });
  if (row === undefined) throw new Error("The attempt was not noted.");
  return deliveryFromJson(row.delivery);
}

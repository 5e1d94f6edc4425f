import type { EventBridgeClient, PutEventsRequestEntry, PutEventsResultEntry } from "@aws-sdk/client-eventbridge";
import type { CloudEvent } from "../events/envelope.ts";
import { ATTEMPT_LIMIT_MS, type Attempt, faultOf, textOf } from "./attempt.ts";

/** How AWS is reached: what is absent the SDK finds by its own rules. */
export interface EventBridgeAccess {
  readonly endpoint?: string;
  readonly keys?: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

export interface Bus {
  /** A name, or an ARN. */
  readonly bus: string;
  readonly region: string;
}

/** PutEvents takes so many entries, of less than 256 kB all together (API reference, PutEvents). */
export const MOST_ENTRIES = 10;
const MOST_BYTES = 256 * 1024 - 1;
const TIME_BYTES = 14;

export interface EventBridge {
  /** What became of each event, in their order; never throws. At most ten, and of different tenants. */
  put(to: Bus, events: readonly CloudEvent[]): Promise<readonly Attempt[]>;
}

/** Puts events on buses; the SDK is loaded with the first of them, and repeats nothing by itself. */
export function eventBridge({ endpoint, keys }: EventBridgeAccess): EventBridge {
  const clients = new Map<string, Promise<EventBridgeClient>>();
  const clientFor = (region: string): Promise<EventBridgeClient> => {
    const client = clients.get(region) ?? open(region);
    clients.set(region, client);
    return client;
  };
  const open = async (region: string): Promise<EventBridgeClient> => {
    const { EventBridgeClient: Client } = await import("@aws-sdk/client-eventbridge");
    return new Client({
      region,
      maxAttempts: 1,
      requestHandler: { connectionTimeout: 3_000, requestTimeout: ATTEMPT_LIMIT_MS },
      ...(endpoint === undefined ? {} : { endpoint }),
      ...(keys === undefined ? {} : { credentials: keys }),
    });
  };

  return {
    put: async ({ bus, region }, events) => {
      try {
        const { PutEventsCommand } = await import("@aws-sdk/client-eventbridge");
        const client = await clientFor(region);
        const command = new PutEventsCommand({ Entries: events.map((event) => entryOf(bus, event)) });
        const { Entries = [] } = await client.send(command, { abortSignal: AbortSignal.timeout(ATTEMPT_LIMIT_MS) });
        return events.map((_, place) => understood(Entries[place]));
      } catch (thrown) {
        const fault = thrown instanceof Error && thrown.name !== "Error" ? thrown.name : faultOf(thrown);
        return events.map(() => ({ outcome: "retry", fault: `EventBridge did not take it (${fault}).` }));
      }
    },
  };
}

function understood(entry: PutEventsResultEntry | undefined): Attempt {
  if (entry?.EventId !== undefined) return { outcome: "delivered" };
  return { outcome: "retry", fault: `EventBridge did not take it (${entry?.ErrorCode ?? "no answer"}).` };
}

function entryOf(bus: string, event: CloudEvent): PutEventsRequestEntry {
  return {
    EventBusName: bus,
    Source: sourceOf(event),
    DetailType: event.type,
    Detail: textOf(event),
    Time: new Date(event.time),
  };
}

/** `com.acme-search` of `com.acme-search.tenant.suspended.v1`. */
const sourceOf = ({ type }: CloudEvent): string => type.slice(0, type.indexOf(".tenant."));

/** The size of an entry as EventBridge reckons it (user guide, "Calculating PutEvents event entry size"). */
function bytesOf(event: CloudEvent): number {
  return TIME_BYTES + Buffer.byteLength(sourceOf(event) + event.type + textOf(event));
}

/** Splits items into lots that a call takes; one that is too large even alone gets a lot of its own. */
export function lotsOf<T>(items: readonly T[], eventOf: (item: T) => CloudEvent): readonly (readonly T[])[] {
  const lots: T[][] = [];
  let room = 0;
  for (const item of items) {
    const bytes = bytesOf(eventOf(item));
    const last = lots.at(-1);
    if (last === undefined || last.length === MOST_ENTRIES || bytes > room) {
      lots.push([item]);
      room = MOST_BYTES - bytes;
    } else {
      last.push(item);
      room -= bytes;
    }
  }
  return lots;
}

/** Whether no call could take it. */
export const isTooLarge = (event: CloudEvent): boolean => bytesOf(event) > MOST_BYTES;

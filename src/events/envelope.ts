import { randomUUID } from "node:crypto";
import { z } from "zod";
import { eventFacts, eventTypes, externalFacts } from "./catalogue.ts";
import type { By, EventType, ExternalType } from "./events.ts";

/** Who says it: what stands in every envelope. */
export interface Speaker {
  /** `PUBLIC_URL`. */
  readonly publicUrl: string;
  /** The id of what is sold, from the catalog. */
  readonly serviceId: string;
}

/** A lifecycle event with what its envelope needs of the tenant. */
export interface ToldEvent {
  readonly tenant: string;
  readonly marketplace: string;
  readonly resourceId: string;
  readonly sequence: number;
  readonly id: string;
  readonly type: EventType | ExternalType;
  readonly by: By;
  readonly at: Date;
  readonly recordedAt: Date;
  readonly data: Readonly<Record<string, unknown>>;
}

const SCHEMA_FOLDER = "/docs/events";

/** CloudEvents 1.0, with the extensions `sequence` and, of a made-up event, `madeup`. */
export interface CloudEvent {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject: string;
  readonly time: string;
  readonly datacontenttype: "application/json";
  readonly dataschema: string;
  readonly sequence: string;
  readonly madeup?: true;
  readonly data: {
    readonly tenant: string;
    readonly marketplace: string;
    readonly resource_id: string;
    readonly by: string;
    readonly recorded_at: string;
    readonly details: Readonly<Record<string, unknown>>;
  };
}

const SEQUENCE_DIGITS = 12;

/** The envelope of an event: the same event always gives the same text. It tells what the catalogue names and no more. */
export function cloudEvent({ publicUrl, serviceId }: Speaker, event: ToldEvent): CloudEvent {
  return {
    specversion: "1.0",
    id: event.id,
    source: publicUrl,
    type: `com.${serviceId}.tenant.${event.type}.v1`,
    subject: event.tenant,
    time: event.at.toISOString(),
    datacontenttype: "application/json",
    dataschema: `${publicUrl}${SCHEMA_FOLDER}/${schemaName(event.type)}.json`,
    // Of one width, so that text sorts as numbers do.
    sequence: String(event.sequence).padStart(SEQUENCE_DIGITS, "0"),
    data: {
      tenant: event.tenant,
      marketplace: event.marketplace,
      resource_id: event.resourceId,
      by: event.by,
      recorded_at: event.recordedAt.toISOString(),
      details: toldOf(event),
    },
  };
}

/** What others have told is described once for all their types. */
function schemaName(type: EventType | ExternalType): string {
  return eventFacts(type) === externalFacts ? "external" : type;
}

/** Of the data of an event what may be told to whoever is not us: what the catalogue names. */
export function toldOf({ type, data }: Pick<ToldEvent, "type" | "data">): Readonly<Record<string, unknown>> {
  const { details } = eventFacts(type);
  const { success, data: known } = details.safeParse(data);
  if (success) return known;
  // An event of an older version, perhaps: it is told with what is still called the same.
  return Object.fromEntries(Object.entries(data).filter(([name]) => name in details.shape));
}

const EXAMPLE = {
  tenant: "k3jx5q7abcdefghijklmnopqr2",
  marketplace: "heroku",
  resourceId: "01234567-89ab-cdef-0123-456789abcdef",
  sequence: 7,
  id: "5f0c7c0e-8d2b-4a55-9c58-0a4f6f9b7d10",
  at: new Date("2026-05-10T10:01:59.000Z"),
  recordedAt: new Date("2026-05-10T10:02:00.000Z"),
  by: "marketplace:heroku",
} as const;

/** An event of this type as it could have happened, plainly marked: for trying a receiver. Each has an id of its own. */
export function madeUpEvent(speaker: Speaker, type: EventType, at: Date, tenant: string = EXAMPLE.tenant): CloudEvent {
  const { example } = eventFacts(type);
  const event = { ...EXAMPLE, tenant, type, id: randomUUID(), sequence: 0, at, recordedAt: at, data: example };
  return { ...cloudEvent(speaker, event), madeup: true };
}

/** How the data of one type is described to its readers. */
export interface EventDescription {
  readonly type: string;
  readonly means: string;
  readonly schema: object;
  readonly example: CloudEvent;
}

/** One description for each type, and one for all that others tell. */
export function describeEvents(speaker: Speaker): readonly EventDescription[] {
  const types: readonly (EventType | "external")[] = [...eventTypes, "external"];
  return types.map((type) => {
    const said = type === "external" ? "external.ticket.answered" : type;
    const { means, details, example } = eventFacts(said);
    const data = z.object({
      tenant: z.string(),
      marketplace: z.string(),
      resource_id: z.string(),
      by: z.string().describe("Who made it happen"),
      recorded_at: z.iso.datetime(),
      details,
    });
    return {
      type,
      means,
      schema: { ...z.toJSONSchema(data), title: `Data of ${type}`, description: means },
      example: cloudEvent(speaker, { ...EXAMPLE, type: said, data: example }),
    };
  });
}

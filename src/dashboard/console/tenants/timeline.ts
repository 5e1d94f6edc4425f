import { ProviderError } from "../../../errors.ts";
import { isUuid } from "../../../uuid.ts";
import { redacted } from "./redact.ts";

/** How far each source has been read. */
export interface Place {
  readonly event?: number;
  readonly call?: number;
  readonly operation?: { readonly at: string; readonly id: string };
}

interface EventJson {
  readonly sequence: number;
  readonly type: string;
  readonly by: string;
  readonly at: string;
  readonly recorded_at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

interface CallJson {
  readonly sequence: number;
  readonly marketplace: string;
  readonly kind: string;
  readonly state: string;
  readonly attempts: number;
  readonly created_at: string;
  readonly due_at: string;
  readonly last_fault: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly tries: readonly Try[];
}

interface OperationJson {
  readonly id: string;
  readonly kind: string;
  readonly state: string;
  readonly by: string;
  readonly attempts: number;
  readonly created_at: string;
  readonly ended_at: string | null;
  readonly message: string | null;
  readonly last_fault: string | null;
  readonly target: Readonly<Record<string, unknown>>;
  readonly request: string | null;
}

/** One attempt of an owed call. */
export interface Try {
  readonly attempt: number;
  readonly started_at: string;
  readonly ended_at: string;
  readonly outcome: string;
  readonly status: number | null;
  readonly fault: string | null;
}

/** The newest of each source, in its own order. */
export interface Sources {
  readonly events: readonly EventJson[];
  readonly calls: readonly CallJson[];
  readonly operations: readonly OperationJson[];
}

/** What happened, of whatever source, with nothing secret in it. */
export interface Item {
  readonly source: "event" | "call" | "operation";
  readonly key: string;
  readonly at: Date;
  /** `plan.changed`, `push-config`, `change_plan`. */
  readonly what: string;
  readonly by: string;
  readonly state?: string;
  readonly attempts?: number;
  readonly fault?: string | null;
  readonly tries?: readonly Try[];
  /** The request that began it. */
  readonly request?: string | null;
  readonly payload: Readonly<Record<string, unknown>>;
}

export interface Timeline {
  readonly items: readonly Item[];
  /** Where the next page begins, when there is one. */
  readonly next: Place | undefined;
}

interface Ranked extends Item {
  /** Moments of one source can be out of its order by a little; this one never is. */
  readonly rank: number;
  readonly place: Place;
}

/** Merges the sources, newest first; none loses an item between two pages, whatever their moments say. */
export function timelineOf(sources: Sources, before: Place, limit: number): Timeline {
  const all = [
    ...ranked(sources.events.map(eventItem)),
    ...ranked(sources.calls.map(callItem)),
    ...ranked(sources.operations.map(operationItem)),
  ].sort((left, right) => right.rank - left.rank);
  const items = all.slice(0, limit);
  // A source that gave as many as it was asked for may have more.
  const sizes = [sources.events, sources.calls, sources.operations].map(({ length }) => length);
  const more = all.length > limit || sizes.some((size) => size >= limit);
  return {
    items,
    next: more ? Object.assign({}, before, ...items.map(({ place }) => place)) : undefined,
  };
}

function ranked(items: readonly (Item & { readonly place: Place })[]): Ranked[] {
  let newest = Number.POSITIVE_INFINITY;
  return items.map((item) => {
    newest = Math.min(newest, item.at.getTime());
    return { ...item, rank: newest };
  });
}

const eventItem = ({ sequence, type, by, recorded_at, data }: EventJson) => ({
  source: "event" as const,
  key: `event-${sequence}`,
  at: new Date(recorded_at),
  what: type,
  by,
  payload: redacted(data),
  place: { event: sequence },
});

const callItem = ({ sequence, kind, marketplace, state, attempts, created_at, ...call }: CallJson) => ({
  source: "call" as const,
  key: `call-${sequence}`,
  at: new Date(created_at),
  what: kind,
  by: marketplace,
  state,
  attempts,
  fault: state === "owed" || state === "given_up" ? call.last_fault : null,
  tries: call.tries,
  payload: redacted(call.payload),
  place: { call: sequence },
});

const operationItem = ({ id, kind, state, by, attempts, created_at, ...operation }: OperationJson) => ({
  source: "operation" as const,
  key: `operation-${id}`,
  at: new Date(created_at),
  what: kind,
  by,
  state,
  attempts,
  fault: state === "done" ? null : (operation.message ?? operation.last_fault),
  request: operation.request,
  payload: redacted(operation.target),
  place: { operation: { at: created_at, id } },
});

export const cursorOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString("base64url");

const isSequence = (value: unknown): boolean =>
  value === undefined || (Number.isSafeInteger(value) && Number(value) > 0);

/** The place a cursor stands for. `request_malformed` for what is none of ours. */
export function placeIn(cursor: unknown): Place | undefined {
  if (cursor === undefined) return undefined;
  const place = parsed(String(cursor)) as Place | null | undefined;
  const { event, call, operation } = place ?? {};
  const whole = operation === undefined || (isUuid(operation?.id) && !Number.isNaN(Date.parse(operation?.at)));
  if (place && isSequence(event) && isSequence(call) && whole)
    return { ...(event && { event }), ...(call && { call }), ...(operation && { operation }) };
  throw new ProviderError("request_malformed", "There is no such page of the timeline.");
}

function parsed(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, "base64url").toString("utf8"));
  } catch {
    return undefined;
  }
}

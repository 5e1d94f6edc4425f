import { type CloudEvent, cloudEvent, type Speaker } from "../events/envelope.ts";
import type { By, EventType } from "../events/events.ts";
import type { EndpointJson } from "./endpoint.ts";

interface EventJson {
  readonly sequence: number;
  readonly id: string;
  readonly type: EventType;
  readonly by: By;
  readonly at: string;
  readonly recorded_at: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** A due event, leased to the caller, as the doors answer it. */
export interface ClaimedJson {
  readonly owed: {
    readonly tenant_id: string;
    readonly endpoint_id: string;
    readonly event_id: string;
    readonly attempts: number;
    readonly lease: string;
    readonly made_up: CloudEvent | null;
  };
  /** null of what somebody made up. */
  readonly event: EventJson | null;
  readonly tenant: { readonly marketplace: string | null; readonly resource_id: string | null };
  readonly endpoint: EndpointJson;
}

export interface ClaimedEvent {
  readonly tenant: string;
  readonly lease: string;
  /** This attempt, counted from 1. */
  readonly attempt: number;
  /** Without what stands around it in an envelope. */
  readonly type: string;
  readonly event: CloudEvent;
  readonly endpoint: EndpointJson;
}

export function claimedFromJson(speaker: Speaker, { owed, event, tenant, endpoint }: ClaimedJson): ClaimedEvent {
  const common = { tenant: owed.tenant_id, lease: owed.lease, attempt: owed.attempts, endpoint };
  if (event === null) {
    if (owed.made_up === null) throw new Error("An event is owed that there is not.");
    return { ...common, type: plainType(owed.made_up), event: owed.made_up };
  }
  return {
    ...common,
    type: event.type,
    event: cloudEvent(speaker, {
      ...event,
      tenant: owed.tenant_id,
      marketplace: tenant.marketplace ?? "",
      resourceId: tenant.resource_id ?? "",
      at: new Date(event.at),
      recordedAt: new Date(event.recorded_at),
    }),
  };
}

/** `plan.changed` of `com.acme-search.tenant.plan.changed.v1`. */
export const plainType = ({ type }: CloudEvent): string => /\.tenant\.(.*)\.v\d+$/.exec(type)?.[1] ?? type;

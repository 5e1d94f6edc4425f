import { ProviderError } from "../../../errors.ts";
import type { By } from "../../../events/events.ts";
import { isTenantId, type OperatorStore } from "../../../isolation/isolation.ts";
import { monthOf } from "../../../metering/read.ts";
import type { OperationKind, OperationState } from "../../../operations/operations.ts";
import { type Tenant, type TenantJson, tenantFromJson } from "../../../tenants/tenants.ts";
import { type Place, type Sources, type Timeline, timelineOf } from "./timeline.ts";

/** A credential as an operator may see it: never its value. */
export interface CredentialLine {
  readonly id: string;
  readonly kind: string;
  readonly var: string | null;
  readonly name: string | null;
  readonly access: "full" | "read";
  readonly state: "active" | "retiring";
  readonly hint: string;
  readonly created_at: string;
  readonly retires_at: string | null;
  readonly last_used_at: string | null;
}

export interface CallLine {
  readonly sequence: number;
  readonly marketplace: string;
  readonly kind: string;
  readonly state: "owed" | "delivered" | "given_up" | "cancelled";
  readonly due_at: string;
  readonly attempts: number;
  readonly last_fault: string | null;
  readonly created_at: string;
  readonly ended_at: string | null;
}

export interface OperationLine {
  readonly id: string;
  readonly kind: OperationKind;
  readonly state: OperationState;
  readonly by: By;
  readonly attempts: number;
  readonly due_at: string;
  readonly deadline_at: string | null;
  readonly message: string | null;
  readonly last_fault: string | null;
  readonly created_at: string;
  readonly ended_at: string | null;
}

export interface EndpointLine {
  readonly id: string;
  readonly name: string;
  readonly state: "on" | "off" | "disabled";
  readonly owed: number;
  readonly due_at: string | null;
  readonly attempts: number | null;
}

export interface Due {
  readonly operations: readonly OperationLine[];
  readonly calls: readonly CallLine[];
  readonly given_up: readonly CallLine[];
  readonly database: {
    readonly model: string;
    readonly state: string;
    readonly kept_until: string | null;
    readonly due_at: string | null;
    readonly fault: string | null;
  } | null;
  readonly endpoints: readonly EndpointLine[];
}

/** What the two other sides last let us know. */
export interface Heard {
  readonly marketplace: { readonly type: string; readonly at: string } | null;
  readonly told: { readonly kind: string; readonly at: string } | null;
  readonly product: {
    readonly kind: OperationKind;
    readonly state: OperationState;
    readonly target: Readonly<Record<string, unknown>>;
    readonly at: string;
    readonly attempts: number;
    readonly message: string | null;
    readonly fault: string | null;
  } | null;
}

/** Everything about one tenant, as it was at one moment. */
export interface TenantRead {
  readonly now: Date;
  readonly tenant: Tenant;
  /** What a form is made from: the number of the newest event. */
  readonly version: number;
  /** What the marketplace calls it besides. */
  readonly names: readonly string[];
  readonly people: number;
  readonly credentials: readonly CredentialLine[];
  readonly usage: Readonly<Record<string, number>>;
  readonly due: Due;
  readonly heard: Heard;
  readonly timeline: Timeline;
}

interface TenantReadJson extends Omit<TenantRead, "now" | "tenant" | "timeline"> {
  readonly tenant: TenantJson;
  readonly timeline: Sources;
}

/** Items of the timeline on a page. */
const ITEMS = 25;

/** Reads it all by one door, which tells the tenant's audit who looked. `tenant_not_found`. */
export async function readTenantPage(store: OperatorStore, tenant: string, before?: Place): Promise<TenantRead> {
  const { by, reason, at: now } = store.operator;
  if (!isTenantId(tenant)) throw unknown();
  const asked = { by, reason, at: now, month: monthOf(now), before: before ?? {} };
  const [row] = await store.throughDoor<{ read: TenantReadJson | null }>({
    text: "select console_tenant($1, $2, $3) as read",
    values: [tenant, JSON.stringify(asked), ITEMS],
  });
  const read = row?.read;
  if (!read) throw unknown();
  return {
    ...read,
    now,
    tenant: tenantFromJson(read.tenant),
    timeline: timelineOf(read.timeline, before ?? {}, ITEMS),
  };
}

const unknown = () => new ProviderError("tenant_not_found", "There is no such tenant.");

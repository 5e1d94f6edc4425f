import { randomBytes } from "node:crypto";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";

export const tenantStates = ["provisioning", "active", "suspended", "deprovisioning", "gone", "failed"] as const;
export type TenantState = (typeof tenantStates)[number];

/** What can happen to a tenant. `…Refused` = the product said no for good, or the marketplace's deadline passed. */
export type TenantChange =
  | "provisionDone"
  | "provisionRefused"
  | "planChanged"
  | "suspendDone"
  | "resumeDone"
  | "rotated"
  | "deprovisionAsked"
  | "deprovisionDone";

const transitions: Readonly<Record<TenantState, Partial<Record<TenantChange, TenantState>>>> = {
  provisioning: { provisionDone: "active", provisionRefused: "failed", deprovisionAsked: "deprovisioning" },
  active: {
    planChanged: "active",
    rotated: "active",
    suspendDone: "suspended",
    deprovisionAsked: "deprovisioning",
  },
  suspended: {
    planChanged: "suspended",
    rotated: "suspended",
    resumeDone: "active",
    deprovisionAsked: "deprovisioning",
  },
  deprovisioning: { deprovisionDone: "gone" },
  failed: { deprovisionAsked: "deprovisioning" },
  gone: {},
};

/** The state after `change`, or undefined where it cannot happen. The whole life of a tenant is this table. */
export function after(state: TenantState, change: TenantChange): TenantState | undefined {
  return transitions[state][change];
}

/** Whether the tenant is there for its customer: it may sign in and look. */
export function isThere(state: TenantState): boolean {
  return state === "provisioning" || state === "active" || state === "suspended";
}

/** The account kept for one purchase. */
export interface Tenant {
  readonly id: string;
  readonly marketplace: string;
  readonly resourceId: string;
  readonly plan: string;
  readonly region: string | null;
  readonly state: TenantState;
  /** Why the state is what it is, worded for the customer. */
  readonly reason: string | null;
  readonly name: string;
  readonly requestDigest: string;
  /** Display text from the marketplace (app name, owner). */
  readonly facts: Readonly<Record<string, string>>;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  readonly keptSealed: string | null;
  readonly productConfigSealed: string | null;
  /** What the marketplace says the customer is entitled to, in the place of the plan's limits of the same names. */
  readonly limits: Readonly<Record<string, number>> | null;
  readonly entitledUntil: Date | null;
  readonly createdAt: Date;
  readonly changedAt: Date;
  readonly endedAt: Date | null;
}

/** A tenant by the marketplace's id or ours, or by ours alone. */
export type TenantRef = { readonly marketplace: string; readonly resourceId: string } | { readonly tenant: string };

/** A row of `tenants` as PostgreSQL renders it in JSON. */
export interface TenantJson {
  readonly id: string;
  readonly marketplace: string;
  readonly resource_id: string;
  readonly plan: string;
  readonly region: string | null;
  readonly state: TenantState;
  readonly reason: string | null;
  readonly name: string;
  readonly request_digest: string;
  readonly facts: Record<string, string>;
  readonly options: Record<string, string | number | boolean>;
  readonly kept_sealed: string | null;
  readonly product_config_sealed: string | null;
  readonly limits: Record<string, number> | null;
  readonly entitled_until: string | null;
  readonly created_at: string;
  readonly changed_at: string;
  readonly ended_at: string | null;
}

export function tenantFromJson(row: TenantJson): Tenant {
  return {
    id: row.id,
    marketplace: row.marketplace,
    resourceId: row.resource_id,
    plan: row.plan,
    region: row.region,
    state: row.state,
    reason: row.reason,
    name: row.name,
    requestDigest: row.request_digest,
    facts: row.facts,
    options: row.options,
    keptSealed: row.kept_sealed,
    productConfigSealed: row.product_config_sealed,
    limits: row.limits,
    entitledUntil: row.entitled_until === null ? null : new Date(row.entitled_until),
    createdAt: new Date(row.created_at),
    changedAt: new Date(row.changed_at),
    endedAt: row.ended_at === null ? null : new Date(row.ended_at),
  };
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

/** A new tenant id: 26 characters `[a-z][a-z2-7]{25}`, about 130 random bits, never issued again. */
export function mintTenantId(): string {
  let id = "";
  for (const byte of randomBytes(26)) id += ALPHABET.charAt(id === "" ? byte % 26 : byte % 32);
  return id;
}

/** The tenant of `ref`, whatever its state, or undefined. One round trip. */
export async function findTenant(store: Store, ref: TenantRef): Promise<Tenant | undefined> {
  if ("tenant" in ref) {
    return store.asTenant(ref.tenant, (tx) => readTenant(tx));
  }
  const [row] = await store.throughDoor<{ find_tenant: TenantJson | null }>({
    text: "select find_tenant($1, $2)",
    values: [ref.marketplace, ref.resourceId],
  });
  return row?.find_tenant ? tenantFromJson(row.find_tenant) : undefined;
}

/** The tenant of `ref`; `tenant_not_found` when there never was one. */
export async function getTenant(store: Store, ref: TenantRef): Promise<Tenant> {
  const tenant = await findTenant(store, ref);
  if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  return tenant;
}

/** A purchase as its marketplace names it. */
export type PurchaseRef = Extract<TenantRef, { readonly marketplace: string }>;

/**
 * Keeps a purchase that was never heard of from becoming a tenant: its provision is gone when it still comes. Answers the
 * id of the tenant that there is by now all the same. The second time does nothing.
 */
export async function forestallProvision(store: Store, ref: PurchaseRef, now: Date): Promise<string | undefined> {
  const [row] = await store.throughDoor<{ forestall_provision: string | null }>({
    text: "select forestall_provision($1, $2, $3, $4)",
    values: [mintTenantId(), ref.marketplace, ref.resourceId, now],
  });
  return row?.forestall_provision ?? undefined;
}

/** The tenant of this transaction; with `lock` nobody else changes it until the end of the transaction. */
export async function readTenant(tx: Tx, lock?: "lock"): Promise<Tenant | undefined> {
  const [row] = await tx.query<{ tenant: TenantJson }>(
    `select to_jsonb(t) as tenant from tenants t where t.id = this_tenant()${lock ? " for no key update" : ""}`,
  );
  return row === undefined ? undefined : tenantFromJson(row.tenant);
}

export interface TenantFilter {
  readonly marketplace?: string | undefined;
  readonly resourceId?: string | undefined;
  readonly after?: string | undefined;
  readonly limit: number;
}

/** Tenants in the order of their ids; `after` is the last id of the page before. */
export async function listTenants(store: Store, filter: TenantFilter): Promise<readonly Tenant[]> {
  const rows = await store.throughDoor<{ list_tenants: TenantJson }>({
    text: "select list_tenants($1, $2, $3, $4)",
    values: [filter.marketplace ?? null, filter.resourceId ?? null, filter.after ?? null, filter.limit],
  });
  return rows.map((row) => tenantFromJson(row.list_tenants));
}

/** Somebody whom the marketplace lets at the tenant. Display text: nothing is authorised by it. */
export interface Person {
  readonly id: string;
  readonly email: string;
  readonly role: string;
}

/** The people as the marketplace said last. */
export async function peopleOf(tx: Tx): Promise<readonly Person[]> {
  const rows = await tx.query<{ person_id: string; email: string; role: string }>(
    "select person_id, email, role from people order by email, person_id limit 500",
  );
  return rows.map((row) => ({ id: row.person_id, email: row.email, role: row.role }));
}

/** Puts `people` in the place of whoever was known before. */
export async function replacePeople(tx: Tx, tenant: string, people: readonly Person[], now: Date): Promise<void> {
  await tx.query("delete from people where tenant_id = $1", [tenant]);
  await tx.query(
    `insert into people (tenant_id, person_id, email, role, seen_at)
     select $1, p.id, p.email, p.role, $3
     from jsonb_to_recordset($2::jsonb) as p(id text, email text, role text)
     on conflict do nothing`,
    [tenant, JSON.stringify(people), now],
  );
}

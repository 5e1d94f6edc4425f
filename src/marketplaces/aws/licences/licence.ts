import type { Store } from "../../../isolation/isolation.ts";
import type { TenantState } from "../../../tenants/tenants.ts";
import type { Entitlement } from "../api/entitlements.ts";
import type { Included } from "../entitlements/apply-entitlements.ts";
import type { About, Fact, LicenceIdentity } from "../inbox/fact.ts";
import type { LicenceState, Said } from "./standing.ts";

/** What the agreement of a licence says of itself. Display text, but for `status` and `chain_start`. */
export interface AgreementFacts {
  readonly checked_at: string;
  readonly status?: string;
  readonly start?: string;
  readonly end?: string;
  /** RENEW, REPLACE or EXPIRE. */
  readonly at_end?: string;
  readonly trial?: boolean;
  readonly trial_until?: string;
  /** When the first agreement of its chain began; null when AWS does not know. Decides about a change of generation. */
  readonly chain_start?: string | null;
}

/** A row of `aws_licences` as PostgreSQL renders it in JSON: times are texts. What is known of its identity only grows. */
export interface LicenceRow extends LicenceIdentity {
  readonly initial_agreement_id: string | null;
  readonly agreement: AgreementFacts | null;
  readonly state: LicenceState | "superseded";
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly end_reason: string | null;
  readonly trial: boolean;
  readonly entitlements: readonly EntitlementRow[] | null;
  /** What was included before, so that an amendment goes on in its period. */
  readonly included: readonly IncludedRow[] | null;
  readonly entitlements_at: string | null;
  readonly entitlements_stale: boolean;
  readonly entitlements_due_at: string | null;
  readonly registered_at: string | null;
  readonly contact_sealed: string | null;
  readonly tenant_id: string | null;
  readonly term: number;
  readonly bills_from: string | null;
  readonly billing_ended_at: string | null;
  readonly parted_at: string | null;
  readonly heard_at: string | null;
  readonly review: string | null;
  readonly created_at: string;
  readonly news: number;
  readonly lease: string | null;
  readonly tries: number;
}

export type IncludedRow = Omit<Included, "from" | "until"> & { readonly from: string; readonly until: string };

export type EntitlementRow = Omit<Entitlement, "expiresAt"> & { readonly expiresAt?: string };

/** The licence of a tenant that is in force, or was last. */
export async function licenceOfTenant(store: Store, tenant: string): Promise<LicenceRow | undefined> {
  const rows = await store.asTenant(tenant, (tx) =>
    tx.query<{ licence: LicenceRow }>(
      `select to_jsonb(l) as licence from aws_licences l
       order by (l.state = 'active') desc, l.started_at desc nulls last, l.key limit 1`,
    ),
  );
  return rows[0]?.licence;
}

/** Another licence that may share the tenant. */
export interface Relative {
  readonly key: string;
  readonly generation: "licence" | "legacy";
  readonly state: LicenceState | "superseded";
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly agreement_id: string | null;
  readonly initial_agreement_id: string | null;
  readonly agreement: AgreementFacts | null;
  readonly customer: string | null;
  readonly account: string | null;
  readonly registered_at: string | null;
  readonly bills_from: string | null;
  readonly tenant: string | null;
  readonly tenant_state: TenantState | null;
}

/** A licence with all that decides about it. */
export interface LicenceView {
  readonly licence: LicenceRow;
  readonly tenant: { readonly id: string; readonly state: TenantState } | null;
  readonly history: readonly Said[];
  readonly relatives: readonly Relative[];
}

interface ViewJson extends Omit<LicenceView, "history"> {
  readonly history: readonly {
    readonly fact: Fact;
    readonly at: string;
    readonly received_at: string;
    readonly about: About | null;
  }[];
}

function viewFromJson({ history, ...view }: ViewJson): LicenceView {
  return {
    ...view,
    history: history.map(({ fact, at, received_at, about }) => ({
      fact,
      at: new Date(at),
      receivedAt: new Date(received_at),
      about: about ?? {},
    })),
  };
}

/** Settling may ask AWS and the product: longer than all of it together. */
export const LICENCE_LEASE_MS = 30_000;

/** Licences that are due, or the one named, leased to the caller; one that another settles is left out. */
export async function claimLicences(
  store: Store,
  now: Date,
  which: { readonly key: string } | { readonly atMost: number },
): Promise<readonly LicenceView[]> {
  const [key, limit] = "key" in which ? [which.key, 1] : [null, which.atMost];
  const rows = await store.throughDoor<{ view: ViewJson }>({
    text: "select aws_claim_licences($1, $2, $3, $4) as view",
    values: [key, now, new Date(now.getTime() + LICENCE_LEASE_MS), limit],
  });
  return rows.map(({ view }) => viewFromJson(view));
}

/** As it is now, for whoever only looks. */
export async function findLicence(store: Store, key: string): Promise<LicenceView | undefined> {
  const [row] = await store.throughDoor<{ view: ViewJson | null }>({
    text: "select aws_find_licence($1) as view",
    values: [key],
  });
  return row?.view ? viewFromJson(row.view) : undefined;
}

/**
 * Before a licence gets a tenant of its own: how it stands now, or undefined while a relative is about to get one. Until
 * the caller leaves the licence settled, no relative may.
 */
export async function reserveTenant(
  store: Store,
  { key, lease }: Pick<LicenceRow, "key" | "lease">,
): Promise<LicenceView | undefined> {
  const [row] = await store.throughDoor<{ view: ViewJson | null }>({
    text: "select aws_reserve_tenant($1, $2) as view",
    values: [key, lease],
    repeatable: true,
  });
  return row?.view ? viewFromJson(row.view) : undefined;
}

export const timeOf = (text: string | null | undefined): Date | undefined => (text ? new Date(text) : undefined);

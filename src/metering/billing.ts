import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";
import type { UsageReporting } from "./reporting.ts";

/** Who pays for a tenant's usage. */
export interface Payer {
  /** Opaque text of the marketplace's adapter. */
  readonly billingReference: string;
  /** Records of one lot may travel in one call. */
  readonly lot: string;
  /** Calls of one pace share the marketplace's quota. */
  readonly pace: string;
  /** `excess`: only what lies beyond what is included. */
  readonly bills: "all" | "excess" | "none";
  /** The first hour it pays is the one that holds this moment; no record is stamped earlier. */
  readonly from: Date;
  /** The first hour it pays, where that is a later one: until then another pays. */
  readonly firstHour?: Date;
  /** Which dimensions are metered at all; all when absent. */
  readonly dimensions?: readonly string[];
}

/** The purchase behind a billing reference ended; nothing is taken after `flushBy`. */
export interface BillingEnd {
  readonly billingReference: string;
  readonly endedAt: Date;
  readonly flushBy: Date;
}

/** What a contract includes of one dimension in a period. */
export interface Included {
  readonly billingReference: string;
  readonly dimension: string;
  readonly from: Date;
  readonly until: Date;
  /** Whole units. */
  readonly quantity: number;
}

export type ReportingByMarketplace = ReadonlyMap<string, UsageReporting>;

/** The deadlines of each marketplace, as the statements take them. */
export function rulesJson(reporting: ReportingByMarketplace): string {
  return JSON.stringify(
    [...reporting].map(([marketplace, { rules, heartbeats }]) => ({
      marketplace,
      window_hours: rules.windowHours,
      grace_hours: rules.monthGraceHours,
      heartbeats,
    })),
  );
}

/** Makes or updates a payer. `request_conflict` when another tenant is billed under the same reference. */
export async function setPayer(store: Store, tenant: string, marketplace: string, payer: Payer): Promise<void> {
  const { billingReference, firstHour, ...rest } = payer;
  const [row] = await store.throughDoor<{ outcome: "new" | "same" | "taken" }>({
    text: "select bill_to($1, $2) as outcome",
    values: [
      tenant,
      JSON.stringify({ billing_reference: billingReference, marketplace, first_hour: firstHour, ...rest }),
    ],
    repeatable: true,
  });
  if (row?.outcome === "taken")
    throw new ProviderError("request_conflict", "Another tenant is billed under this reference.");
}

/** `request_malformed` when the reference never paid for this tenant. */
export async function endPayer(
  store: Store,
  tenant: string,
  end: BillingEnd,
  reporting: ReportingByMarketplace,
): Promise<void> {
  const [row] = await store.throughDoor<{ known: boolean }>({
    text: "select end_billing($1, $2, $3, $4, $5) as known",
    values: [tenant, end.billingReference, end.endedAt, end.flushBy, rulesJson(reporting)],
    repeatable: true,
  });
  if (!row?.known)
    throw new ProviderError("request_malformed", "Nothing was ever billed to this reference for this tenant.");
}

export async function setIncluded(store: Store, tenant: string, included: Included): Promise<void> {
  const { billingReference, dimension, from, until, quantity } = included;
  await store.throughDoor({
    text: "select include_usage($1, $2, $3, $4, $5, $6)",
    values: [tenant, billingReference, dimension, from, until, quantity],
    repeatable: true,
  });
}

export async function retryParked(store: Store, tenant: string, billingReference: string, now: Date): Promise<void> {
  await store.throughDoor({
    text: "select retry_billing($1, $2, $3)",
    values: [tenant, billingReference, now],
    repeatable: true,
  });
}

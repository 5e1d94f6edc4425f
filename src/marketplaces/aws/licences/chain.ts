import { isThere, type TenantState } from "../../../tenants/tenants.ts";
import { type LicenceView, type Relative, timeOf } from "./licence.ts";
import type { Standing } from "./standing.ts";

/** What a licence without a tenant is to those that are known already. */
export type Place =
  /** It goes on with the tenant of another licence: a renewal, a replacement, or the newer generation of the same purchase. */
  | { readonly kind: "joins"; readonly tenant: string; readonly from: Relative }
  /** A purchase of its own. */
  | { readonly kind: "first" }
  /** It continues something, and nobody knows what: yet (AWS is silent), or here. */
  | { readonly kind: "unplaced"; readonly why: string };

/** New agreements that continue another one. */
const CONTINUES = ["RENEW", "REPLACE"];

/**
 * Where a licence belongs. Renewals and replacements have a licence of their own, and nothing in their events points back:
 * only the agreement's `initialAgreementId` does. While that is not known, an agreement that says of itself that it is new
 * is believed; one that says that it continues another waits.
 */
export function placeOf({ licence, relatives }: LicenceView, standing: Standing): Place {
  const living = relatives.filter((one) => isLiving(one.tenant_state));
  const before =
    living.find((one) => isOfChain(licence, one)) ??
    living.find((one) => isOlderName(licence, standing, one) && !living.some((other) => goesOn(one, other)));
  if (before?.tenant) return { kind: "joins", tenant: before.tenant, from: before };
  const { initial_agreement_id: initial, agreement_id: own } = licence;
  if (initial === null && CONTINUES.includes(standing.intent ?? ""))
    return { kind: "unplaced", why: "It renews or replaces an agreement, and AWS does not say which." };
  if (initial !== null && initial !== own && !isRegistered({ licence, relatives }))
    return { kind: "unplaced", why: "It continues an agreement that has no tenant here." };
  return { kind: "first" };
}

/** Its buyer has come: for this licence, or for an earlier one of its chain. */
export function isRegistered({ licence, relatives }: Pick<LicenceView, "licence" | "relatives">): boolean {
  if (licence.registered_at !== null) return true;
  return relatives.some((one) => one.registered_at !== null && isOfChain(licence, one));
}

type Named = LicenceView["licence"];

function isOfChain({ initial_agreement_id: initial, agreement_id: own }: Named, other: Relative): boolean {
  const chain = initial ?? own;
  return chain !== null && (other.initial_agreement_id === chain || other.agreement_id === chain);
}

/** A new agreement of a customer begins later than what the older generation calls the same customer. */
const SAME_START_MS = 10 * 60_000;

/**
 * The same purchase under its older name: the product and the customer, or the customer's account, which had one agreement
 * then. An agreement that began later is another purchase; of one whose beginning is not known nothing is believed.
 */
function isOlderName(licence: Named, standing: Standing, other: Relative): boolean {
  const { generation, customer, account, agreement } = licence;
  if (generation !== "licence" || other.generation !== "legacy") return false;
  if (!standing.told && licence.registered_at === null) return false;
  const sameCustomer = customer !== null && other.customer === customer;
  const sameAccount = customer === null && account !== null && other.account === account;
  if (!sameCustomer && !sameAccount) return false;
  const start = timeOf(agreement?.start) ?? (standing.intent === "NEW" ? standing.startedAt : undefined);
  const began = timeOf(other.started_at);
  if (start === undefined || began === undefined) return sameCustomer;
  return start.getTime() - began.getTime() <= SAME_START_MS;
}

/** Its tenant has the newer name of the purchase already: another licence of that customer is another purchase. */
const goesOn = (one: Relative, other: Relative): boolean =>
  other.generation === "licence" && other.tenant === one.tenant;

export const isLiving = (state: TenantState | null | undefined): boolean => (state ? isThere(state) : false);

import { isThere, type TenantState } from "../../../tenants/tenants.ts";
import type { LicenceView, Relative } from "./licence.ts";
import { isOtherName } from "./other-name.ts";
import type { Standing } from "./standing.ts";

/** What a licence without a tenant is to those that are known already. */
export type Place =
  /** It goes on with the tenant of another licence: a renewal, a replacement, or another generation's name of the purchase. */
  | { readonly kind: "joins"; readonly tenant: string }
  /** A purchase of its own. */
  | { readonly kind: "first" }
  /** A purchase that was heard of by its newer name before, and has ended by it. */
  | { readonly kind: "over" }
  /** It continues something, and nobody knows what: yet (AWS is silent), or here. */
  | { readonly kind: "unplaced"; readonly why: string };

/** New agreements that continue another one. */
const CONTINUES = ["RENEW", "REPLACE"];

/**
 * Where a licence belongs. Renewals and replacements have a licence of their own, and nothing in their events points back:
 * only the agreement's `initialAgreementId` does. While that is not known, an agreement that says of itself that it is new
 * is believed; one that says that it continues another waits. What may be a purchase that has a tenant under the name of
 * the other generation waits until that is known, however long: two tenants would be billed for the same hours.
 */
export function placeOf(view: LicenceView, standing: Standing): Place {
  const { licence, relatives } = view;
  const living = relatives.filter((one) => isLiving(one.tenant_state));
  const named = living.filter((one) => !hasNameLike(licence, one, living));
  const before =
    living.find((one) => isOfChain(licence, one)) ?? named.find((one) => isOtherName(view, standing, one) === true);
  if (before?.tenant) return { kind: "joins", tenant: before.tenant };
  const past = relatives.filter(hasEnded);
  if (past.some((one) => isOtherName(view, standing, one) === true)) return { kind: "over" };
  const { initial_agreement_id: initial, agreement_id: own } = licence;
  if (initial === null && CONTINUES.includes(standing.intent ?? ""))
    return { kind: "unplaced", why: "It renews or replaces an agreement, and AWS does not say which." };
  if ([...named, ...past].some((one) => isOtherName(view, standing, one) === "unknown"))
    return { kind: "unplaced", why: "AWS does not say whether it is a purchase that has a tenant by its other name." };
  if (initial !== null && initial !== own && !isRegistered(view))
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

/** Its tenant has a name of the licence's generation already: another one of that customer is another purchase. */
const hasNameLike = ({ generation }: Named, one: Relative, living: readonly Relative[]): boolean =>
  living.some((other) => other.generation === generation && other.tenant === one.tenant);

const hasEnded = ({ generation, ended_at, tenant, tenant_state }: Relative): boolean =>
  generation === "licence" && ended_at !== null && tenant !== null && !isLiving(tenant_state);

export const isLiving = (state: TenantState | null | undefined): boolean => (state ? isThere(state) : false);

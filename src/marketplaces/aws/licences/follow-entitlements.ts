import type { Entitlement } from "../api/entitlements.ts";
import { applyEntitlements, type Granted } from "../entitlements/apply-entitlements.ts";
import { keepFound } from "../inbox/keep.ts";
import { hasContract } from "../section.ts";
import { isLiving } from "./chain.ts";
import { type EntitlementRow, type IncludedRow, timeOf } from "./licence.ts";
import { referenceOf } from "./payer.ts";
import { after, by, isFault, keep, lookAgain, type Settling } from "./settling.ts";

const MINUTE_MS = 60_000;
const ASK_MS = 8_000;
const SWEEP_MS = 15 * MINUTE_MS;
const ASK_AGAIN_MS = 30_000;
/** How long the last good copy counts while AWS does not answer. */
const STALE_MS = 24 * 60 * MINUTE_MS;
/** How long an end is doubted that AWS's entitlements contradict, or that they cannot confirm. */
const DOUBTED_MS = 10 * MINUTE_MS;
const UNCONFIRMED_MS = 2 * MINUTE_MS;

/**
 * Asks AWS what a contract entitles to: when anything was heard of the licence, before its end is believed, and every
 * quarter of an hour. While AWS is silent the last good copy is kept and marked stale.
 */
export async function learnEntitlements(settling: Settling): Promise<void> {
  const { options, product, view, now } = settling;
  if (!hasContract(product) || !isWorthAsking(settling)) return;
  const { licence } = view;
  const dueAt = timeOf(licence.entitlements_due_at);
  if (dueAt !== undefined && dueAt > now && !isUnconfirmed(settling)) return lookAgain(settling, dueAt);
  const answer = await options.api.entitlements(whose(settling), AbortSignal.timeout(ASK_MS));
  if (answer.kind !== "found") {
    const again = after(settling, ASK_AGAIN_MS);
    await keep(settling, { entitlements_stale: true, entitlements_due_at: again });
    return lookAgain(settling, again);
  }
  await keepEntitlements(settling, answer.value);
}

function isWorthAsking({ standing, view: { licence, tenant } }: Settling): boolean {
  if (standing.state === "active") return true;
  return (standing.state === "ending" || standing.state === "ended") && tenant !== null && licence.parted_at === null;
}

function whose({ product, view: { licence } }: Settling) {
  const { arn, customer, account } = licence;
  return {
    productCode: product.code,
    ...(arn !== null && { licenceArn: arn }),
    ...(customer !== null && { customer }),
    ...(account !== null && { account }),
  };
}

async function keepEntitlements(settling: Settling, found: readonly Entitlement[]): Promise<void> {
  const { now, view } = settling;
  const before = view.licence.entitlements;
  const next = after(settling, SWEEP_MS);
  const rows = JSON.parse(JSON.stringify(found)) as EntitlementRow[];
  await keep(settling, {
    entitlements: rows,
    entitlements_at: now,
    entitlements_stale: false,
    entitlements_due_at: next,
  });
  if (settling.standing.state === "active") lookAgain(settling, next);
  await noteOlderContract(settling, before);
}

const NO_ENTITLEMENTS = "no entitlements";

/**
 * A contract of the older generation has no other end than that nothing is left of it, and no other way back. Both are
 * facts like those that AWS tells, and go through the inbox.
 */
async function noteOlderContract(settling: Settling, before: readonly EntitlementRow[] | null): Promise<void> {
  const { options, product, standing, view, now } = settling;
  if (product.model !== "contract" || view.licence.generation !== "legacy") return;
  const entitled = granted(settling).held;
  const ends = standing.state === "active" && !entitled && (before?.length ?? 0) > 0;
  const returns = standing.state === "ended" && standing.endReason === NO_ENTITLEMENTS && entitled;
  if (!ends && !returns) return;
  const { product_code, customer } = view.licence;
  await keepFound(options, `entitlements ${view.licence.key} ${now.toISOString()}`, {
    fact: ends ? "ended" : "began",
    at: now.toISOString(),
    about: ends ? { status: NO_ENTITLEMENTS } : {},
    productCode: product_code,
    customer,
  });
}

/** An end has been heard of, and AWS has not been asked since. */
function isUnconfirmed({ standing, view: { licence } }: Settling): boolean {
  if (standing.endHeardAt === undefined) return false;
  const asked = timeOf(licence.entitlements_at);
  return asked === undefined || asked < standing.endHeardAt || (licence.entitlements?.length ?? 0) > 0;
}

/** Before an end is believed, AWS is asked whether the customer is entitled to anything; not for ever, though. */
export function endIsContradicted(settling: Settling): boolean {
  const { product, standing, view, now } = settling;
  if (!hasContract(product) || standing.endHeardAt === undefined) return false;
  const asked = timeOf(view.licence.entitlements_at);
  const confirmed = asked !== undefined && asked >= standing.endHeardAt && !view.licence.entitlements_stale;
  if (confirmed && !granted(settling).held) return false;
  const until = new Date(standing.endHeardAt.getTime() + (confirmed ? DOUBTED_MS : UNCONFIRMED_MS));
  if (now >= until) return false;
  lookAgain(settling, new Date(Math.min(until.getTime(), now.getTime() + ASK_AGAIN_MS)));
  return true;
}

/** What a contract with consumption includes: told before anybody pays, so that none of it is billed. */
export async function includeEntitled(settling: Settling): Promise<void> {
  const { options, product, view } = settling;
  const { tenant, licence } = view;
  if (product.model !== "contract-with-consumption" || tenant === null || licence.entitlements === null) return;
  if (settling.standing.state !== "active") return;
  const { included } = granted(settling);
  for (const one of included) {
    await options.provider.include({ tenant: tenant.id }, { billingReference: referenceOf(licence), ...one });
  }
  const rows = JSON.parse(JSON.stringify(included)) as IncludedRow[];
  if (JSON.stringify(rows) !== JSON.stringify(licence.included)) await keep(settling, { included: rows });
}

/** Plan and limits of the tenant follow its newest licence in force. A copy that is too old says nothing any more. */
export async function followEntitlements(settling: Settling): Promise<void> {
  const { options, product, view, standing, now } = settling;
  const { tenant, licence } = view;
  if (!hasContract(product) || licence.entitlements === null || standing.state !== "active") return;
  if (tenant === null || !isLiving(tenant.state) || isOvertaken(settling)) return;
  const age = now.getTime() - (timeOf(licence.entitlements_at)?.getTime() ?? 0);
  const { plan, limits, until } =
    age < STALE_MS ? granted(settling) : { plan: product.plan, limits: {}, until: undefined };
  try {
    await options.provider.setEntitlements({ tenant: tenant.id }, { plan, limits, until, ...by(now) });
  } catch (fault) {
    if (isFault(fault, "operation_running")) return lookAgain(settling, after(settling, 10_000));
    if (isFault(fault, "tenant_gone")) return;
    if (!isFault(fault, "plan_change_refused", "product_refused")) throw fault;
    await keep(settling, { review: `The product refused the plan ${plan} that AWS sold.` });
  }
}

/** A renewal has begun: it says what the customer is entitled to. */
function isOvertaken({ view: { tenant, relatives }, standing }: Settling): boolean {
  const since = standing.startedAt?.getTime() ?? 0;
  return relatives.some(
    (one) => one.tenant === tenant?.id && one.state === "active" && (timeOf(one.started_at)?.getTime() ?? 0) > since,
  );
}

function granted({ options: { catalog }, product, view: { licence }, standing, now }: Settling): Granted {
  const endsAt = timeOf(licence.agreement?.end);
  return applyEntitlements({
    catalog,
    product,
    licence: {
      startedAt: standing.startedAt ?? now,
      ...(licence.arn !== null && { arn: licence.arn }),
      ...(endsAt && { endsAt }),
    },
    entitlements: (licence.entitlements ?? []).map(({ expiresAt, ...row }) => ({
      ...row,
      ...(expiresAt && { expiresAt: new Date(expiresAt) }),
    })),
    previous: (licence.included ?? []).map((one) => ({
      ...one,
      from: new Date(one.from),
      until: new Date(one.until),
    })),
    now,
  });
}

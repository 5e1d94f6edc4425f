import { isLiving } from "./chain.ts";
import { type Relative, timeOf } from "./licence.ts";
import { payerOf, referenceOf } from "./payer.ts";
import { keep, type Settling } from "./settling.ts";

const HOUR_MS = 3_600_000;

/**
 * Lets a licence pay for its tenant from its beginning, also when it has ended before we came to it. Where it takes over
 * from the older generation of the same purchase, it does so at the next full hour: AWS would bill an hour twice that both
 * generations meter. Where a contract includes usage, nobody pays before it is known how much: else all of it were billed.
 */
export async function payForTenant(settling: Settling): Promise<void> {
  const { options, product, view, standing } = settling;
  const { tenant, licence } = view;
  if (tenant === null || standing.startedAt === undefined || isPaidByNewerName(settling)) return;
  if (licence.bills_from !== null && (standing.state !== "active" || !isLiving(tenant.state))) return;
  if (product.model === "contract-with-consumption" && licence.entitlements === null) return;
  const paying = { since: standing.startedAt, from: await payFrom(settling) };
  await options.provider.billTo({ tenant: tenant.id }, payerOf(settling.view.licence, product, paying));
  await tellNews(settling, tenant.id);
}

/** Worked out once for each span in which the licence pays, and kept; only a beginning that is heard of late moves it back. */
async function payFrom(settling: Settling): Promise<Date> {
  const { view, standing, now } = settling;
  const { bills_from, billing_ended_at } = view.licence;
  const startedAt = standing.startedAt ?? now;
  const kept = billing_ended_at === null ? timeOf(bills_from) : undefined;
  const older = olderNames(settling);
  if (kept !== undefined && (kept <= startedAt || older.length > 0)) return kept;
  const from = takeover(settling, older, startedAt);
  await keep(settling, { bills_from: from, billing_ended_at: null });
  return from;
}

/** The purchase had moved on before it was heard of by its older name. */
function isPaidByNewerName({ view: { licence, tenant, relatives }, standing }: Settling): boolean {
  if (licence.generation === "licence" || licence.bills_from !== null || standing.startedAt === undefined) return false;
  const since = standing.startedAt;
  return relatives.some(
    (one) => one.tenant === tenant?.id && one.generation === "licence" && (timeOf(one.bills_from) ?? since) < since,
  );
}

/** What the older generation calls the tenant of a licence. */
const olderNames = ({ view: { licence, tenant, relatives } }: Settling): readonly Relative[] =>
  licence.generation === "legacy"
    ? []
    : relatives.filter((one) => one.tenant === tenant?.id && one.generation === "legacy");

/** From when on the newer generation pays, where until now the older one did: the same hour for all of a tenant's licences. */
function takeover({ view: { tenant, relatives }, now }: Settling, older: readonly Relative[], startedAt: Date): Date {
  if (!older.some(({ state }) => state !== "ended")) return startedAt;
  const newer = relatives.filter((one) => one.tenant === tenant?.id && one.generation === "licence");
  const known = newer.flatMap(({ bills_from }) => timeOf(bills_from)?.getTime() ?? []);
  const from = known.length > 0 ? Math.min(...known) : nextHour(now);
  return new Date(Math.max(from, startedAt.getTime()));
}

const nextHour = (now: Date): number => Math.floor(now.getTime() / HOUR_MS + 1) * HOUR_MS;

/** Records that AWS refused with "not subscribed" are tried again once something newer has been heard. */
async function tellNews(settling: Settling, tenant: string): Promise<void> {
  const { options, view, standing } = settling;
  const told = timeOf(view.licence.heard_at);
  const { heardAt } = standing;
  if (heardAt === undefined || (told !== undefined && told >= heardAt)) return;
  await options.provider.retryBilling({ tenant }, referenceOf(view.licence));
  await keep(settling, { heard_at: heardAt });
}

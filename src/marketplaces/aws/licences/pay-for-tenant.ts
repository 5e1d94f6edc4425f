import { isLiving } from "./chain.ts";
import { timeOf } from "./licence.ts";
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
  if (tenant === null || standing.startedAt === undefined) return;
  if (licence.bills_from !== null && (standing.state !== "active" || !isLiving(tenant.state))) return;
  if (product.model === "contract-with-consumption" && licence.entitlements === null) return;
  const from = await payFrom(settling);
  await options.provider.billTo({ tenant: tenant.id }, payerOf(settling.view.licence, product, from));
  await tellNews(settling, tenant.id);
}

/** Worked out once for each span in which the licence pays, and kept. */
async function payFrom(settling: Settling): Promise<Date> {
  const { view, standing, now } = settling;
  const { bills_from, billing_ended_at } = view.licence;
  const startedAt = standing.startedAt ?? now;
  const ended = timeOf(billing_ended_at);
  const kept = ended === undefined ? timeOf(bills_from) : undefined;
  if (kept !== undefined && (isTakeover(settling) || kept <= startedAt)) return kept;
  const from = isTakeover(settling) ? nextHour(now) : startedAt;
  await keep(settling, { bills_from: from, billing_ended_at: null });
  return from;
}

/** The tenant has been paid for by the older generation. */
function isTakeover({ view: { licence, tenant, relatives } }: Settling): boolean {
  return (
    licence.generation === "licence" &&
    relatives.some((one) => one.tenant === tenant?.id && one.generation === "legacy" && one.state !== "ended")
  );
}

const nextHour = (now: Date): Date => new Date(Math.floor(now.getTime() / HOUR_MS + 1) * HOUR_MS);

/** Records that AWS refused with "not subscribed" are tried again once something newer has been heard. */
async function tellNews(settling: Settling, tenant: string): Promise<void> {
  const { options, view, standing } = settling;
  const told = timeOf(view.licence.heard_at);
  const { heardAt } = standing;
  if (heardAt === undefined || (told !== undefined && told >= heardAt)) return;
  await options.provider.retryBilling({ tenant }, referenceOf(view.licence));
  await keep(settling, { heard_at: heardAt });
}

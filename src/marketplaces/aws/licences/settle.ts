import { retryDelay } from "../../../deliveries/deliveries.ts";
import type { AwsOptions } from "../options.ts";
import { findProduct } from "../section.ts";
import { endPurchase } from "./end-purchase.ts";
import { followEntitlements, includeEntitled, learnEntitlements } from "./follow-entitlements.ts";
import { learnAgreement } from "./learn-agreement.ts";
import { claimLicences, type LicenceView } from "./licence.ts";
import { payForTenant } from "./pay-for-tenant.ts";
import { placeTenant } from "./place-tenant.ts";
import { LeaseLost, type Settling } from "./settling.ts";
import { stand, standingIn } from "./stand.ts";

/**
 * Does for one licence whatever is missing: learns of it from AWS, finds or makes its tenant, lets it pay, brings plan and
 * limits up to date, and ends it. Each step looks at what is there and may be repeated: a crash anywhere leaves a state
 * from which the next go ends at the same. Says false when another process is at it, or there is no such licence.
 */
export async function settleLicence(options: AwsOptions, key: string): Promise<boolean> {
  const [view] = await claimLicences(options.store, options.clock.now(), { key });
  if (view === undefined) return false;
  await settleClaimed(options, view);
  return true;
}

/** Licences that are due, leased to the caller, who settles each by `settleClaimed`. */
export function dueLicences({ store, clock }: AwsOptions, atMost: number): Promise<readonly LicenceView[]> {
  return claimLicences(store, clock.now(), { atMost });
}

/** Settles a licence whose lease is ours. A fault is written down and tried again later. */
export async function settleClaimed(options: AwsOptions, view: LicenceView): Promise<void> {
  const { licence } = view;
  const now = options.clock.now();
  try {
    const dueAt = await settle(options, view, now);
    await leave(options, view, dueAt ?? null, true);
  } catch (fault) {
    if (fault instanceof LeaseLost) return;
    options.logger.warn({ err: fault, licence: licence.key, attempt: licence.tries }, "a licence is not settled yet");
    const dueAt = new Date(now.getTime() + retryDelay(licence.tries) * 1_000);
    await leave(options, view, dueAt, false);
  }
}

async function leave({ store, clock }: AwsOptions, { licence }: LicenceView, dueAt: Date | null, settled: boolean) {
  await store.throughDoor({
    text: "select aws_leave_licence($1, $2, $3, $4, $5, $6)",
    values: [licence.key, licence.lease, licence.news, dueAt, settled, clock.now()],
    repeatable: true,
  });
}

async function settle(options: AwsOptions, view: LicenceView, now: Date): Promise<Date | undefined> {
  const product = findProduct(options.section, { productCode: view.licence.product_code });
  if (product === undefined) return undefined;
  const settling: Settling = { options, product, now, view, standing: standingIn(view, product), dueAt: undefined };
  await stand(settling);
  await learnEntitlements(settling);
  await placeTenant(settling);
  await includeEntitled(settling);
  await payForTenant(settling);
  await followEntitlements(settling);
  await endPurchase(settling);
  await enrich(settling);
  return settling.dueAt;
}

/** What is still unknown of the agreement, once nothing of its own waits for it any more. */
async function enrich(settling: Settling): Promise<void> {
  const { standing, view } = settling;
  const isWaitedFor =
    view.tenant !== null && view.relatives.some((one) => one.state === "active" && one.tenant === null);
  if (standing.state === "active" || isWaitedFor) await learnAgreement(settling);
}

import type { Agreement } from "../model/agreement.ts";
import { licenceState } from "../model/agreements.ts";
import { isContract } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { agreementAmended, agreementCreated, agreementEnded, licenceDeprovisioned, licenceUpdated } from "./events.ts";
import type { Draft } from "./message.ts";
import { entitlementNotice, subscriptionNotice } from "./notices.ts";

/** Who is told by what: the licence generation by events, a legacy customer by notices, one that moved by both. */
function told(
  agreement: Agreement,
  ways: { readonly events: () => Draft[]; readonly notices: () => Draft[] },
): Draft[] {
  const events = agreement.generation === "licence" ? ways.events() : [];
  const notices = agreement.customerIdentifier !== null ? ways.notices() : [];
  return [...events, ...notices];
}

export function acceptance(aws: Aws, agreement: Agreement): Draft[] {
  return told(agreement, { events: () => [agreementCreated(aws, agreement)], notices: () => [] });
}

/** The licence came into force, or could not. */
export function beginning(aws: Aws, agreement: Agreement): Draft[] {
  if (licenceState(agreement, aws.clock.now()) === "failed")
    return told(agreement, { events: () => [], notices: () => [subscriptionNotice(agreement, "subscribe-fail")] });
  return told(agreement, {
    events: () => [licenceUpdated(aws, agreement)],
    notices: () =>
      agreement.intent === "NEW"
        ? [subscriptionNotice(agreement, "subscribe-success"), ...ofContract(agreement)]
        : ofContract(agreement),
  });
}

export function amendment(aws: Aws, agreement: Agreement): Draft[] {
  return told(agreement, {
    events: () => [agreementAmended(aws, agreement), licenceUpdated(aws, agreement)],
    notices: () => ofContract(agreement),
  });
}

/** An end for good: a legacy customer is only announced to leave, and leaves an hour later. */
export function ending(aws: Aws, agreement: Agreement): Draft[] {
  return told(agreement, {
    events: () => [agreementEnded(aws, agreement), licenceDeprovisioned(aws, agreement)],
    notices: () => [subscriptionNotice(agreement, "unsubscribe-pending"), ...ofContract(agreement)],
  });
}

/** The old half of a renewal or replacement: to a legacy customer nothing ends. */
export function succession(aws: Aws, agreement: Agreement): Draft[] {
  return told(agreement, {
    events: () => [agreementEnded(aws, agreement), licenceDeprovisioned(aws, agreement)],
    notices: () => [],
  });
}

/** The agreement tells its licence from now on. */
export function moving(aws: Aws, agreement: Agreement): Draft[] {
  return [licenceUpdated(aws, agreement)];
}

export function leaving(agreement: Agreement): Draft[] {
  return [subscriptionNotice(agreement, "unsubscribe-success")];
}

function ofContract(agreement: Agreement): Draft[] {
  return isContract(agreement.product) ? [entitlementNotice(agreement)] : [];
}

import type { Fact } from "./fact.ts";
import { flagged, ignored, type JsonObject, type Reading, textIn, withoutGaps } from "./reading.ts";

const actions: Readonly<Record<string, Fact>> = {
  "subscribe-success": "began",
  "subscribe-fail": "failed",
  "unsubscribe-pending": "ending",
  "unsubscribe-success": "ended",
  "entitlement-updated": "changed",
};

/**
 * A message of the two SNS topics of an older product. (Seller guide, "Amazon SNS notifications for SaaS products".) It
 * names the product and the customer, and no licence: a customer's agreements cannot be told apart by it.
 */
export function readNotice(notice: JsonObject, at: Date): Reading {
  const action = textIn(notice, "action");
  if (action === undefined) return flagged("Neither an event nor a notification: it has no action.");
  const fact = Object.hasOwn(actions, action) ? actions[action] : undefined;
  if (fact === undefined) return ignored(`An action that is not known: ${action.slice(0, 100)}.`);
  const customer = textIn(notice, "customer-identifier", "CustomerIdentifier");
  const productCode = textIn(notice, "product-code", "ProductCode");
  if (customer === undefined || productCode === undefined)
    return flagged("A notification without customer or product.");
  const offer = textIn(notice, "offer-identifier", "OfferIdentifier");
  const trial = isTrue(notice["isFreeTrialTermPresent"]);
  return { kind: "fact", said: { fact, at, about: withoutGaps({ offer, trial }), customer, productCode } };
}

/** Documented as the text "true". */
const isTrue = (value: unknown): true | undefined => (value === true || value === "true" ? true : undefined);

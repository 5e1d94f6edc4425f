import type { JsonObject } from "../../json.ts";
import type { Agreement } from "../model/agreement.ts";
import type { Draft } from "./message.ts";

/** The account that owns the topics. */
const TOPIC_OWNER = "287250355862";

export type SubscriptionAction = "subscribe-success" | "subscribe-fail" | "unsubscribe-pending" | "unsubscribe-success";

export function subscriptionTopic(productCode: string): string {
  return `arn:aws:sns:us-east-1:${TOPIC_OWNER}:aws-mp-subscription-notification-${productCode}`;
}

export function entitlementTopic(productCode: string): string {
  return `arn:aws:sns:us-east-1:${TOPIC_OWNER}:aws-mp-entitlement-notification-${productCode}`;
}

export function subscriptionNotice(agreement: Agreement, action: SubscriptionAction): Draft {
  return notice(agreement, subscriptionTopic(agreement.product.code), {
    action,
    ...customerOf(agreement),
    "offer-identifier": agreement.offerId,
    isFreeTrialTermPresent: String(agreement.trialDays !== null),
  });
}

/** Says the same of every change: what it is has to be asked. */
export function entitlementNotice(agreement: Agreement): Draft {
  const body = { action: "entitlement-updated", ...customerOf(agreement) };
  return notice(agreement, entitlementTopic(agreement.product.code), body);
}

function customerOf({ customerIdentifier, product }: Agreement): JsonObject {
  return { "customer-identifier": customerIdentifier, "product-code": product.code };
}

function notice(agreement: Agreement, topic: string, body: JsonObject): Draft {
  return { channel: "sns", about: agreement.id, type: String(body["action"]), topic, body };
}

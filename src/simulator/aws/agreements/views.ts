import type { JsonObject } from "../../json.ts";
import type { Agreement } from "../model/agreement.ts";
import { onWire } from "../wire/answers.ts";

/** The members that a description and a search result share. */
function shared(agreement: Agreement): JsonObject {
  return {
    agreementId: agreement.id,
    acceptanceTime: agreement.acceptedAt,
    startTime: agreement.startsAt,
    endTime: agreement.endsAt,
    agreementType: "PurchaseAgreement",
    acceptor: { accountId: agreement.account },
    proposer: { accountId: agreement.proposer },
    proposalSummary: {
      resources: [{ id: agreement.product.id, type: "SaaSProduct" }],
      offerId: agreement.offerId,
    },
    status: agreement.status,
    initialAgreementId: agreement.initialId,
  };
}

export function agreementDescription(agreement: Agreement): JsonObject {
  return onWire({
    ...shared(agreement),
    estimatedCharges: { currencyCode: "USD", agreementValue: "0.00" },
    endTimeBehavior: endTimeBehavior(agreement),
  });
}

export function agreementSummary(agreement: Agreement): JsonObject {
  const behaviour = endTimeBehavior(agreement);
  return onWire({
    ...shared(agreement),
    lastUpdateTime: agreement.updatedAt,
    entitlements: [{ licenseArn: agreement.licenceArn }],
    endTimeBehaviorType: behaviour?.type,
    endTimeBehaviorReasonCode: behaviour?.reasonCode,
  });
}

/** Only an active agreement with an end date has one. */
export function endTimeBehavior({ status, endsAt, autoRenew, offerId }: Agreement) {
  if (status !== "ACTIVE" || endsAt === null) return undefined;
  if (autoRenew) return { type: "RENEW", reasonCode: undefined, renewalSummary: { offerId } };
  return { type: "EXPIRE", reasonCode: "NO_RENEWAL_TERM" };
}

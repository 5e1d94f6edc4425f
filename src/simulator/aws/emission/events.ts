import type { JsonObject } from "../../json.ts";
import { SELLER_ACCOUNT } from "../model/accounts.ts";
import type { Agreement } from "../model/agreement.ts";
import { isOurs } from "../model/agreements.ts";
import { newRequestId } from "../model/ids.ts";
import type { Aws } from "../model/world.ts";
import { HOME_REGION } from "../wire/regions.ts";
import type { Draft } from "./message.ts";

/** Pay as you go has no end, and the events say so by a date. */
const NO_END = "9999-01-01T00:00:00Z";

export function agreementCreated(aws: Aws, agreement: Agreement): Draft {
  const { id, intent, acceptedAt, startsAt, endsAt, offerId } = agreement;
  return agreementEvent(aws, agreement, "Purchase Agreement Created", {
    offer: { id: offerId },
    agreement: {
      id,
      intent,
      status: "ACTIVE",
      acceptanceTime: acceptedAt.toISOString(),
      startTime: startsAt.toISOString(),
      endTime: endsAt?.toISOString() ?? NO_END,
    },
  });
}

export function agreementAmended(aws: Aws, agreement: Agreement): Draft {
  const { detail, ...draft } = agreementCreated(aws, agreement).body;
  const { agreement: members, ...rest } = Object(detail);
  const body = { ...draft, detail: { ...rest, agreement: { ...members, intent: "AMEND" } } };
  return named(body, agreement, `Purchase Agreement Amended - ${roleOf(agreement)}`);
}

/** Neither offer nor product nor licence: only the agreement's id says whose end it is. */
export function agreementEnded(aws: Aws, agreement: Agreement): Draft {
  const { id, status } = agreement;
  return agreementEvent(aws, agreement, "Purchase Agreement Ended", { agreement: { id, status } });
}

export const licenceUpdated = (aws: Aws, agreement: Agreement): Draft =>
  licenceEvent(aws, agreement, "License Updated");

export const licenceDeprovisioned = (aws: Aws, agreement: Agreement): Draft =>
  licenceEvent(aws, agreement, "License Deprovisioned");

function agreementEvent(aws: Aws, agreement: Agreement, type: string, members: JsonObject): Draft {
  const resaleAuthorization = { id: isOurs(agreement) ? null : `resaleauthz-${agreement.id.slice(5, 18)}` };
  const body = envelope(aws, agreement, { ...members, resaleAuthorization });
  return named(body, agreement, `${type} - ${roleOf(agreement)}`);
}

/** The manufacturer gets these whoever sold. */
function licenceEvent(aws: Aws, agreement: Agreement, type: string): Draft {
  const { id, offerId, product, licenceArn } = agreement;
  const body = envelope(aws, agreement, {
    offer: { id: offerId },
    license: { arn: licenceArn },
    product: { id: product.id, code: product.code },
    agreement: { id },
  });
  return named(body, agreement, `${type} - Manufacturer`);
}

/** A seller that is both hears of its own sales as the proposer. */
function roleOf(agreement: Agreement): "Proposer" | "Manufacturer" {
  return isOurs(agreement) ? "Proposer" : "Manufacturer";
}

function named(body: JsonObject, agreement: Agreement, type: string): Draft {
  return { channel: "eventbridge", about: agreement.id, type, topic: null, body: { ...body, "detail-type": type } };
}

function envelope({ clock }: Aws, agreement: Agreement, members: JsonObject): JsonObject {
  return {
    version: "0",
    id: newRequestId(),
    "detail-type": "",
    source: "aws.agreement-marketplace",
    account: SELLER_ACCOUNT,
    time: clock.now().toISOString().replace(/\.\d+/, ""),
    region: HOME_REGION,
    resources: [`arn:aws:aws-marketplace::aws:agreement:${agreement.id}`],
    detail: {
      requestId: newRequestId(),
      catalog: "AWSMarketplace",
      acceptor: { accountId: agreement.account },
      proposer: { accountId: agreement.proposer },
      ...members,
    },
  };
}

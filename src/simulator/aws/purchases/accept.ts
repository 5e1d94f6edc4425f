import { acceptance, beginning } from "../emission/announce.ts";
import type { Draft } from "../emission/message.ts";
import { emit } from "../emission/outbox.ts";
import { RESELLER_ACCOUNT, SELLER_ACCOUNT } from "../model/accounts.ts";
import type { Agreement, Intent } from "../model/agreement.ts";
import { newAccountId, newAgreementId, newCustomerIdentifier, newLicenceArn, newOfferId } from "../model/ids.ts";
import type { Aws } from "../model/world.ts";
import { end } from "./end.ts";
import { endOfContract, type Order, wholeSecond } from "./order.ts";

/** Where an agreement comes from when it is not the first of its chain. */
export interface Origin {
  readonly intent: Intent;
  readonly initialId: string;
  readonly customerIdentifier: string | null;
}

/** The agreement an order makes, in force at its start. Nobody has been told yet. */
export function accept(aws: Aws, order: Order, origin?: Origin): Agreement {
  const { clock, state } = aws;
  const { product, generation, quantities, trialDays, start, months, autoRenew, paymentFails } = order;
  const id = newAgreementId();
  const account = order.account ?? newAccountId();
  const known = state.agreements.customerIdentifierOf(account, product.code);
  const legacyName = generation === "legacy" ? (known ?? newCustomerIdentifier()) : null;
  const now = wholeSecond(clock.now());
  const agreement: Agreement = {
    id,
    initialId: origin?.initialId ?? id,
    intent: origin?.intent ?? "NEW",
    product,
    offerId: newOfferId(),
    account,
    proposer: order.resold ? RESELLER_ACCOUNT : SELLER_ACCOUNT,
    generation,
    customerIdentifier: origin === undefined ? legacyName : origin.customerIdentifier,
    licenceArn: newLicenceArn(),
    acceptedAt: new Date(Math.min(start.getTime(), now.getTime())),
    startsAt: start,
    endsAt: endOfContract(product, start, months),
    trialDays,
    paymentFails,
    autoRenew,
    quantities,
    status: "ACTIVE",
    endedAt: null,
    updatedAt: now,
    suspended: false,
  };
  state.agreements.add(agreement);
  return agreement;
}

/** Tells of the agreement now, and of its licence now or when it comes into force. */
export async function announceStart(aws: Aws, agreement: Agreement, more: readonly Draft[] = []): Promise<void> {
  const { clock, state } = aws;
  const later = agreement.startsAt > clock.now();
  if (later)
    clock.at(agreement.startsAt, () => {
      if (aws.state === state && agreement.endedAt === null) void emit(aws, beginning(aws, agreement));
    });
  await emit(aws, [...acceptance(aws, agreement), ...(later ? [] : beginning(aws, agreement)), ...more]);
}

/** At its end date an agreement renews itself, or expires. */
export function watchEndDate(aws: Aws, agreement: Agreement, renew: () => Promise<unknown>): void {
  const { clock, state } = aws;
  if (agreement.endsAt === null) return;
  clock.at(agreement.endsAt, () => {
    if (aws.state !== state || agreement.status !== "ACTIVE") return;
    void (agreement.autoRenew ? renew() : end(aws, agreement, "EXPIRED"));
  });
}

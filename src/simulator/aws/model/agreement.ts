import type { Product } from "./products.ts";

/** `licence`: several agreements at once, EventBridge. `legacy`: one customer identifier, SNS. */
export type Generation = "licence" | "legacy";
export type AgreementStatus = "ACTIVE" | "CANCELLED" | "EXPIRED" | "TERMINATED" | "RENEWED" | "REPLACED";
export type Intent = "NEW" | "RENEW" | "REPLACE";
/** What a buyer is entitled to of one dimension. */
export type EntitlementValue = number | boolean | string;

export interface Agreement {
  readonly id: string;
  /** The first of the chain of renewals and replacements. */
  readonly initialId: string;
  readonly intent: Intent;
  readonly product: Product;
  readonly offerId: string;
  /** The buyer. */
  readonly account: string;
  /** The account that made the offer: ours, or a reseller's. */
  readonly proposer: string;
  /** A legacy agreement that has moved tells its licence too. */
  generation: Generation;
  readonly customerIdentifier: string | null;
  readonly licenceArn: string;
  readonly acceptedAt: Date;
  readonly startsAt: Date;
  /** null = pay as you go, without an end. */
  readonly endsAt: Date | null;
  readonly trialDays: number | null;
  readonly paymentFails: boolean;
  autoRenew: boolean;
  quantities: ReadonlyMap<string, EntitlementValue>;
  status: AgreementStatus;
  endedAt: Date | null;
  updatedAt: Date;
  /** The buyer's account is blocked: nothing is metered. */
  suspended: boolean;
}

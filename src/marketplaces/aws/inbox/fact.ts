/**
 * What a message says of a purchase, whichever way and in whichever generation it came. A closed set:
 *
 * | fact | EventBridge | SNS |
 * |---|---|---|
 * | agreed | Purchase Agreement Created | |
 * | failed | | subscribe-fail |
 * | began | License Updated | subscribe-success |
 * | changed | Purchase Agreement Amended | entitlement-updated |
 * | superseded | Purchase Agreement Ended, RENEWED or REPLACED | |
 * | ending | Purchase Agreement Ended, any other status | unsubscribe-pending |
 * | ended | License Deprovisioned | unsubscribe-success |
 */
export const facts = ["agreed", "failed", "began", "changed", "superseded", "ending", "ended"] as const;
export type Fact = (typeof facts)[number];

/** What else a message said. Nothing but `intent` decides anything. */
export interface About {
  /** Of a new agreement: NEW, RENEW or REPLACE. */
  readonly intent?: string;
  /** Of an agreement that ended: CANCELLED, EXPIRED, … */
  readonly status?: string;
  readonly trial?: boolean;
  /** Found by asking, and not told by AWS. */
  readonly swept?: boolean;
  readonly start?: string;
  readonly end?: string;
  readonly offer?: string;
}

/** As much of a purchase's identity as one source knows. */
export interface LicenceIdentity {
  readonly key: string;
  readonly generation: "licence" | "legacy";
  readonly arn: string | null;
  readonly product_code: string | null;
  readonly product_id: string | null;
  readonly account: string | null;
  readonly customer: string | null;
  readonly agreement_id: string | null;
  readonly region: string;
}

/** What AWS calls a purchase: the licence's ARN, or the product and the customer where it has none. */
export function licenceKey(of: {
  readonly arn?: string | undefined;
  readonly productCode: string;
  readonly customer?: string | undefined;
}): string {
  return of.arn ?? `${of.productCode}:${of.customer ?? ""}`;
}

import type { Payer } from "../../../metering/billing.ts";
import { billingReference, lotOf, paceOf } from "../report/billing-reference.ts";
import type { ListedProduct } from "../section.ts";
import type { LicenceRow } from "./licence.ts";

const bills: Readonly<Record<ListedProduct["model"], Payer["bills"]>> = {
  subscription: "all",
  contract: "none",
  "contract-with-consumption": "excess",
};

export function referenceOf({ generation, arn, account, product_code, customer, region }: LicenceRow): string {
  return generation === "licence"
    ? billingReference({ generation, licenceArn: arn ?? "", accountId: account ?? "", region })
    : billingReference({ generation, productCode: product_code ?? "", customerIdentifier: customer ?? "", region });
}

interface Paying {
  readonly since: Date;
  /** The first hour it pays: later than its beginning where it takes over. */
  readonly from: Date;
}

/**
 * The licence as a payer; of those that take over in the same hour, the one that began last. All dimensions are metered
 * unless the product lists some.
 */
export function payerOf(licence: LicenceRow, product: ListedProduct, { since, from }: Paying): Payer {
  const { generation, region } = licence;
  const listed = product.dimensions?.flatMap(({ dimension }) => dimension ?? []) ?? [];
  return {
    billingReference: referenceOf(licence),
    lot: lotOf({ generation, region, productCode: product.code }),
    pace: paceOf({ region }),
    bills: bills[product.model],
    ...(since < from ? { from: since, firstHour: from } : { from }),
    ...(listed.length > 0 ? { dimensions: listed } : {}),
  };
}

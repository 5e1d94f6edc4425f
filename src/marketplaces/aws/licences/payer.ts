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

/** The licence as a payer. All dimensions are metered unless the product lists some. */
export function payerOf(licence: LicenceRow, product: ListedProduct, from: Date): Payer {
  const { generation, region } = licence;
  const listed = product.dimensions?.flatMap(({ dimension }) => dimension ?? []) ?? [];
  return {
    billingReference: referenceOf(licence),
    lot: lotOf({ generation, region, productCode: product.code }),
    pace: paceOf({ region }),
    bills: bills[product.model],
    from,
    ...(listed.length > 0 ? { dimensions: listed } : {}),
  };
}

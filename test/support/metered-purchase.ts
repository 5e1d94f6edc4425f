import type { UsageRecord } from "@aws-sdk/client-marketplace-metering";
import { openAws } from "./open-aws.ts";

export const BOUGHT_AT = "2026-05-10T08:20:00.000Z";
const NOW = "2026-05-10T12:05:00.000Z";
const HOUR = new Date("2026-05-10T10:00:00Z");

export interface Purchase {
  readonly agreement: string;
  readonly licence: string;
  readonly account: string;
  readonly customer: string;
  readonly product_code: string;
}

/** Bought at 08:20; it is 12:05 now. */
export async function openWithPurchase(model = "subscription", more: object = {}) {
  const aws = await openAws();
  await aws.at(BOUGHT_AT);
  const bought: Purchase = await aws.buy(model, more);
  await aws.at(NOW);
  return { aws, bought };
}

export function recordOf({ account, licence }: Purchase, more: Partial<UsageRecord> = {}): UsageRecord {
  return {
    Timestamp: HOUR,
    Dimension: "requests",
    Quantity: 7,
    CustomerAWSAccountId: account,
    LicenseArn: licence,
    ...more,
  };
}

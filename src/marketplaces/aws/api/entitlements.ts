import type { Entitlement as SdkEntitlement } from "@aws-sdk/client-marketplace-entitlement-service";
import type { Caller } from "./call.ts";
import { type Fetched, fetched } from "./fetched.ts";
import { allPages } from "./pages.ts";

/** One thing a buyer is entitled to. */
export interface Entitlement {
  /** AWS's name of the dimension. */
  readonly dimension: string;
  readonly value: number | boolean | string | undefined;
  /** The least moment until which it holds: with renewal on, no end. */
  readonly expiresAt?: Date;
  readonly licenceArn?: string;
}

/** Whose entitlements: of one licence where there is one, since those of several agreements of a buyer would mix. */
export interface EntitlementsOf {
  readonly productCode: string;
  readonly licenceArn?: string;
  readonly customer?: string;
  readonly account?: string;
}

const ENTITLEMENTS_MS = 15_000;
const A_PAGE = 25;

/** Everything on all pages; empty when a contract ended. (API reference, GetEntitlements.) */
export async function fetchEntitlements(
  caller: Caller,
  of: EntitlementsOf,
  signal?: AbortSignal,
): Promise<Fetched<Entitlement[]>> {
  const called = await caller.call({ ms: ENTITLEMENTS_MS, signal }, async (bound) => {
    const { GetEntitlementsCommand } = await import("@aws-sdk/client-marketplace-entitlement-service");
    const client = await caller.clients.entitlements();
    const question = { ProductCode: of.productCode, Filter: filterOf(of), MaxResults: A_PAGE };
    const found = await allPages(async (after) => {
      const command = new GetEntitlementsCommand({ ...question, ...(after === undefined ? {} : { NextToken: after }) });
      const answer = await client.send(command, { abortSignal: bound });
      return { items: answer.Entitlements ?? [], next: answer.NextToken };
    });
    return found.map(toEntitlement);
  });
  return fetched(called);
}

type FilterName = "LICENSE_ARN" | "CUSTOMER_IDENTIFIER" | "CUSTOMER_AWS_ACCOUNT_ID";

/** AWS takes only one of the customer's two names. */
function filterOf({ licenceArn, customer, account }: EntitlementsOf): Partial<Record<FilterName, string[]>> {
  if (licenceArn !== undefined) return { LICENSE_ARN: [licenceArn] };
  if (customer !== undefined) return { CUSTOMER_IDENTIFIER: [customer] };
  return account === undefined ? {} : { CUSTOMER_AWS_ACCOUNT_ID: [account] };
}

function toEntitlement(given: SdkEntitlement): Entitlement {
  const value = given.Value;
  return {
    dimension: given.Dimension ?? "",
    value: value?.IntegerValue ?? value?.DoubleValue ?? value?.BooleanValue ?? value?.StringValue,
    ...(given.ExpirationDate === undefined ? {} : { expiresAt: given.ExpirationDate }),
    ...(given.LicenseArn ? { licenceArn: given.LicenseArn } : {}),
  };
}

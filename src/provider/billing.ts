import {
  type BillingEnd,
  endPayer,
  type Included,
  type Payer,
  retryParked,
  setIncluded,
  setPayer,
} from "../metering/billing.ts";
import { getTenant, type TenantRef } from "../tenants/tenants.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";

export async function billTo(deps: Deps, ref: TenantRef, payer: Payer): Promise<void> {
  const { id, marketplace } = await getTenant(deps.store, ref);
  await setPayer(deps.store, id, marketplace, payer);
}

export async function endBilling(deps: Deps, ref: TenantRef, end: BillingEnd): Promise<void> {
  await endPayer(deps.store, await idOf(deps, ref), end, deps.reporting());
}

export async function include(deps: Deps, ref: TenantRef, included: Included): Promise<void> {
  await setIncluded(deps.store, await idOf(deps, ref), included);
}

export async function retryBilling(deps: Deps, ref: TenantRef, billingReference: string): Promise<void> {
  await retryParked(deps.store, await idOf(deps, ref), billingReference, deps.clock.now());
}

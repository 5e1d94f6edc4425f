import { ProviderError } from "../errors.ts";
import type { Operation } from "../operations/operations.ts";
import { getTenant, type Tenant, type TenantRef } from "../tenants/tenants.ts";
import type { Deps } from "./deps.ts";

/** The tenant's id; no look-up when the reference already holds it. */
export async function idOf(deps: Deps, ref: TenantRef): Promise<string> {
  return "tenant" in ref ? ref.tenant : (await getTenant(deps.store, ref)).id;
}

const gone = () => new ProviderError("tenant_gone", "This tenant has been deprovisioned.");

export function refuseGone(tenant: Tenant): void {
  if (tenant.state === "gone" || tenant.state === "deprovisioning") throw gone();
}

/** A change is cancelled only by the deprovision of its tenant. */
export function refuseCancelled(operation: Operation): void {
  if (operation.state === "cancelled") throw gone();
}

import { ProviderError } from "../errors.ts";
import type { Tenant, TenantRef } from "../tenants/tenants.ts";
import { beginChange, type ChangeAsked, isUnderWay, lockedTenant } from "./begin-change.ts";
import type { Outcome, Suspension, TenantCommand } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseCancelled } from "./ref.ts";
import { attempt } from "./run.ts";
import { waitFor } from "./wait.ts";

/** Keys are refused and the product is told; everything is kept. The second time is done and not fresh. */
export function suspend(deps: Deps, { ref, reason, ...asked }: Suspension): Promise<Outcome<Tenant>> {
  return switchTo(deps, ref, "suspended", {
    ...asked,
    kind: "suspend",
    event: "suspend.requested",
    target: { reason },
  });
}

/** Undoes `suspend`. The second time is done and not fresh. */
export function resume(deps: Deps, { ref, ...asked }: TenantCommand): Promise<Outcome<Tenant>> {
  return switchTo(deps, ref, "active", { ...asked, kind: "resume", event: "resume.requested", target: {} });
}

async function switchTo(
  deps: Deps,
  ref: TenantRef,
  wanted: "suspended" | "active",
  asked: ChangeAsked,
): Promise<Outcome<Tenant>> {
  const id = await idOf(deps, ref);
  const begun = await deps.store.asTenant(id, async (tx) => {
    const tenant = await lockedTenant(tx);
    const opposite = asked.kind === "suspend" ? "resume" : "suspend";
    if (tenant.state === wanted && !(await isUnderWay(tx, opposite))) return tenant;
    if (tenant.state !== "active" && tenant.state !== "suspended") {
      throw new ProviderError("operation_running", `This cannot be done while the tenant is ${tenant.state}.`);
    }
    return beginChange(deps, tx, tenant, asked);
  });
  if (!("operation" in begun)) return { kind: "done", fresh: false, value: begun };
  const { operation, tenant } = begun.ours
    ? await attempt(deps, begun, { budgetMs: deps.budgets.product, tellLater: false })
    : await waitFor(deps, id, begun.operation.id, deps.budgets.product);
  deps.aws?.forget(id);
  refuseCancelled(operation);
  return operation.state === "running"
    ? { kind: "running", operationId: operation.id, value: tenant }
    : { kind: "done", fresh: begun.ours, value: tenant };
}

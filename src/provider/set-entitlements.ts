import { findPlan } from "../catalog/catalog.ts";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { readTenant, type Tenant } from "../tenants/tenants.ts";
import { beginChange, type Change, isUnderWay, lockedTenant } from "./begin-change.ts";
import { ended, inTurn, refuseUnready } from "./change-plan.ts";
import type { Entitlements, Outcome } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseCancelled } from "./ref.ts";

/**
 * Plan and limits follow the marketplace. The limits count from the commit on; a plan counts once the product has taken
 * it, and the product is told of either by one change.
 */
export async function setEntitlements(deps: Deps, asked: Entitlements): Promise<Outcome<Tenant>> {
  if (findPlan(deps.catalog, asked.plan) === undefined)
    throw new ProviderError("plan_unknown", `There is no plan called ${asked.plan}.`);
  const id = await idOf(deps, asked.ref);
  const begun = await inTurn(deps, () => deps.store.asTenant(id, (tx) => begin(deps, tx, asked)));
  if (begun.change === undefined) return { kind: "done", fresh: begun.fresh, value: begun.tenant };
  const { operation, tenant } = await ended(deps, begun.change);
  if (operation.state === "refused")
    throw new ProviderError("plan_change_refused", operation.message ?? "The plan cannot be changed.");
  refuseCancelled(operation);
  return operation.state === "running"
    ? { kind: "running", operationId: operation.id, value: tenant }
    : { kind: "done", fresh: begun.change.ours, value: tenant };
}

interface Begun {
  readonly tenant: Tenant;
  readonly fresh: boolean;
  /** Absent when there is nothing to tell the product. */
  readonly change?: Change;
}

async function begin(deps: Deps, tx: Tx, asked: Entitlements): Promise<Begun> {
  const tenant = await lockedTenant(tx);
  refuseUnready(tenant);
  const limits = sorted(asked.limits);
  const sameLimits = sorted(tenant.limits ?? {}) === limits && tenant.limits !== null;
  const sameUntil = tenant.entitledUntil?.getTime() === asked.until?.getTime();
  const underWay = await isUnderWay(tx, "change_plan");
  const nothingToTell = tenant.plan === asked.plan && sameLimits && !underWay;
  if (nothingToTell && sameUntil) return { tenant, fresh: false };

  await tx.query("update tenants set limits = $1, entitled_until = $2, changed_at = $3", [
    limits,
    asked.until ?? null,
    deps.clock.now(),
  ]);
  const current = (await readTenant(tx)) ?? tenant;
  if (nothingToTell) return { tenant: current, fresh: true };
  const change = await beginChange(deps, tx, current, {
    by: asked.by,
    at: asked.at,
    request: asked.request,
    kind: "change_plan",
    event: tenant.plan === asked.plan ? "limits.changed" : "plan.change_requested",
    target: { plan: asked.plan, limits },
  });
  return { tenant: current, fresh: true, change };
}

/** One text for the same limits, whatever their order. */
function sorted(limits: Readonly<Record<string, number>>): string {
  return JSON.stringify(
    Object.fromEntries(Object.entries(limits).toSorted(([left], [right]) => (left < right ? -1 : 1))),
  );
}

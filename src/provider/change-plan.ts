import { setTimeout as sleep } from "node:timers/promises";
import { findPlan } from "../catalog/catalog.ts";
import { ProviderError } from "../errors.ts";
import type { Operation } from "../operations/operations.ts";
import type { Tenant } from "../tenants/tenants.ts";
import { beginChange, type Change, isUnderWay, lockedTenant } from "./begin-change.ts";
import { configVarsOf } from "./config-vars.ts";
import type { Outcome, PlanChange, Provisioned } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseCancelled } from "./ref.ts";
import { attempt } from "./run.ts";
import { waitFor } from "./wait.ts";

const LOOK_AGAIN_MS = 200;

export async function changePlan(deps: Deps, change: PlanChange): Promise<Outcome<Provisioned>> {
  if (findPlan(deps.catalog, change.plan) === undefined) {
    const known = deps.catalog.plans.map((plan) => plan.id).join(", ");
    throw new ProviderError("plan_unknown", `There is no plan called ${change.plan}. Plans: ${known}.`);
  }
  const id = await idOf(deps, change.ref);
  const begun = await inTurn(deps, () => begin(deps, id, change));
  if (begun.kind === "same") {
    return { kind: "done", fresh: false, value: { tenant: begun.tenant, config: await configVarsOf(deps, id) } };
  }
  const { operation, tenant } = await ended(deps, begun.change);
  if (operation.state === "refused") {
    throw new ProviderError("plan_change_refused", operation.message ?? "The plan cannot be changed.");
  }
  refuseCancelled(operation);
  const value = {
    tenant,
    config: await configVarsOf(deps, id),
    ...(operation.message === null ? {} : { message: operation.message }),
  };
  return operation.state === "running"
    ? { kind: "running", operationId: operation.id, value }
    : { kind: "done", fresh: begun.change.ours, value };
}

type Begun = { readonly kind: "same"; readonly tenant: Tenant } | { readonly kind: "change"; readonly change: Change };

function begin(deps: Deps, id: string, asked: PlanChange): Promise<Begun> {
  return deps.store.asTenant(id, async (tx) => {
    const tenant = await lockedTenant(tx);
    refuseUnready(tenant);
    const change = {
      ...asked,
      kind: "change_plan",
      event: "plan.change_requested",
      target: { plan: asked.plan },
    } as const;
    if (tenant.plan === asked.plan && !(await isUnderWay(tx, "change_plan"))) return { kind: "same", tenant };
    return { kind: "change", change: await beginChange(deps, tx, tenant, change) };
  });
}

/** A tenant that failed never changes; one that is being set up does so later. */
export function refuseUnready(tenant: Tenant): void {
  if (tenant.state === "failed")
    throw new ProviderError("plan_change_refused", "This purchase failed. Please remove it.");
  if (tenant.state === "provisioning") {
    throw new ProviderError("operation_running", "This is still being set up. Please try again in a moment.", {
      retryAfter: 10,
    });
  }
}

/**
 * Another change of the same tenant is usually over in a moment: wait for its end, within bounds, before refusing. And a
 * COMMIT whose answer was lost may have begun this one: then the second look joins it.
 */
export async function inTurn<Begun>(deps: Deps, work: () => Promise<Begun>): Promise<Begun> {
  const until = performance.now() + deps.budgets.turn;
  for (;;) {
    try {
      return await work();
    } catch (fault) {
      const brief =
        fault instanceof ProviderError && (fault.code === "operation_running" || fault.code === "unavailable");
      if (!brief || performance.now() >= until) throw fault;
      await sleep(LOOK_AGAIN_MS);
    }
  }
}

export function ended(deps: Deps, change: Change): Promise<{ operation: Operation; tenant: Tenant }> {
  return change.ours
    ? attempt(deps, change, { budgetMs: deps.budgets.product, tellLater: true })
    : waitFor(deps, change.tenant.id, change.operation.id, deps.budgets.product);
}

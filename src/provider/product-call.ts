import { limitsOf } from "../catalog/catalog.ts";
import type { Operation } from "../operations/operations.ts";
import type { ProductCall } from "../product/product.ts";
import type { Tenant } from "../tenants/tenants.ts";
import type { Deps } from "./deps.ts";

/** What the product is told about an operation. */
export function productCall(deps: Deps, operation: Operation, tenant: Tenant): ProductCall {
  const plan = typeof operation.target["plan"] === "string" ? operation.target["plan"] : tenant.plan;
  const reason = operation.target["reason"];
  return {
    ...callAbout(deps, tenant, plan, operation.id),
    ...(operation.kind === "change_plan" ? { previousPlan: tenant.plan } : {}),
    ...(typeof reason === "string" ? { reason } : {}),
  };
}

/** What the product is told about a provision it should undo. */
export function undoCall(deps: Deps, tenant: Tenant, operationId: string): ProductCall {
  return callAbout(deps, tenant, tenant.plan, operationId);
}

function callAbout(deps: Deps, tenant: Tenant, plan: string, operationId: string): ProductCall {
  return {
    operationId,
    tenant: {
      id: tenant.id,
      marketplace: tenant.marketplace,
      resourceId: tenant.resourceId,
      name: tenant.name,
      region: tenant.region,
      options: tenant.options,
    },
    plan,
    limits: limitsOf(deps.catalog, { plan, limits: tenant.limits }),
  };
}

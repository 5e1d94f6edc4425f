import { ABANDON_PROVISION, FINISH_PROVISION, type NewOwedCall, PUSH_CONFIG } from "../deliveries/deliveries.ts";
import type { EventType } from "../events/events.ts";
import type { Finish, Operation, OperationKind, OwedJson } from "../operations/operations.ts";
import type { ProductAnswer } from "../product/product.ts";
import { after, type Tenant, type TenantChange, type TenantState } from "../tenants/tenants.ts";
import { sealProductConfig } from "./config-vars.ts";
import type { Deps } from "./deps.ts";
import { PRODUCT } from "./tell-product.ts";

/** What the end of each kind of operation does to the tenant, and what it is called among the lifecycle events. */
const ends: Readonly<Record<OperationKind, { change: TenantChange; event: EventType }>> = {
  provision: { change: "provisionDone", event: "provision.done" },
  change_plan: { change: "planChanged", event: "plan.changed" },
  suspend: { change: "suspendDone", event: "suspended" },
  resume: { change: "resumeDone", event: "resumed" },
  rotate: { change: "rotated", event: "credential.rotated" },
  deprovision: { change: "deprovisionDone", event: "deprovisioned" },
};

export const DEADLINE_PASSED = "This could not be completed in time. You have not been charged. Please try again.";

export function finishDone(deps: Deps, operation: Operation, tenant: Tenant, answer: ProductAnswer): Finish {
  const { change, event } = ends[operation.kind];
  const plan = operation.kind === "change_plan" ? String(operation.target["plan"]) : undefined;
  return {
    state: "done",
    to: stateAfter(tenant, change),
    reason: operation.kind === "suspend" ? String(operation.target["reason"]) : null,
    ...(plan === undefined ? {} : { plan }),
    ...(answer.message === undefined ? {} : { message: answer.message }),
    ...(answer.config === undefined ? {} : { productConfigSealed: sealProductConfig(deps, tenant, answer.config) }),
    erase: operation.kind === "deprovision",
    // Changed limits of the same plan were told when they were asked for.
    events: plan === tenant.plan ? [] : [{ type: event, data: eventData(operation, tenant, plan) }],
    ...owedAtEnd(deps, operation, tenant),
  };
}

function stateAfter(tenant: Tenant, change: TenantChange): TenantState {
  const state = after(tenant.state, change);
  if (state === undefined) throw new Error(`${change} cannot happen to a tenant that is ${tenant.state}.`);
  return state;
}

function eventData(operation: Operation, tenant: Tenant, plan: string | undefined): Readonly<Record<string, unknown>> {
  if (plan !== undefined) return { operation: operation.id, from: tenant.plan, to: plan };
  return { operation: operation.id, ...("kind" in operation.target ? { kind: operation.target["kind"] } : {}) };
}

/** A rotation is always pushed; a provision or plan change only when the marketplace was told "not yet". */
function owedAtEnd(deps: Deps, operation: Operation, tenant: Tenant): Pick<Finish, "owed" | "owedIfTold"> {
  const push = owed(deps, tenant, PUSH_CONFIG);
  switch (operation.kind) {
    case "rotate":
      return { owed: push };
    case "change_plan":
      return { owedIfTold: push };
    case "provision":
      return { owedIfTold: [...push, ...owed(deps, tenant, FINISH_PROVISION)] };
    default:
      return {};
  }
}

/** The call, if the marketplace of the tenant has the ability it needs. */
export function owed(deps: Deps, tenant: Pick<Tenant, "marketplace">, kind: string): readonly OwedJson[] {
  const { pushesConfig, wantsCompletion } = deps.abilitiesOf(tenant.marketplace);
  const able = kind === PUSH_CONFIG ? pushesConfig : wantsCompletion;
  return able ? [owedJson({ marketplace: tenant.marketplace, kind })] : [];
}

export function owedJson(call: NewOwedCall): OwedJson {
  return { lane: "main", ...call };
}

/** The product said "never". A provision fails for good and a plan stays; the rest is not for the product to refuse. */
export function finishRefused(deps: Deps, operation: Operation, tenant: Tenant, message: string): Finish | undefined {
  switch (operation.kind) {
    case "provision":
      return failed(deps, operation, tenant, "refused", message);
    case "change_plan":
      return {
        state: "refused",
        message,
        events: [
          { type: "plan.change_refused", data: { operation: operation.id, to: operation.target["plan"], message } },
        ],
      };
    default:
      return undefined;
  }
}

/** The marketplace's deadline has passed. The product is told to undo what it may have done. */
export function finishTooLate(deps: Deps, operation: Operation, tenant: Tenant): Finish {
  return {
    ...failed(deps, operation, tenant, "failed", DEADLINE_PASSED),
    owed: [{ marketplace: PRODUCT, kind: "deprovision", lane: "product", payload: { operation: operation.id } }],
  };
}

function failed(
  deps: Deps,
  operation: Operation,
  tenant: Tenant,
  state: "refused" | "failed",
  message: string,
): Finish {
  return {
    state,
    message,
    to: stateAfter(tenant, "provisionRefused"),
    reason: message,
    erase: true,
    events: [{ type: "provision.refused", data: { operation: operation.id, message } }],
    owedIfTold: owed(deps, tenant, ABANDON_PROVISION),
  };
}

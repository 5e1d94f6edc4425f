import type { OperatorStore } from "../../../isolation/isolation.ts";
import { hurryUsage } from "../../../metering/explain.ts";
import type { Provider, TenantCommand } from "../../../provider/contract.ts";
import type { Tenant, TenantState } from "../../../tenants/tenants.ts";
import type { Role } from "../parts.ts";

export type ActName = "suspend" | "resume" | "rotate" | "change_plan" | "deprovision" | "retry" | "send_now" | "view";

/** What was filled in on the confirmation page. */
export interface Filled {
  readonly reason: string;
  readonly plan: string | undefined;
  readonly overlap: string | undefined;
}

interface ActCommand extends TenantCommand {
  readonly ref: { readonly tenant: string };
}

/** One thing an operator may do to a tenant. */
export interface Act {
  readonly title: string;
  readonly role: Role;
  /** What it comes to, before it is done. */
  readonly means: (tenant: Tenant, product: string) => string;
  /** In which states it makes sense. */
  readonly states: readonly TenantState[];
  readonly danger?: true;
  /** Who reads the reason. */
  readonly reason: string;
  /** What is still to be done once the wish is admitted. */
  readonly run?: (provider: Provider, command: ActCommand, filled: Filled, store: OperatorStore) => Promise<unknown>;
  /** Said on the page it leads back to. */
  readonly done: string;
  /** Where it is asked for and leads back to, below `/console`; the tenant's page when absent. */
  readonly home?: string;
}

/** Seconds for which old credentials work on, and what that is called. */
export const overlaps: ReadonlyMap<string, string> = new Map([
  ["7200", "2 hours"],
  ["86400", "a day"],
  ["604800", "a week"],
  ["0", "not at all: they end at once"],
]);

const SETTLED: readonly TenantState[] = ["active", "suspended"];
const LIVING: readonly TenantState[] = ["provisioning", "active", "suspended"];
const ALL: readonly TenantState[] = [...LIVING, "deprovisioning", "failed", "gone"];

export const acts: Readonly<Record<ActName, Act>> = {
  suspend: {
    title: "Suspend",
    role: "operator",
    means: (_, product) => `Every key of the tenant is refused at once, and ${product} is told. Nothing is deleted.`,
    states: ["active"],
    danger: true,
    reason: "The customer reads it on the dashboard.",
    run: (provider, command, { reason }) => provider.suspend({ ...command, reason }),
    done: "The tenant is being suspended.",
  },
  resume: {
    title: "Resume",
    role: "operator",
    means: (_, product) => `The suspension ends: keys work again, and ${product} is told.`,
    states: ["suspended"],
    reason: "It stands in the tenant's history, for operators.",
    run: (provider, command) => provider.resume(command),
    done: "The suspension is being ended.",
  },
  rotate: {
    title: "Rotate credentials",
    role: "operator",
    means: () =>
      "New credentials are made and go to the marketplace and the product. The old ones work on for the time you choose, never less than it takes for the new ones to arrive.",
    states: SETTLED,
    reason: "It stands in the tenant's history, for operators.",
    run: (provider, command, filled) =>
      provider.rotateCredentials({ ...command, overlapSeconds: Number(filled.overlap) }),
    done: "New credentials are active.",
  },
  change_plan: {
    title: "Change the plan",
    role: "operator",
    means: (_, product) =>
      `${product} gives what the other plan holds. The marketplace is not told: it bills what was bought there, until the customer changes that too.`,
    states: SETTLED,
    reason: "It stands in the tenant's history, for operators.",
    run: (provider, command, { plan = "" }) => provider.changePlan({ ...command, plan }),
    done: "The plan is being changed.",
  },
  deprovision: {
    title: "Deprovision",
    role: "operator",
    means: (_, product) =>
      `Every credential ends at once, ${product} removes what it keeps, and nothing owed is sent any more. It cannot be undone; the purchase over there does not end by it.`,
    states: [...LIVING, "failed"],
    danger: true,
    reason: "It stands in the tenant's history, for operators.",
    run: (provider, command) => provider.deprovision(command),
    done: "The tenant is being removed.",
  },
  retry: {
    title: "Try again now",
    role: "support",
    means: () =>
      "It becomes due this moment; a worker takes it within a second or two. What waits behind it goes on after it.",
    states: ALL,
    reason: "It stands in the tenant's history, for operators.",
    done: "It is due now.",
  },
  send_now: {
    title: "Send now",
    role: "operator",
    means: () =>
      "What waits of this tenant becomes due this moment, without waiting for a next try or for news of the purchase; a worker sends it. The dry run shows what that is. A record that was sent before goes out unchanged.",
    states: ALL,
    reason: "It stands in the tenant's history, for operators.",
    run: (_provider, { ref }, _filled, store) => hurryUsage(store, ref.tenant),
    done: "What waits is due now; a worker sends it within a second or two.",
    home: "metering",
  },
  view: {
    title: "View as customer",
    role: "support",
    means: () =>
      "You see the customer's dashboard for 30 minutes. Nothing can be changed or revealed there. The customer sees that you looked, and why.",
    states: LIVING,
    reason: "The customer reads it in the activity.",
    done: "",
  },
};

/** Where an act is asked for, and where it leads back to. */
export const homeOf = (tenant: string, act: ActName): string => `/console/${acts[act].home ?? "tenants"}/${tenant}`;

export function isAct(name: unknown): name is ActName {
  return typeof name === "string" && Object.hasOwn(acts, name);
}

export function isOverlap(chosen: string | undefined): chosen is string {
  return chosen !== undefined && overlaps.has(chosen);
}

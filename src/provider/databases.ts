import type { Operation } from "../operations/operations.ts";
import type { Deps } from "./deps.ts";
import { within } from "./within.ts";

/** Whether purchases come with a login to a database. */
export const givesDatabases = ({ declarations }: Pick<Deps, "declarations">): boolean =>
  declarations.some(({ kind }) => kind === "postgres");

/**
 * Makes the tenants' server follow an operation; in words what kept it from that. A plan counts there once the product
 * has taken it.
 */
export async function databaseFault(deps: Deps, { kind, tenant }: Operation): Promise<string | undefined> {
  if (deps.databases === undefined || !givesDatabases(deps) || kind === "change_plan") return undefined;
  const { databases, budgets } = deps;
  try {
    await within(budgets.databases, () => databases.settle(tenant));
    return undefined;
  } catch (fault) {
    return fault instanceof Error ? fault.message : "The tenants' database server failed.";
  }
}

/** What was written about a tenant counts on the server at once; what keeps it from that is tried again by a worker. */
export async function followRows(deps: Deps, tenant: string): Promise<void> {
  if (!givesDatabases(deps)) return;
  await deps.databases?.settle(tenant).catch(() => undefined);
}

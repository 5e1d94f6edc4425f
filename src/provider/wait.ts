import { setTimeout as sleep } from "node:timers/promises";
import { ProviderError } from "../errors.ts";
import { findOperation, type Operation, tellLater } from "../operations/operations.ts";
import { readTenant, type Tenant } from "../tenants/tenants.ts";
import type { Deps } from "./deps.ts";

const FIRST_LOOK_MS = 20;
const SLOWEST_LOOK_MS = 250;

/**
 * Waits for an operation that somebody else runs. When it is still running after `budgetMs`, that is written down, so
 * that its end is told to the marketplace: whoever asked gets "not yet".
 */
export async function waitFor(
  deps: Deps,
  tenant: string,
  id: string,
  budgetMs: number,
): Promise<{ operation: Operation; tenant: Tenant }> {
  const until = performance.now() + budgetMs;
  for (let pause = FIRST_LOOK_MS; performance.now() < until; pause = Math.min(pause * 1.5, SLOWEST_LOOK_MS)) {
    await sleep(pause);
    const now = await look(deps, tenant, id, findOperation);
    if (now.operation.state !== "running") return now;
  }
  return look(deps, tenant, id, tellLater);
}

function look(
  deps: Deps,
  tenant: string,
  id: string,
  read: typeof findOperation,
): Promise<{ operation: Operation; tenant: Tenant }> {
  return deps.store.asTenant(tenant, async (tx) => {
    const operation = await read(tx, id);
    const row = await readTenant(tx);
    if (operation === undefined || row === undefined)
      throw new ProviderError("tenant_not_found", "There is no such tenant.");
    return { operation, tenant: row };
  });
}

import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent, type EventType } from "../events/events.ts";
import { type Operation, type OperationKind, runningOperation, startOperation } from "../operations/operations.ts";
import { readTenant, type Tenant } from "../tenants/tenants.ts";
import type { Command } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { refuseGone } from "./ref.ts";

export interface ChangeAsked extends Command {
  readonly kind: OperationKind;
  readonly event: EventType;
  readonly target: Readonly<Record<string, unknown>>;
}

export interface Change {
  readonly operation: Operation;
  readonly tenant: Tenant;
  /** This call holds the operation's lease and must run it; otherwise the same change runs already. */
  readonly ours: boolean;
}

/** The tenant under lock, refused when there is none or it is gone. */
export async function lockedTenant(tx: Tx): Promise<Tenant> {
  const tenant = await readTenant(tx, "lock");
  if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  refuseGone(tenant);
  return tenant;
}

/** Such a change runs: the state it leaves is still the tenant's, but no longer what was asked for last. */
export async function isUnderWay(tx: Tx, kind: OperationKind): Promise<boolean> {
  return (await runningOperation(tx))?.kind === kind;
}

/**
 * Starts an operation on a tenant that is locked in this transaction. The same change already running is joined;
 * another one is `operation_running`: changes of one tenant happen one after the other.
 */
export async function beginChange(deps: Deps, tx: Tx, tenant: Tenant, asked: ChangeAsked): Promise<Change> {
  const running = await runningOperation(tx);
  if (running !== undefined) {
    if (running.kind === asked.kind && sameTarget(running.target, asked.target))
      return { operation: running, tenant, ours: false };
    throw new ProviderError("operation_running", "Another change is under way. Please try again in a moment.", {
      retryAfter: 10,
    });
  }
  const now = deps.clock.now();
  const operation = await startOperation(
    tx,
    {
      tenant: tenant.id,
      kind: asked.kind,
      target: asked.target,
      by: asked.by,
      at: asked.at,
      request: asked.request,
    },
    now,
  );
  await appendEvent(
    tx,
    tenant.id,
    { type: asked.event, by: asked.by, at: asked.at, data: { operation: operation.id, ...asked.target } },
    now,
  );
  return { operation, tenant, ours: true };
}

function sameTarget(left: Readonly<Record<string, unknown>>, right: Readonly<Record<string, unknown>>): boolean {
  const keys = new Set([...Object.keys(left), ...Object.keys(right)]);
  return [...keys].every((key) => left[key] === right[key]);
}

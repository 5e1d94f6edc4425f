import { revokeCredentials } from "../credentials/credentials.ts";
import type { Tx } from "../db/db.ts";
import { cancelOwedCalls } from "../deliveries/deliveries.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import { isTenantId } from "../isolation/isolation.ts";
import { removeAlerts } from "../metering/alerts.ts";
import { cancelRunning, startOperation } from "../operations/operations.ts";
import { after, findTenant, forestallProvision, type Tenant, type TenantRef } from "../tenants/tenants.ts";
import { lockedTenant } from "./begin-change.ts";
import type { Outcome, TenantCommand } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { attempt } from "./run.ts";

/**
 * Ends a tenant in any living state. When this resolves its credentials are refused, its sessions are over, whatever ran
 * is cancelled and nothing owed to the marketplace will be sent; telling the product may still be under way.
 * A purchase that was never heard of is `tenant_not_found`, and its provision is refused when it comes after this.
 */
export async function deprovision(deps: Deps, command: TenantCommand): Promise<Outcome<Tenant>> {
  const id = await idToEnd(deps, command.ref);
  const begun = await deps.store.asTenant(id, (tx) => begin(deps, tx, command));
  deps.aws?.forget(id);
  // An attempt that was cancelled may still be inside the product: the worker waits for its lease before it goes on.
  if (begun.operation.lease === null) return { kind: "running", operationId: begun.operation.id, value: begun.tenant };
  const { operation, tenant } = await attempt(deps, begun, { budgetMs: deps.budgets.parting, tellLater: false });
  return operation.state === "running"
    ? { kind: "running", operationId: operation.id, value: tenant }
    : { kind: "done", fresh: true, value: tenant };
}

/** A provision whose caller gave up may still be on its way here when the removal comes. */
async function idToEnd({ store, clock }: Deps, ref: TenantRef): Promise<string> {
  if ("tenant" in ref) return ref.tenant;
  const known = (await findTenant(store, ref))?.id;
  const id = known ?? (isTenantId(ref.resourceId) ? undefined : await forestallProvision(store, ref, clock.now()));
  if (id === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  return id;
}

async function begin(deps: Deps, tx: Tx, command: TenantCommand) {
  const tenant = await lockedTenant(tx);
  const now = deps.clock.now();
  const busy = await cancelRunning(tx, now);
  const operation = await startOperation(
    tx,
    {
      tenant: tenant.id,
      kind: "deprovision",
      target: {},
      by: command.by,
      at: command.at,
      request: command.request,
      leased: !busy,
    },
    now,
  );
  const state = after(tenant.state, "deprovisionAsked") ?? "deprovisioning";
  await tx.query("update tenants set state = $2, changed_at = $3 where id = $1", [tenant.id, state, now]);
  await revokeCredentials(tx, tenant.id, now);
  await tx.query("delete from sessions where tenant_id = $1", [tenant.id]);
  await cancelOwedCalls(tx, tenant.id, now);
  await removeAlerts(tx);
  await appendEvent(
    tx,
    tenant.id,
    { type: "deprovision.requested", by: command.by, at: command.at, data: { operation: operation.id } },
    now,
  );
  return { operation, tenant: { ...tenant, state } };
}

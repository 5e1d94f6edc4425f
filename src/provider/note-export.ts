import { appendEvent } from "../events/events.ts";
import { lockedTenant } from "./begin-change.ts";
import type { TenantCommand } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";

/** Says in the tenant's history that somebody takes all its data along. */
export async function noteExport(deps: Deps, { ref, by, at }: TenantCommand): Promise<void> {
  const tenant = await idOf(deps, ref);
  await deps.store.asTenant(tenant, async (tx) => {
    await lockedTenant(tx);
    await appendEvent(tx, tenant, { type: "data.exported", by, at }, deps.clock.now());
  });
}

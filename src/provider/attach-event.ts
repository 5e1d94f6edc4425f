import { type Attached, attachExternal, type ExternalEvent } from "../events/external.ts";
import type { Deps } from "./deps.ts";

/** In the tenant's history once, whatever its state. */
export function attachEvent({ store, clock }: Deps, tenant: string, event: ExternalEvent): Promise<Attached> {
  return store.asTenant(tenant, (tx) => attachExternal(tx, event, "product", clock.now()));
}

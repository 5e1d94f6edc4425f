import { type Credential, liveCredentials, revokeCredentials } from "../credentials/credentials.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import { readTenant, type Tenant, type TenantRef } from "../tenants/tenants.ts";
import { lockedTenant } from "./begin-change.ts";
import type { Revocation } from "./contract.ts";
import { followRows } from "./databases.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseGone } from "./ref.ts";

export async function listCredentials(deps: Deps, ref: TenantRef): Promise<readonly Credential[]> {
  return deps.store.asTenant(await idOf(deps, ref), async (tx) => {
    const tenant = await readTenant(tx);
    if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
    refuseGone(tenant);
    return liveCredentials(tx);
  });
}

/** Refuses one credential from now on. An active one of a config var is not left without a successor: rotate with no overlap instead. */
export async function revokeCredential(deps: Deps, { ref, credential, by, at }: Revocation): Promise<Tenant> {
  const id = await idOf(deps, ref);
  const tenant = await deps.store.asTenant(id, async (tx) => {
    const tenant = await lockedTenant(tx);
    const [row] = await tx.query<{ state: string; named: boolean }>(
      "select state, name is not null as named from credentials where id::text = $1",
      [credential],
    );
    if (row === undefined) throw new ProviderError("credential_not_found", "There is no such credential.");
    if (row.state === "active" && !row.named) {
      throw new ProviderError(
        "request_malformed",
        "This credential is in use. Rotate it with an overlap of 0 to end it at once.",
      );
    }
    const now = deps.clock.now();
    const [revoked] = await revokeCredentials(tx, id, now, credential);
    if (revoked !== undefined) {
      const { kind, name, named } = revoked;
      const data = { credential, kind, ...(named ? { name } : { var: name }) };
      await appendEvent(tx, id, { type: "credential.revoked", by, at, data }, now);
    }
    return tenant;
  });
  await followRows(deps, id);
  return tenant;
}

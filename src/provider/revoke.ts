import { revokeCredentials } from "../credentials/credentials.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import type { Tenant } from "../tenants/tenants.ts";
import { lockedTenant } from "./begin-change.ts";
import type { Revocation } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";

/** Refuses one credential from now on. An active one is not left without a successor: rotate with no overlap instead. */
export async function revokeCredential(deps: Deps, { ref, credential, by, at }: Revocation): Promise<Tenant> {
  const id = await idOf(deps, ref);
  return deps.store.asTenant(id, async (tx) => {
    const tenant = await lockedTenant(tx);
    const [row] = await tx.query<{ state: string }>("select state from credentials where id::text = $1", [credential]);
    if (row === undefined) throw new ProviderError("request_malformed", "There is no such credential.");
    if (row.state === "active") {
      throw new ProviderError(
        "request_malformed",
        "This credential is in use. Rotate it with an overlap of 0 to end it at once.",
      );
    }
    const now = deps.clock.now();
    const [revoked] = await revokeCredentials(tx, id, now, credential);
    if (revoked !== undefined) {
      const data = { credential, kind: revoked.kind, var: revoked.name };
      await appendEvent(tx, id, { type: "credential.revoked", by, at, data }, now);
    }
    return tenant;
  });
}

import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import type { SignedIn } from "../sso/sso.ts";
import { findTenant, isThere, readTenant } from "../tenants/tenants.ts";
import type { VerifiedSignIn } from "./contract.ts";
import type { Deps } from "./deps.ts";

const refusal = () =>
  new ProviderError("signin_refused", "This sign-in link does not work (any more). Please open the dashboard again.");

/** Takes a verified sign-in once. Unknown, gone and failed tenants and a used token are refused alike. */
export async function signIn(deps: Deps, claim: VerifiedSignIn): Promise<SignedIn> {
  const tenant = await findTenant(deps.store, claim.ref);
  if (tenant === undefined) throw refusal();
  await deps.store.asTenant(tenant.id, async (tx) => {
    const locked = await readTenant(tx, "lock");
    if (locked === undefined || !isThere(locked.state)) throw refusal();
    const taken = await tx.query<{ digest: string }>(
      `insert into used_sign_ins (tenant_id, digest, expires_at) select $1, unnest($2::text[]), $3
       on conflict do nothing returning digest`,
      [tenant.id, claim.tokenDigests, claim.tokenEnds],
    );
    if (!taken.some(({ digest }) => digest === claim.tokenDigests[0])) throw refusal();
    await appendEvent(
      tx,
      tenant.id,
      { type: "signed_in", by: claim.by, at: claim.at, data: { email: claim.person.email } },
      deps.clock.now(),
    );
  });
  return { tenant: tenant.id, person: claim.person };
}

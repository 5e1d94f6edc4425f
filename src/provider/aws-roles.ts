import { ProviderError } from "../errors.ts";
import { appendAudit } from "../events/audit.ts";
import { mintTenantId, readTenant } from "../tenants/tenants.ts";
import { triedRole } from "./aws-credentials.ts";
import type { Command } from "./contract.ts";
import type { Deps } from "./deps.ts";

type Parts = Pick<Deps, "store" | "clock"> & { readonly aws: NonNullable<Deps["aws"]> };

export interface RoleSetting extends Command {
  readonly tenant: string;
  readonly roleArn: string;
  /** Number of the account that the role has to be in. */
  readonly account: string | undefined;
}

/**
 * From now on this tenant's credentials are those of a role of its own. It is tried before anything is written; answers its
 * account. The second time it is tried again. Throws `request_malformed` with the reason why a role cannot be.
 */
export async function setAwsRole({ store, clock, aws }: Parts, setting: RoleSetting): Promise<string> {
  const { tenant, roleArn, account, by, at } = setting;
  const there = () => store.asTenant(tenant, async (tx) => refuseAbsent((await readTenant(tx))?.state));
  await there();
  const attempt = () => aws.verifyTenantRole({ tenant, stranger: mintTenantId(), roleArn, account });
  const verdict = await triedRole({ store, clock }, tenant, { by, at }, roleArn, attempt);
  if (verdict.kind === "refused") throw new ProviderError("request_malformed", verdict.reason);
  await store.asTenant(tenant, async (tx) => {
    refuseAbsent((await readTenant(tx, "lock"))?.state);
    await aws.roles.set(tx, { tenant, roleArn, setBy: by, setAt: at });
    await appendAudit(tx, tenant, { action: "aws.role_set", by, at, data: { role: roleArn } }, clock.now());
  });
  aws.forget(tenant);
  return verdict.account;
}

/** This tenant's credentials are those of the role of all again. Throws `request_malformed` where it had none of its own. */
export async function removeAwsRole(
  { store, clock, aws }: Parts,
  { tenant, by, at }: Omit<RoleSetting, "roleArn" | "account">,
): Promise<void> {
  await store.asTenant(tenant, async (tx) => {
    const role = await aws.roles.remove(tx);
    if (role === undefined) throw new ProviderError("request_malformed", "This tenant has no role of its own.");
    await appendAudit(tx, tenant, { action: "aws.role_removed", by, at, data: { role } }, clock.now());
  });
  aws.forget(tenant);
}

function refuseAbsent(state: string | undefined): void {
  if (state === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  if (state === "gone") throw new ProviderError("tenant_gone", "This tenant is gone.");
}

import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendAudit } from "../events/audit.ts";
import type { AwsSession, RoleVerdict } from "../isolation/aws/aws.ts";
import { readTenant, type Tenant } from "../tenants/tenants.ts";
import type { AwsCredentialsAsked, Command } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseGone } from "./ref.ts";

const SHORTEST_S = 900;
const LONGEST_S = 3_600;
const STEP_S = 300;

/**
 * The state of the tenant is looked at for every request, whatever is kept in memory, and again when AWS has answered: a
 * tenant that was suspended meanwhile gets nothing. Nothing of AWS is called inside a transaction.
 */
export async function awsCredentials(deps: Deps, asked: AwsCredentialsAsked): Promise<AwsSession> {
  const seconds = secondsOf(asked.seconds);
  const { aws } = deps;
  if (aws === undefined || !deps.declarations.some(({ kind }) => kind === "aws"))
    throw new ProviderError("not_permitted", "This product gives no credentials of AWS.");
  const tenant = await idOf(deps, asked.ref);
  const { by, at } = asked;
  let roleArn: string | undefined;
  const { changedAt } = await entitled(deps, tenant, async (tx) => {
    roleArn = await aws.roles.read(tx);
  });
  const data = { seconds, ...(roleArn !== undefined && { role: roleArn }) };
  return aws.vend({
    tenant,
    roleArn,
    purpose: `${by} ${changedAt.toISOString()}`,
    seconds,
    confirm: async () => {
      await entitled(deps, tenant, async (tx) => {
        if ((await aws.roles.read(tx)) !== roleArn) throw changed();
        await appendAudit(tx, tenant, { action: "aws.assumed", by, at, data }, deps.clock.now());
      });
    },
    failed: (reason, untold) => tellFailed(deps, tenant, asked, { ...data, reason, ...(untold > 0 && { untold }) }),
  });
}

/** An attempt at a role that gave nothing, in the tenant's audit. `reason` holds no secret. */
export function tellFailed(
  { store, clock }: Pick<Deps, "store" | "clock">,
  tenant: string,
  { by, at }: Command,
  data: { readonly role?: string | null; readonly reason: string } & Readonly<Record<string, unknown>>,
): Promise<void> {
  return store.asTenant(tenant, (tx) =>
    appendAudit(tx, tenant, { action: "aws.assume_failed", by, at, data }, clock.now()),
  );
}

/** Tries a role. That it came to nothing is in the tenant's audit, whatever it is that is thrown or answered then. */
export async function triedRole(
  parts: Pick<Deps, "store" | "clock">,
  tenant: string,
  command: Command,
  role: string,
  attempt: () => Promise<RoleVerdict>,
): Promise<RoleVerdict> {
  const tell = (reason: string) => tellFailed(parts, tenant, command, { role, reason });
  const verdict = await attempt().catch(async (fault: unknown) => {
    if (fault instanceof ProviderError && fault.code.startsWith("aws_")) await tell(fault.message);
    throw fault;
  });
  if (verdict.kind === "refused") await tell(verdict.reason);
  return verdict;
}

/** The tenant, where it may have credentials now; else what is kept of its is forgotten. */
export async function entitled(deps: Deps, id: string, then?: (tx: Tx) => Promise<void>): Promise<Tenant> {
  try {
    return await deps.store.asTenant(id, async (tx) => {
      const tenant = await readTenant(tx);
      if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
      refuseGone(tenant);
      if (tenant.state === "suspended") throw new ProviderError("tenant_suspended", "This tenant is suspended.");
      if (tenant.state !== "active") throw new ProviderError("not_permitted", `This tenant is ${tenant.state}.`);
      await then?.(tx);
      return tenant;
    });
  } catch (fault) {
    deps.aws?.forget(id);
    throw fault;
  }
}

const changed = (): ProviderError =>
  new ProviderError("aws_unavailable", "The tenant's role was changed meanwhile. Please try again.", { retryAfter: 1 });

/** Rounded down, so that few sessions are kept for one tenant whatever is asked for. */
export function secondsOf(asked = SHORTEST_S): number {
  if (Number.isInteger(asked) && asked >= SHORTEST_S && asked <= LONGEST_S) return asked - (asked % STEP_S);
  throw new ProviderError("request_malformed", "The request is malformed.", {
    faults: [{ at: "/duration_seconds", message: `must be a whole number from ${SHORTEST_S} to ${LONGEST_S}` }],
  });
}

import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendAudit } from "../events/audit.ts";
import type { AwsSession } from "../isolation/aws/aws.ts";
import { readTenant, type Tenant } from "../tenants/tenants.ts";
import type { AwsCredentialsAsked } from "./contract.ts";
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
  return aws.vend({
    tenant,
    roleArn,
    purpose: `${by} ${changedAt.toISOString()}`,
    seconds,
    confirm: async () => {
      await entitled(deps, tenant, async (tx) => {
        if ((await aws.roles.read(tx)) !== roleArn) throw changed();
        const data = { seconds, ...(roleArn !== undefined && { role: roleArn }) };
        await appendAudit(tx, tenant, { action: "aws.assumed", by, at, data }, deps.clock.now());
      });
    },
  });
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

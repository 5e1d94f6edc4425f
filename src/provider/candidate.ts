import { randomUUID } from "node:crypto";
import { mintCredentials, type NewCredential } from "../credentials/credentials.ts";
import type { NewOwedCall } from "../deliveries/deliveries.ts";
import { OPERATION_LEASE_MS, type Operation } from "../operations/operations.ts";
import type { SealContext, SealedPlace } from "../secrets/secrets.ts";
import { mintTenantId, type Tenant } from "../tenants/tenants.ts";
import type { ProvisionRequest } from "./contract.ts";
import { givesDatabases } from "./databases.ts";
import type { Deps } from "./deps.ts";
import { owedJson } from "./finish.ts";

/** What is stored if the purchase is new; thrown away if it is a repeat. */
export interface Candidate {
  readonly tenant: Tenant;
  /** With a lease of ours, unless it is done at once. */
  readonly operation: Operation;
  readonly credentials: readonly NewCredential[];
}

export function candidateFor(deps: Deps, request: ProvisionRequest, digest: string): Candidate {
  const id = mintTenantId();
  const now = deps.clock.now();
  const { marketplace, resourceId, plan, region, name, options, facts = {}, kept = {} } = request;
  const tenant = { id, marketplace, resourceId, plan, region, name, requestDigest: digest, facts, options } as const;
  const keptSealed = Object.keys(kept).length === 0 ? null : deps.vault.seal(keptContext(id), JSON.stringify(kept));
  const times = { createdAt: now, changedAt: now, endedAt: null };
  const entitled = { limits: null, entitledUntil: null };
  return {
    tenant: {
      ...tenant,
      state: atOnce(deps) ? "active" : "provisioning",
      reason: null,
      keptSealed,
      productConfigSealed: null,
      ...entitled,
      ...times,
    },
    operation: operationFor(deps, request, id, now),
    credentials: mintCredentials(deps.mint, id, deps.declarations),
  };
}

const keptContext = (tenant: string): SealContext => ({ tenant, field: "kept", id: tenant });

export const keptPlace: SealedPlace = {
  place: "tenants.kept_sealed",
  contextOf: ([tenant = ""]) => keptContext(tenant),
};

/** Nobody has to be asked, and nothing has to be made. */
const atOnce = (deps: Deps): boolean => (deps.product.provisionsAtOnce ?? false) && !givesDatabases(deps);

function operationFor(deps: Deps, request: ProvisionRequest, tenant: string, now: Date): Operation {
  const { provisionDeadlineSeconds } = deps.abilitiesOf(request.marketplace);
  return {
    id: randomUUID(),
    tenant,
    kind: "provision",
    state: atOnce(deps) ? "done" : "running",
    target: { plan: request.plan },
    by: request.by,
    at: request.at,
    toldLater: false,
    attempts: 1,
    dueAt: now,
    lease: atOnce(deps) ? null : randomUUID(),
    deadlineAt: new Date(now.getTime() + provisionDeadlineSeconds * 1000),
    message: null,
    lastFault: null,
    createdAt: now,
  };
}

/** What `begin_provision` takes. */
export function candidateJson(
  { tenant, operation, credentials }: Candidate,
  { owed = [], request }: ProvisionRequest,
): string {
  return JSON.stringify({
    id: tenant.id,
    marketplace: tenant.marketplace,
    resource_id: tenant.resourceId,
    plan: tenant.plan,
    region: tenant.region,
    name: tenant.name,
    digest: tenant.requestDigest,
    options: tenant.options,
    facts: tenant.facts,
    kept_sealed: tenant.keptSealed,
    operation: operation.id,
    at_once: operation.state === "done",
    lease: operation.lease,
    lease_until: new Date(operation.createdAt.getTime() + OPERATION_LEASE_MS),
    deadline_at: operation.deadlineAt,
    by: operation.by,
    at: operation.at,
    request,
    credentials,
    owed: owedOnce(owed).map(owedJson),
  });
}

/** The first of each name: `begin_provision` numbers the calls as they come, and leaves out none that it numbered. */
function owedOnce(owed: readonly NewOwedCall[]): readonly NewOwedCall[] {
  return owed.filter(
    ({ once }, place) => once === undefined || owed.findIndex((other) => other.once === once) === place,
  );
}

import { createHash } from "node:crypto";
import { findPlan, servesRegion } from "../catalog/catalog.ts";
import { type CredentialJson, credentialFromJson, type RenderedCredential } from "../credentials/credentials.ts";
import { ProviderError } from "../errors.ts";
import { type Operation, type OperationJson, operationFromJson } from "../operations/operations.ts";
import { type Tenant, type TenantJson, tenantFromJson } from "../tenants/tenants.ts";
import { type Candidate, candidateFor, candidateJson } from "./candidate.ts";
import { configVarsFrom, configVarsOf } from "./config-vars.ts";
import type { Outcome, Provisioned, ProvisionRequest } from "./contract.ts";
import { givesDatabases } from "./databases.ts";
import type { Deps } from "./deps.ts";
import { refuseGone } from "./ref.ts";
import { attempt } from "./run.ts";
import { waitFor } from "./wait.ts";

interface Begun {
  readonly fresh: boolean;
  readonly tenant: Tenant;
  readonly operation: Operation;
  readonly credentials: readonly RenderedCredential[];
  /** This call holds the operation's lease and must run it. */
  readonly ours: boolean;
}

/**
 * One statement finds or makes the tenant (and is all, where there is no product to ask), then the product is asked, then one statement ends the operation. Whoever
 * repeats the request meanwhile waits for that end; a crash in between leaves an operation that a worker takes up after
 * the lease.
 */
export async function provision(deps: Deps, request: ProvisionRequest): Promise<Outcome<Provisioned>> {
  refuseUnknown(deps, request);
  const digest = digestOf(request);
  const begun = await begin(deps, request, digest);
  if (begun.tenant.requestDigest !== digest) {
    throw new ProviderError("request_conflict", "This id was provisioned before with another plan, region or options.");
  }
  const { operation, tenant } = await ended(deps, begun);
  if (tenant.state === "failed") throw refused(tenant);
  refuseGone(tenant);
  // What was read at the beginning still holds, but for the place of a database.
  const atHand = (begun.ours || begun.tenant.state !== "provisioning") && !givesDatabases(deps);
  const config = atHand ? configVarsFrom(deps, tenant, begun.credentials) : await configVarsOf(deps, tenant.id);
  const value = { tenant, config, ...(operation.message === null ? {} : { message: operation.message }) };
  return tenant.state === "provisioning"
    ? { kind: "running", operationId: operation.id, value: { tenant, config: {} } }
    : { kind: "done", fresh: begun.fresh, value };
}

function refuseUnknown(deps: Deps, request: ProvisionRequest): void {
  if (findPlan(deps.catalog, request.plan) === undefined) {
    const known = deps.catalog.plans.map((plan) => plan.id).join(", ");
    throw new ProviderError("plan_unknown", `There is no plan called ${request.plan}. Plans: ${known}.`);
  }
  if (request.region !== null && !servesRegion(deps.catalog, request.region)) {
    throw new ProviderError("region_unknown", `${deps.catalog.name} is not available in the region ${request.region}.`);
  }
}

/** Plan, region and options make a repeat the same; the name and the grant may differ. */
function digestOf(request: ProvisionRequest): string {
  const options = Object.entries(request.options).sort(([left], [right]) => (left < right ? -1 : 1));
  return createHash("sha256")
    .update(JSON.stringify([request.plan, request.region, options]))
    .digest("hex");
}

function refused(tenant: Tenant): ProviderError {
  return new ProviderError("product_refused", tenant.reason ?? "The provision was refused.");
}

async function begin(deps: Deps, request: ProvisionRequest, digest: string): Promise<Begun> {
  const candidate = candidateFor(deps, request, digest);
  const [row] = await deps.store.throughDoor<{ begin_provision: BeginJson }>({
    name: "begin_provision",
    text: "select begin_provision($1, $2)",
    values: [candidateJson(candidate, request), candidate.tenant.createdAt],
    // A connection cut here leaves it unknown whether the tenant was made. The same statement tells: an operation
    // that is ours says that it was.
    repeatable: true,
  });
  if (row === undefined) throw new Error("begin_provision gave no row.");
  return row.begin_provision.fresh ? made(candidate) : found(row.begin_provision, candidate);
}

type BeginJson =
  | { readonly fresh: true }
  | {
      readonly fresh: false;
      readonly tenant: TenantJson;
      readonly operation: OperationJson;
      readonly credentials: readonly CredentialJson[];
    };

function made({ tenant, operation, credentials }: Candidate): Begun {
  const active = credentials.map(({ id, kind, var: name = "", key_id: keyId, sealed }): RenderedCredential => {
    return { tenant: tenant.id, id, kind, name, named: false, keyId, sealed, state: "active" };
  });
  return { fresh: true, ours: operation.state === "running", tenant, operation, credentials: active };
}

/** One that was removed before it came here has no operation. */
function found({ operation, credentials, ...rest }: BeginJson & { fresh: false }, candidate: Candidate): Begun {
  const tenant = tenantFromJson(rest.tenant);
  refuseGone(tenant);
  return {
    fresh: operation.id === candidate.operation.id,
    ours: operation.lease !== null && operation.lease === candidate.operation.lease,
    tenant,
    operation: operationFromJson(operation),
    credentials: credentials.map(credentialFromJson),
  };
}

async function ended(deps: Deps, begun: Begun): Promise<{ operation: Operation; tenant: Tenant }> {
  if (begun.tenant.state !== "provisioning") return begun;
  if (begun.ours) return attempt(deps, begun, { budgetMs: deps.budgets.product, tellLater: true });
  return waitFor(deps, begun.tenant.id, begun.operation.id, deps.budgets.product);
}

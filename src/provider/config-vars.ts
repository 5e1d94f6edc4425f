import { findPlan, undeclaredConfigVars } from "../catalog/catalog.ts";
import {
  type ConfigVars,
  liveCredentials,
  type RenderedCredential,
  renderConfigVars,
} from "../credentials/credentials.ts";
import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendAudit } from "../events/audit.ts";
import { appendEvent } from "../events/events.ts";
import type { SealedPlace } from "../secrets/secrets.ts";
import { readTenant, type Tenant } from "../tenants/tenants.ts";
import type { TenantCommand } from "./contract.ts";
import { givesDatabases } from "./databases.ts";
import type { Deps } from "./deps.ts";
import { idOf, refuseGone } from "./ref.ts";

/**
 * Config vars from rows at hand: no round trip. The product's own come under the credentials'. `database` is the address
 * of the tenant's database, where it has one.
 */
export function configVarsFrom(
  deps: Deps,
  tenant: Tenant,
  credentials: readonly RenderedCredential[],
  database?: string,
): ConfigVars {
  return {
    ...productConfig(deps, tenant),
    ...renderConfigVars(deps.vault, tenant.id, deps.declarations, credentials, database),
  };
}

function productConfig(deps: Deps, tenant: Tenant): ConfigVars {
  if (tenant.productConfigSealed === null) return {};
  return JSON.parse(deps.vault.open(productConfigContext(tenant.id), tenant.productConfigSealed)) as ConfigVars;
}

export const productConfigPlace: SealedPlace = {
  place: "tenants.product_config_sealed",
  contextOf: ([tenant = ""]) => productConfigContext(tenant),
};

function productConfigContext(tenant: string) {
  return { tenant, field: "product-config", id: tenant };
}

/** Adds what the product answered to what it answered before. */
export function sealProductConfig(deps: Deps, tenant: Tenant, added: ConfigVars): string {
  return deps.vault.seal(productConfigContext(tenant.id), JSON.stringify({ ...productConfig(deps, tenant), ...added }));
}

/**
 * What is wrong with config vars the product answered, in words for the operator; nothing when they may leave.
 * An undeclared config var would make the whole purchase fail over there.
 */
export function configVarFault(deps: Deps, config: ConfigVars): string | undefined {
  const undeclared = undeclaredConfigVars(deps.catalog, Object.keys(config));
  if (undeclared.length > 0)
    return `The product answered config vars the manifest does not declare: ${undeclared.join(", ")}.`;
  const taken = deps.declarations.filter(({ name }) => name in config).map(({ name }) => name);
  if (taken.length > 0) return `The product answered config vars that credentials fill: ${taken.join(", ")}.`;
  return undefined;
}

export function configVarsOf(deps: Deps, tenant: string): Promise<ConfigVars> {
  return deps.store.asTenant(tenant, async (tx) => {
    const found = await readTenant(tx);
    if (found === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
    refuseGone(found);
    return configVarsFrom(deps, found, await liveCredentials(tx), await databaseAddress(deps, tx, found));
  });
}

/** Where the tenant's data are now: a move changes this and no password. */
export async function databaseAddress(deps: Deps, tx: Tx, { id, plan }: Tenant): Promise<string | undefined> {
  if (!givesDatabases(deps)) return undefined;
  return deps.databases?.addressOf(tx, id, findPlan(deps.catalog, plan)?.isolation ?? "pool");
}

export async function revealConfigVar(deps: Deps, command: TenantCommand, name: string): Promise<string> {
  const tenant = await idOf(deps, command.ref);
  const value = (await configVarsOf(deps, tenant))[name];
  if (value === undefined) throw new ProviderError("request_malformed", "There is no such config var.");
  const { by, at } = command;
  await deps.store.asTenant(tenant, async (tx) => {
    const now = deps.clock.now();
    await appendEvent(tx, tenant, { type: "credential.revealed", by, at, data: { var: name } }, now);
    const data = { var: name, ...(value.length < 20 ? {} : { last_four: value.slice(-4) }) };
    await appendAudit(tx, tenant, { action: "credential.revealed", by, at, data }, now);
  });
  return value;
}

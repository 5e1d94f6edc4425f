import type { Catalog } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type { LastUse } from "../credentials/last-use.ts";
import { ProviderError } from "../errors.ts";
import { createDatabases, type Databases } from "../isolation/databases/databases.ts";
import type { Store } from "../isolation/isolation.ts";
import { databaseAim, tellOfDatabase } from "../provider/database-aim.ts";
import type { Abilities } from "../provider/deps.ts";
import type { Vault } from "../secrets/secrets.ts";

interface TenantDatabasesParts {
  readonly settings: Settings;
  readonly catalog: Catalog;
  /** The administrator's of the tenants' databases; absent where there is no server for them. */
  readonly tenantsUrl?: string | undefined;
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly uses?: Pick<LastUse, "noteLogin"> | undefined;
  readonly abilitiesOf: (marketplace: string) => Pick<Abilities, "pushesConfig">;
}

/** The databases of tenants; `config_invalid` where the manifest promises them and there is no server. */
export function tenantDatabases(parts: TenantDatabasesParts): Databases | undefined {
  const { settings, catalog, tenantsUrl, store, vault, clock, uses, abilitiesOf } = parts;
  if (tenantsUrl === undefined) {
    if (!catalog.credentials.some(({ kind }) => kind === "postgres")) return undefined;
    throw new ProviderError("config_invalid", "The manifest promises databases, and there is no server for them.", {
      faults: [{ at: "TENANT_DATABASE_URL", message: "is missing, and the manifest declares a `postgres` credential" }],
    });
  }
  return createDatabases({
    store,
    clock,
    url: tenantsUrl,
    environment: settings.environment,
    address: settings.tenantDatabaseAddress,
    sees: uses?.noteLogin,
    aim: (tx) => databaseAim(catalog, vault, tx),
    tell: (tx, tenant, happened) =>
      tellOfDatabase(tx, tenant, happened, {
        now: clock.now(),
        pushesConfig: (name) => abilitiesOf(name).pushesConfig,
      }),
  });
}

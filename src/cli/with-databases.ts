import { tenantDatabases } from "../compose/tenant-databases.ts";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { keyPrefix } from "../credentials/api-key.ts";
import { runningEmbedded } from "../db/embedded/running.ts";
import { ProviderError } from "../errors.ts";
import type { Databases } from "../isolation/databases/databases.ts";
import { declaredCredentials } from "../provider/declarations.ts";
import type { Deps } from "../provider/deps.ts";
import { derive, parseKeyRing } from "../secrets/key-ring.ts";
import { vaultOf } from "../secrets/secrets.ts";
import { operatorClock } from "./choose-clock.ts";
import { asOperator } from "./operator-database.ts";

type Parts = Pick<Deps, "store" | "clock" | "catalog" | "declarations" | "mint" | "vault"> & {
  readonly databases: Databases;
};

/** Runs a command's work on tenants' databases, with the settings and the server of the running service. */
export async function withDatabases(command: string, work: (parts: Parts) => Promise<void>): Promise<void> {
  const settings = readSettings();
  const { catalog } = await readManifestFile();
  const ring = parseKeyRing(settings.secretKeys);
  const vault = vaultOf(ring);
  const clock = await operatorClock(settings);
  const tenantsUrl = settings.tenantDatabaseUrl ?? (await runningEmbedded(settings.dataDir))?.tenantsUrl;
  await asOperator(settings, `databases ${command}`, async (store) => {
    const databases = tenantDatabases({
      settings,
      catalog,
      tenantsUrl,
      store,
      vault,
      clock,
      // Moves go on in the worker, and it is the worker that tells of them.
      abilitiesOf: () => ({ pushesConfig: false }),
    });
    if (databases === undefined) {
      throw new ProviderError("config_invalid", "There is no server for tenants' databases.", {
        faults: [{ at: "TENANT_DATABASE_URL", message: "is missing" }],
      });
    }
    const declarations = declaredCredentials(catalog, settings.publicUrl);
    const mint = {
      prefix: keyPrefix(catalog.id),
      pepper: derive(ring.primary, "pepper"),
      vault,
      login: databases.mintLogin,
    };
    try {
      await work({ store, clock, catalog, declarations, mint, vault, databases });
    } finally {
      await databases.close();
    }
  });
}

import { readSettings } from "../config.ts";
import { migrate } from "../db/migrate.ts";
import { ProviderError } from "../errors.ts";

/** Brings the database up to date as its owner; nothing to do is success too. */
export async function migrateDatabase({ json = false }: { json?: boolean }): Promise<void> {
  const settings = readSettings();
  const url = settings.migrationDatabaseUrl ?? settings.databaseUrl;
  if (url === undefined) {
    throw new ProviderError("config_invalid", "There is no database to migrate.", {
      faults: [{ at: "DATABASE_URL", message: "is missing; the embedded database is migrated by `serve`" }],
    });
  }
  const names = await migrate({ url });
  if (json) process.stdout.write(`${JSON.stringify({ migrated: names })}\n`);
  else process.stdout.write(names.length === 0 ? "Up to date.\n" : names.map((name) => `migrated ${name}\n`).join(""));
}

import { readSettings, type Settings } from "../config.ts";
import { runningEmbedded } from "../db/embedded/running.ts";
import { type Fault, ProviderError } from "../errors.ts";
import { checkTables, isolateTable, onTenantsDatabase } from "../isolation/pool/pool.ts";

interface PoolOptions {
  readonly tenantColumn: string;
  readonly appRole?: readonly string[];
  readonly allowUnique?: readonly string[];
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/**
 * Puts a table under row level security for the tenants' logins, and prints the SQL it ran. Refuses with every fault at
 * once, exit code 1, and changes nothing then; the second time there is nothing to do.
 */
export async function isolatePool(table: string, options: PoolOptions): Promise<void> {
  const { tenantColumn: column, appRole: vendors = [], allowUnique: excused = [], dryRun = false, json } = options;
  const settings = readSettings();
  const { environment } = settings;
  const plan = await onTenantsDatabase(await tenantsUrl(settings), dryRun ? undefined : environment, (database) =>
    isolateTable(database, { environment, table, column, vendors, excused }, dryRun),
  );
  if (json) process.stdout.write(`${JSON.stringify({ ...plan, dry_run: dryRun })}\n`);
  if (plan.faults.length > 0)
    return refuse(`${plan.table} is not put under the wall, and nothing is changed:`, plan.faults);
  if (json) return;
  const nothing = `-- ${plan.table} is under the wall: there is nothing to do.\n`;
  process.stdout.write(plan.statements.map((statement) => `${statement};\n`).join("") || nothing);
}

/** Reads the catalogue of the tenants' database and prints what would let one tenant see another: exit code 1 then. */
export async function checkIsolation({ json }: { json?: boolean }): Promise<void> {
  const settings = readSettings();
  const findings = await onTenantsDatabase(await tenantsUrl(settings), undefined, (database) =>
    checkTables(database, settings.environment),
  );
  if (json) process.stdout.write(`${JSON.stringify({ findings })}\n`);
  if (findings.length > 0) return refuse("What would let one tenant see, feel or touch another:", findings);
  if (!json) process.stdout.write("Nothing in the tenants' database leads from one tenant to another.\n");
}

function refuse(heading: string, faults: readonly Fault[]): void {
  process.stderr.write(`${heading}\n${faults.map(({ at, message }) => `  ${at} ${message}\n`).join("")}`);
  process.exitCode = 1;
}

async function tenantsUrl(settings: Settings): Promise<string> {
  const url = settings.tenantDatabaseUrl ?? (await runningEmbedded(settings.dataDir))?.tenantsUrl;
  if (url !== undefined) return url;
  throw new ProviderError("config_invalid", "There is no database of tenants.", {
    faults: [{ at: "TENANT_DATABASE_URL", message: "is missing, and no `stallholder serve` runs with this DATA_DIR" }],
  });
}

import type { Catalog } from "../catalog/catalog.ts";
import { readManifestFile } from "../compose.ts";
import { readSettings, type Settings } from "../config.ts";
import { connect, type Database } from "../db/db.ts";
import { pendingMigrations } from "../db/migrate.ts";
import { ProviderError } from "../errors.ts";
import { servingRole } from "../isolation/isolation.ts";
import { lintControl } from "../isolation/lints/lints.ts";
import { awsFindings } from "./doctor-aws.ts";
import { databaseFindings } from "./doctor-databases.ts";
import { type Finding, lineOf, ok } from "./finding.ts";
import { versionFinding } from "./postgres-version.ts";

const SKEW_MS = 5_000;

/** Looks at everything that must be right before the service can be, and says what to do. Exit code 1 on a fault. */
export async function doctor({ json = false }: { json?: boolean }): Promise<void> {
  const findings = await examine();
  process.stdout.write(json ? `${JSON.stringify({ findings })}\n` : findings.map(lineOf).join(""));
  if (findings.some(({ verdict }) => verdict === "fault")) process.exitCode = 1;
}

async function examine(): Promise<Finding[]> {
  let catalog: Catalog | undefined;
  const manifest = await checked("manifest", async () => {
    catalog = (await readManifestFile()).catalog;
    return [ok("manifest", `${catalog.name}: ${catalog.plans.length} plans, ${catalog.regions.join(", ")}`)];
  });
  let settings: Settings | undefined;
  const environment = await checked("settings", async () => {
    settings = readSettings();
    return [ok("settings", settings.production ? "complete for production" : "development mode")];
  });
  if (settings === undefined) return [...manifest, ...environment];
  const here = [...manifest, ...environment, ...(await database(settings)), ...(await product(settings))];
  return catalog === undefined ? here : [...here, ...(await ofCatalog(settings, catalog))];
}

async function checked(check: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look();
  } catch (thrown) {
    const error = thrown instanceof ProviderError ? thrown : undefined;
    const faults =
      error?.faults.map(({ at, message }): Finding => ({ check, verdict: "fault", says: `${at}: ${message}` })) ?? [];
    return faults.length > 0 ? faults : [{ check, verdict: "fault", says: error?.message ?? String(thrown) }];
  }
}

async function database(settings: Settings): Promise<Finding[]> {
  const url = settings.databaseUrl;
  if (url === undefined) return [ok("database", `embedded, started by \`serve\` in ${settings.dataDir}`)];
  return checked("database", async () => {
    const connection = connect({ url, connections: 1 });
    try {
      const [row] = await connection.run<{ version: number; now: Date; wild: boolean }>({
        text: `select current_setting('server_version_num')::int as version, clock_timestamp() as now,
                 (select rolsuper or rolbypassrls from pg_roles where rolname = current_user) as wild`,
      });
      const serving = await servingRole(connection);
      const pending = await pendingMigrations({ url: settings.migrationDatabaseUrl ?? url });
      return [
        versionFinding("database", row?.version ?? 0),
        clockFinding(row?.now),
        roleFinding(serving.warning, row?.wild === true),
        migrationFinding(pending),
        ...(await catalogueFindings(connection)),
      ];
    } finally {
      await connection.close();
    }
  });
}

function clockFinding(now: Date | undefined): Finding {
  const skew = Math.abs((now?.getTime() ?? 0) - Date.now());
  if (skew <= SKEW_MS) return ok("clock", `${skew} ms from the database's`);
  return {
    check: "clock",
    verdict: "warning",
    says: `${skew} ms from the database's`,
    cure: "Run a time service: sign-ins allow five minutes, deadlines none.",
  };
}

function roleFinding(warning: string | null, wild: boolean): Finding {
  if (warning === null) return ok("isolation", "serves as stallholder_app, under row level security");
  return {
    check: "isolation",
    verdict: wild ? "fault" : "warning",
    says: warning,
    cure: "Let a login that may create roles run `stallholder migrate`, or create the role: create role stallholder_app; grant stallholder_app to your_login.",
  };
}

/** What somebody has loosened since the migrations made it. */
async function catalogueFindings(connection: Database): Promise<Finding[]> {
  const findings = await connection.transaction("set transaction read only", (tx) => lintControl(tx.query));
  if (findings.length === 0) return [ok("catalogue", "nothing leads from one tenant to another")];
  return findings.map(({ at, message }) => ({ check: "catalogue", verdict: "fault", says: `${at} ${message}` }));
}

function migrationFinding(pending: readonly string[]): Finding {
  if (pending.length === 0) return ok("migrations", "up to date");
  return {
    check: "migrations",
    verdict: "fault",
    says: `not migrated yet: ${pending.join(", ")}`,
    cure: "Run `stallholder migrate`.",
  };
}

async function product({ product: { url } }: Settings): Promise<Finding[]> {
  if (url === undefined) return [ok("product", "builtin")];
  return checked("product", async () => {
    const response = await fetch(url, { method: "HEAD", redirect: "manual", signal: AbortSignal.timeout(5_000) }).catch(
      () => undefined,
    );
    if (response !== undefined) return [ok("product", `${new URL(url).origin} answers`)];
    return [
      {
        check: "product",
        verdict: "fault",
        says: `${new URL(url).origin} does not answer`,
        cure: "Start it, or mend PRODUCT_URL.",
      },
    ];
  });
}

/** What the manifest makes necessary. */
async function ofCatalog(settings: Settings, catalog: Catalog): Promise<Finding[]> {
  return [
    ...(await checked("tenants", () => databaseFindings(settings, catalog))),
    ...(await checked("aws", () => awsFindings(settings, catalog))),
  ];
}

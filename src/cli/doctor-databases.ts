import type { Catalog } from "../catalog/catalog.ts";
import type { Settings } from "../config.ts";
import { type ExaminedServer, examineServer, missingRights } from "../isolation/databases/databases.ts";
import { type Finding, ok } from "./finding.ts";
import { versionFinding } from "./postgres-version.ts";

const CHECK = "tenants";
const NEWEST_MAJOR = 18;

/** What `doctor` says of the tenants' server: nothing where no purchase comes with a database. It changes nothing there. */
export async function databaseFindings(settings: Settings, catalog: Catalog): Promise<Finding[]> {
  if (!catalog.credentials.some(({ kind }) => kind === "postgres")) return [];
  const { tenantDatabaseUrl: url, environment, production } = settings;
  if (url === undefined)
    return production
      ? [fault("TENANT_DATABASE_URL: is missing, and the manifest declares a `postgres` credential")]
      : [ok(CHECK, "their databases are in the embedded server")];
  const server = await examineServer(url, environment).catch((thrown: unknown) => unreachable(url, thrown));
  return "verdict" in server ? [server] : findingsOf(server, catalog);
}

function findingsOf(server: ExaminedServer, catalog: Catalog): Finding[] {
  const missing = missingRights(
    server,
    catalog.plans.map(({ isolation }) => isolation),
  );
  const major = Math.floor(server.version / 10_000);
  return [
    versionFinding(CHECK, server.version),
    ...(major > NEWEST_MAJOR ? [warning(`PostgreSQL ${major} is newer than what is tested`, "Use 15 to 18.")] : []),
    missing.length === 0
      ? ok(CHECK, `${server.admin} may make what the plans need${server.superuser ? ": it is a superuser" : ""}`)
      : fault(`${server.admin} may not make what the plans need`, `As a superuser: ${missing.join("; ")}.`),
    ...(server.ownsShared
      ? []
      : [warning(`${server.admin} does not own the shared database`, "It can take nothing back from PUBLIC there.")]),
    ...(server.isReady ? doors(server.open) : [ok(CHECK, "not made ready yet: the first purchase does so")]),
  ];
}

function doors(open: readonly string[]): Finding[] {
  if (open.length === 0) return [ok(CHECK, "nothing is open to tenants that need not be")];
  return open.map((says) => {
    const [what = says, cure] = says.split(": ");
    return warning(what, cure === undefined ? undefined : `${cure.charAt(0).toUpperCase()}${cure.slice(1)}`);
  });
}

const KNOWN: Readonly<Record<string, string>> = {
  "28P01": "the password of TENANT_DATABASE_URL is wrong",
  "28000": "the login of TENANT_DATABASE_URL is refused",
  "3D000": "the database of TENANT_DATABASE_URL does not exist",
  "53300": "all its connections are taken",
};

function unreachable(url: string, thrown: unknown): Finding {
  const { code } = Object(thrown) as { code?: unknown };
  const why = KNOWN[String(code)] ?? "it does not answer";
  return fault(
    `${new URL(url).host}: ${why}`,
    "Mend TENANT_DATABASE_URL or the server; docs/isolation.md, The server.",
  );
}

const fault = (says: string, cure?: string): Finding => ({
  check: CHECK,
  verdict: "fault",
  says,
  ...(cure !== undefined && { cure }),
});
const warning = (says: string, cure?: string): Finding => ({ ...fault(says, cure), verdict: "warning" });

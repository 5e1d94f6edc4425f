import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  lchown,
  mkdir,
  mkdtemp,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  writeFile,
} from "node:fs/promises";
import { basename, join } from "node:path";
import { promisify } from "node:util";
import { ProviderError } from "../../errors.ts";
import type { Account } from "./account.ts";
import type { Binaries } from "./binaries.ts";
import { newPasswords, SUPERUSER } from "./roles.ts";
import { clusterArgument, ENVIRONMENT, type Site } from "./site.ts";
import { textOf } from "./system-faults.ts";

const runFile = promisify(execFile);
const INITDB_MS = 60_000;
const FRESH = "postgres.new-";
/** C.UTF-8 comes from PostgreSQL itself, so that it sorts alike on every machine, whatever its C library knows. */
const INITDB = [
  `--username=${SUPERUSER}`,
  "--auth=scram-sha-256",
  "--encoding=UTF8",
  "--locale=C",
  "--locale-provider=builtin",
  "--builtin-locale=C.UTF-8",
];

/**
 * Makes the cluster and its passwords at the first start, complete or not at all; finds them ever after. Rejects with
 * `config_invalid` when what is there was made by another major version of PostgreSQL, or is no cluster.
 */
export async function ensureCluster(site: Site, binaries: Binaries): Promise<void> {
  const { home, cluster } = site.places;
  await removeUnfinished(site.places.dataDir);
  if (!(await exists(home))) return create(site, binaries);
  const version = await readFile(join(cluster, "PG_VERSION"), "utf8").catch((cause: unknown) => {
    throw new ProviderError("config_invalid", `${cluster} is not a database that can be read: ${textOf(cause)}`, {
      cause,
    });
  });
  if (version.trim() !== binaries.major) throw otherVersion(home, version.trim(), binaries.major);
  if (site.account !== undefined) await handOver(cluster, site.account);
}

async function create(site: Site, binaries: Binaries): Promise<void> {
  site.say(`PostgreSQL ${binaries.version}: creating the database in ${site.places.home}`);
  const fresh = await mkdtemp(join(site.places.dataDir, FRESH));
  try {
    await initialise(site, binaries, fresh);
    await rename(fresh, site.places.home);
    if (site.durable) await syncFolder(site.places.dataDir);
  } catch (fault) {
    await rm(fresh, { recursive: true, force: true });
    throw fault;
  }
}

async function initialise(site: Site, binaries: Binaries, fresh: string): Promise<void> {
  const cluster = join(fresh, basename(site.places.cluster));
  const passwords = newPasswords();
  await mkdir(cluster, { mode: 0o700 });
  await writeFile(join(fresh, basename(site.places.passwords)), JSON.stringify(passwords), {
    mode: 0o600,
    flush: true,
  });
  // initdb reads the superuser's password from a file, under the account of the server.
  const handedOver = join(fresh, "initdb-password");
  await writeFile(handedOver, `${passwords.superuser}\n`, { mode: 0o600 });
  if (site.account !== undefined) {
    await chmod(fresh, 0o711);
    await chown(cluster, site.account.uid, site.account.gid);
    await chown(handedOver, site.account.uid, site.account.gid);
  }
  const options = { ...site.account, cwd: cluster, env: ENVIRONMENT, timeout: INITDB_MS };
  const flags = [`--pwfile=../${basename(handedOver)}`, ...(site.durable ? [] : ["--no-sync"])];
  await runFile(binaries.initdb, ["-D", clusterArgument(site, cluster), ...INITDB, ...flags], options);
  await rm(handedOver);
  if (site.durable) await syncFolder(fresh);
}

function otherVersion(home: string, found: string, ours: string): ProviderError {
  return new ProviderError(
    "config_invalid",
    `${home} was made by PostgreSQL ${found}, and this release of Stallholder brings PostgreSQL ${ours}, which cannot open it. ` +
      "To keep the data, go back to the release that made it, or restore a dump of it into a server named by DATABASE_URL. " +
      "To begin empty, move that folder away.",
  );
}

/** Gives a cluster that came from elsewhere (a copy, another machine) to the server's account, its top folder last. */
async function handOver(path: string, account: Account): Promise<void> {
  if ((await stat(path)).uid === account.uid) return;
  for (const entry of await readdir(path, { recursive: true }))
    await lchown(join(path, entry), account.uid, account.gid);
  await chown(path, account.uid, account.gid);
}

async function removeUnfinished(dataDir: string): Promise<void> {
  const left = (await readdir(dataDir)).filter((name) => name.startsWith(FRESH));
  for (const name of left) await rm(join(dataDir, name), { recursive: true, force: true, maxRetries: 5 });
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined;
}

/** A rename survives a power cut only once its folder is on disk. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, "r");
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

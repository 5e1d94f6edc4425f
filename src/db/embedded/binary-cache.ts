import { chmod, copyFile, lstat, mkdir, mkdtemp, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { ProviderError } from "../../errors.ts";
import type { Site } from "./site.ts";

/**
 * A copy of the package `folder` that every account can read, named by its version, with `finish` done to it. It is
 * made once, complete or not at all, and shared by later starts; two processes that make it together end with one.
 */
export async function cachedCopy(
  folder: string,
  name: string,
  site: Site,
  finish: (copy: string) => Promise<void>,
): Promise<string> {
  const cache = await openCache(site);
  const copy = join(cache, name);
  if (await isOurs(copy)) return copy;
  site.say(`PostgreSQL: copying its programs to ${copy}`);
  const fresh = await mkdtemp(join(cache, "new-"));
  try {
    await copyReadable(join(folder, "native"), join(fresh, "native"));
    await finish(fresh);
    await chmod(fresh, 0o755);
    await rename(fresh, copy);
  } catch (fault) {
    await rm(fresh, { recursive: true, force: true });
    if (!(await isOurs(copy))) throw fault;
  }
  return copy;
}

/**
 * An ordinary user keeps the copy in the data directory; root's lies where the server's account can read it. Programs
 * in a folder that somebody else could write to are not run.
 */
async function openCache(site: Site): Promise<string> {
  const cache = site.account === undefined ? join(site.places.dataDir, "programs") : "/var/cache/stallholder";
  if ((await mkdir(cache, { recursive: true })) !== undefined) await chmod(cache, 0o755);
  if (!(await isOurs(cache))) {
    throw new ProviderError("config_invalid", `${cache} belongs to somebody else or is open to all. Remove it.`);
  }
  return cache;
}

async function isOurs(folder: string): Promise<boolean> {
  const found = await lstat(folder).catch(() => undefined);
  return found?.isDirectory() === true && found.uid === process.geteuid?.() && (found.mode & 0o022) === 0;
}

/** Copies folders and plain files; a restrictive umask at installation does not carry over. */
async function copyReadable(from: string, to: string): Promise<void> {
  await mkdir(to);
  await chmod(to, 0o755);
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)];
    if (entry.isDirectory()) await copyReadable(source, target);
    if (!entry.isFile()) continue;
    await copyFile(source, target);
    await chmod(target, ((await stat(source)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

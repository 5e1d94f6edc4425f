import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { APP, DATABASE, readPasswords } from "./roles.ts";
import { findPlaces } from "./site.ts";

/**
 * The serving login's address of the embedded server that another process runs in `dataDir`; undefined when none does.
 * Nothing is started or taken.
 */
export async function runningEmbedded(dataDir: string): Promise<string | undefined> {
  const places = await findPlaces(dataDir);
  // PostgreSQL writes its port into the fourth line, and takes the file away when it stops.
  const pidFile = await readFile(join(places.cluster, "postmaster.pid"), "utf8").catch(() => "");
  const port = Number(pidFile.split("\n")[3]);
  if (!Number.isInteger(port) || port <= 0) return undefined;
  const { app } = await readPasswords(places.passwords);
  return `postgres://${APP}:${app}@127.0.0.1:${port}/${DATABASE}?sslmode=disable`;
}

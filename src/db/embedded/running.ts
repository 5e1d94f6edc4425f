import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { APP, DATABASE, OWNER, readPasswords, TENANTS, TENANTS_DATABASE, tenantsPassword } from "./roles.ts";
import { findPlaces } from "./site.ts";

/** The addresses of a server that another process runs. */
export interface RunningEmbedded {
  readonly appUrl: string;
  readonly ownerUrl: string;
  readonly tenantsUrl: string;
}

/** How to reach the embedded server that another process runs in `dataDir`; undefined when none does. Nothing is started or taken. */
export async function runningEmbedded(dataDir: string): Promise<RunningEmbedded | undefined> {
  const places = await findPlaces(dataDir);
  // PostgreSQL writes its port into the fourth line, and takes the file away when it stops.
  const pidFile = await readFile(join(places.cluster, "postmaster.pid"), "utf8").catch(() => "");
  const port = Number(pidFile.split("\n")[3]);
  if (!Number.isInteger(port) || port <= 0) return undefined;
  const passwords = await readPasswords(places.passwords);
  const on = (role: string, password: string, database: string): string =>
    `postgres://${role}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
  return {
    appUrl: on(APP, passwords.app, DATABASE),
    ownerUrl: on(OWNER, passwords.owner, DATABASE),
    tenantsUrl: on(TENANTS, tenantsPassword(passwords), TENANTS_DATABASE),
  };
}

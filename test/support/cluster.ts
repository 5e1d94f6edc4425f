import { randomBytes } from "node:crypto";
import pg from "pg";
import { ensureDatabase, withClient } from "../../src/db/embedded/roles.ts";

/** The server of this test run, as the global setup hands it to every worker. Each URL names the template. */
export interface TestCluster {
  readonly template: string;
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** The administrator's of tenants' databases. */
  readonly tenantsUrl: string;
}

export interface TestDatabase {
  readonly name: string;
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** Also ends the connections that are still open. */
  drop(): Promise<void>;
}

/** How the global setup and the workers, which are other processes, share the cluster. */
export const CLUSTER_VARIABLE = "STALLHOLDER_TEST_CLUSTER";

/** A migrated database for one test that looks across tenants; drop it when done. */
export function ownDatabase(): Promise<TestDatabase> {
  return clone(randomBytes(6).toString("hex"));
}

async function clone(suffix: string): Promise<TestDatabase> {
  const cluster = testCluster();
  const name = `${cluster.template}_${suffix}`;
  const maintenance = onDatabase(cluster.superuserUrl, "postgres");
  await withClient(maintenance, (client) => ensureDatabase(client, name, cluster.template));
  return {
    name,
    superuserUrl: onDatabase(cluster.superuserUrl, name),
    ownerUrl: onDatabase(cluster.ownerUrl, name),
    appUrl: onDatabase(cluster.appUrl, name),
    drop: () => withClient(maintenance, (client) => dropDatabase(client, name)),
  };
}

export async function dropDatabase(superuser: pg.Client, name: string): Promise<void> {
  await superuser.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
}

/** The same login on another database of the server. */
export function onDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

export function testCluster(): TestCluster {
  const text = process.env[CLUSTER_VARIABLE];
  if (text === undefined) throw new Error("There is no test cluster: run Jest with its global setup.");
  return JSON.parse(text) as TestCluster;
}

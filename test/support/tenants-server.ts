import { randomBytes } from "node:crypto";
import pg from "pg";
import { closeTenantsDatabase, ensureTenantsDatabase, withClient } from "../../src/db/embedded/roles.ts";
import { dropDatabase, onDatabase, testCluster } from "./cluster.ts";

/** A shared database of one test's own, with an environment whose names nobody else has on the server. */
export interface TenantsServer {
  readonly environment: string;
  /** The shared database's name. */
  readonly shared: string;
  /** The administrator's: no superuser, as on the embedded server. */
  readonly url: string;
  readonly superuserUrl: string;
  /** As a superuser on the shared database, or on another one. */
  look<Row extends object>(text: string, values?: readonly unknown[], database?: string): Promise<Row[]>;
  /** Every role, schema and database of this environment, but for its groups and its own schema. */
  things(): Promise<string[]>;
  /** An administrator who owns the shared database and may make roles and databases, and nothing else. */
  plainAdmin(): Promise<string>;
  /** What `plainAdmin` made, after `drop`. */
  dropAdmin(): Promise<void>;
  drop(): Promise<void>;
}

export async function tenantsServer(): Promise<TenantsServer> {
  const cluster = testCluster();
  const environment = `t${randomBytes(5).toString("hex")}`;
  const shared = `${cluster.template}_${environment}`;
  const maintenance = onDatabase(cluster.superuserUrl, "postgres");
  const superuserUrl = onDatabase(cluster.superuserUrl, shared);
  await withClient(maintenance, (client) => ensureTenantsDatabase(client, shared));
  await withClient(superuserUrl, closeTenantsDatabase);

  const look = <Row extends object>(text: string, values: readonly unknown[] = [], database = shared) =>
    withClient(onDatabase(superuserUrl, database), async (client) => (await client.query<Row>(text, [...values])).rows);
  const named = (relation: string, column: string) =>
    look<{ name: string }>(`select ${column}::text as name from ${relation} where starts_with(${column}::text, $1)`, [
      `${environment}_`,
    ]);

  const admin = `admin_${environment}`;
  return {
    environment,
    shared,
    plainAdmin: async () => {
      await look(`create role ${admin} login createrole createdb password 'plain'`);
      await look(`alter database ${shared} owner to ${admin}`);
      return Object.assign(new URL(superuserUrl), { username: admin, password: "plain" }).href;
    },
    dropAdmin: () =>
      withClient(maintenance, async (client) => void (await client.query(`drop role if exists ${admin}`))),
    url: onDatabase(cluster.tenantsUrl, shared),
    superuserUrl,
    look,
    things: async () => {
      const [roles, schemas, databases] = [
        await named("pg_roles", "rolname"),
        await named("pg_namespace", "nspname"),
        await named("pg_database", "datname"),
      ];
      const ours = /_(connect|tenants|tenants_read|stallholder|makers_..)$/;
      const listed = [
        ...roles.map(({ name }) => `role ${name}`),
        ...schemas.map(({ name }) => `schema ${name}`),
        ...databases.map(({ name }) => `database ${name}`),
      ];
      return listed.filter((name) => !ours.test(name)).sort();
    },
    drop: () =>
      withClient(maintenance, async (client) => {
        for (const { name } of await named("pg_database", "datname")) await dropDatabase(client, name);
        const roles = await named("pg_roles", "rolname");
        await dropDatabase(client, shared);
        // Makers last: what they granted depends on them.
        roles.sort((a, b) => Number(a.name.includes("_makers_")) - Number(b.name.includes("_makers_")));
        for (const { name } of roles) await client.query(`drop role ${pg.escapeIdentifier(name)}`);
      }),
  };
}

/** The customer with the value of the config var, as `psql` would connect. */
export async function asCustomer<T>(url: string | undefined, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url ?? "" });
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => undefined);
  }
}

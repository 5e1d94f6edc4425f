import { randomBytes } from "node:crypto";
import pg from "pg";
import type { Place } from "../../src/isolation/copy/session.ts";
import { mintTenantId } from "../../src/tenants/tenants.ts";
import { onDatabase, ownDatabase } from "./cluster.ts";

const { escapeIdentifier: id } = pg;

/** A server with a shared database, as tenants see it, and what of theirs is to be removed at the end. */
export interface TenantServer {
  readonly god: pg.Client;
  tenant(): Promise<PlacedTenant>;
  remove(): Promise<void>;
}

export interface PlacedTenant {
  readonly owner: string;
  readonly login: string;
  /** An empty schema in the shared database. */
  schema(name?: string): Promise<Place>;
  /** An empty database. */
  database(name?: string): Promise<Place>;
  /** Its rows in the tables whose policies ask `shop.tenant()`. */
  readonly shared: Place;
}

export async function openClient(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** Runs `statements` as the tenant in its place. */
export async function asTenant<T>(place: Place, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = await openClient(place.url);
  try {
    await client.query(`set role ${id(place.owner)}; set search_path = ${place.schema ? id(place.schema) : "shop"}`);
    return await work(client);
  } finally {
    await client.end();
  }
}

export async function tenantServer(): Promise<TenantServer> {
  const home = await ownDatabase();
  const god = await openClient(home.superuserUrl);
  const roles: string[] = [];
  const databases: string[] = [];
  await god.query(`revoke all on database ${id(home.name)} from public`);
  await god.query("create schema shop");
  await god.query(
    `create function shop.tenant() returns text language sql stable as $$
       select substring(session_user::text collate "C" from '^test_([a-z][a-z2-7]{25})_')::text collate "default" $$`,
  );
  const tenant = async (): Promise<PlacedTenant> => {
    const owner = `test_${mintTenantId()}`;
    const login = `${owner}_aaaaaa`;
    const password = randomBytes(12).toString("hex");
    roles.push(login, owner);
    await god.query(`create role ${owner}; create role ${login} login password '${password}' in role ${owner}`);
    await god.query(`grant connect on database ${id(home.name)} to ${owner}; grant usage on schema shop to ${owner}`);
    const url = (name: string): string =>
      onDatabase(Object.assign(new URL(home.superuserUrl), { username: login, password }).href, name);
    return {
      owner,
      login,
      shared: { url: url(home.name), owner, tenantFunction: "shop.tenant()" },
      schema: async (name = `${owner}${roles.length}${randomBytes(3).toString("hex")}`) => {
        await god.query(`create schema ${id(name)}; grant usage, create on schema ${id(name)} to ${owner}`);
        return { url: url(home.name), owner, schema: name };
      },
      database: async (name = `${home.name}_${randomBytes(4).toString("hex")}`) => {
        databases.push(name);
        await god.query(`create database ${id(name)} template template0`);
        const inside = await openClient(onDatabase(home.superuserUrl, name));
        await inside.query(`grant usage, create on schema public to ${owner}`);
        await inside.end();
        return { url: url(name), owner, schema: "public" };
      },
    };
  };
  return {
    god,
    tenant,
    remove: async () => {
      for (const name of databases) await god.query(`drop database ${id(name)} with (force)`);
      for (const role of roles) await god.query(`drop owned by ${role} cascade`);
      await god.end();
      const maintenance = await openClient(onDatabase(home.superuserUrl, "postgres"));
      await home.drop();
      for (const role of roles) await maintenance.query(`drop role ${role}`);
      await maintenance.end();
    },
  };
}

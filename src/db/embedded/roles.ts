import { createHmac, randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import pg from "pg";
import { ProviderError } from "../../errors.ts";
import { closeSharedFunctions } from "../shared-database.ts";

export const SUPERUSER = "postgres";
export const OWNER = "stallholder_owner";
export const APP = "stallholder_app";
export const DATABASE = "stallholder";
/** Administers the databases of tenants, and the name of the one that many of them share. */
export const TENANTS = "stallholder_tenants";
export const TENANTS_DATABASE = "tenants";

export interface Passwords {
  readonly superuser: string;
  readonly owner: string;
  readonly app: string;
}

const CONNECT_MS = 10_000;
const STATEMENT_MS = 30_000;

export function newPasswords(): Passwords {
  const password = (): string => randomBytes(24).toString("base64url");
  return { superuser: password(), owner: password(), app: password() };
}

/** Follows from the superuser's, so that clusters made before there were tenants' databases have it too. */
export const tenantsPassword = ({ superuser }: Pick<Passwords, "superuser">): string =>
  createHmac("sha256", superuser).update(TENANTS).digest("base64url");

/** Rejects with `config_invalid` when the file holds anything else; the error repeats none of it. */
export async function readPasswords(path: string): Promise<Passwords> {
  const text = await readFile(path, "utf8");
  try {
    const { superuser, owner, app } = JSON.parse(text);
    if ([superuser, owner, app].every((password) => typeof password === "string")) return { superuser, owner, app };
  } catch {
    // The parser's own words quote what it read.
  }
  throw new ProviderError("config_invalid", `${path} does not hold the passwords of the embedded database.`);
}

/** Runs `work` on a connection of its own to `url`. */
export async function withClient<T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const limits = { connectionTimeoutMillis: CONNECT_MS, query_timeout: STATEMENT_MS };
  const client = new pg.Client({ connectionString: url, ...limits });
  // A connection that breaks between two statements fails the next one; by itself it is no reason to stop.
  client.on("error", () => undefined);
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end();
  }
}

/**
 * The two roles: one owns the database and migrates it, the other serves and may neither create nor bypass anything.
 * The owner may hand the serving role on, so that migrations can grant to it. The second call sets the same again.
 */
export async function ensureRoles(superuser: pg.Client, passwords: Passwords): Promise<void> {
  const plain = "login nosuperuser nocreatedb noreplication nobypassrls";
  await ensureRole(superuser, OWNER, `${plain} createrole`, passwords.owner);
  await ensureRole(superuser, APP, `${plain} nocreaterole`, passwords.app);
  await superuser.query(`grant ${APP} to ${OWNER} with admin option`);
}

/**
 * Who administers the databases of tenants: makes roles and databases, sees and ends their sessions, and is no superuser;
 * what is ours on the same server is closed to it.
 */
export async function ensureTenantsRole(superuser: pg.Client, password: string): Promise<void> {
  await ensureRole(superuser, TENANTS, "login nosuperuser createdb createrole noreplication nobypassrls", password);
  await superuser.query(`grant pg_signal_backend, pg_read_all_stats to ${TENANTS}`);
}

async function ensureRole(superuser: pg.Client, name: string, attributes: string, password: string): Promise<void> {
  const { rowCount } = await superuser.query("select from pg_roles where rolname = $1", [name]);
  const verb = rowCount === 0 ? "create" : "alter";
  await superuser.query(`${verb} role ${name} ${attributes} password ${pg.escapeLiteral(password)}`);
}

/** Makes the database, unless it is there. Only its owner and the serving role may connect; nobody else keeps TEMP. */
export async function ensureDatabase(superuser: pg.Client, name: string, template = "template1"): Promise<void> {
  const database = pg.escapeIdentifier(name);
  const { rowCount } = await superuser.query("select from pg_database where datname = $1", [name]);
  if (rowCount === 0)
    await superuser.query(`create database ${database} owner ${OWNER} template ${pg.escapeIdentifier(template)}`);
  await superuser.query(`revoke all on database ${database} from public`);
  await superuser.query(`grant connect on database ${database} to ${APP}`);
}

/** The database that tenants share, unless it is there; nobody but its administrator may do anything in it. */
export async function ensureTenantsDatabase(superuser: pg.Client, name: string): Promise<void> {
  const database = pg.escapeIdentifier(name);
  const { rowCount } = await superuser.query("select from pg_database where datname = $1", [name]);
  if (rowCount === 0) await superuser.query(`create database ${database} owner ${TENANTS} allow_connections false`);
  await superuser.query(`revoke all on database ${database} from public`);
  await superuser.query(`alter database ${database} allow_connections true`);
}

/** Takes from everybody in the database at hand what reaches across the tenants of it. */
export async function closeTenantsDatabase(superuser: pg.Client): Promise<void> {
  await superuser.query(closeSharedFunctions);
}

/** The databases that every cluster begins with are for the superuser alone. */
export async function closeOtherDatabases(superuser: pg.Client): Promise<void> {
  await superuser.query("revoke all on database postgres, template1 from public");
}

import { ProviderError } from "../../errors.ts";
import { type Binaries, findBinaries } from "./binaries.ts";
import { ensureCluster } from "./cluster.ts";
import { type Lock, takeLock } from "./lock.ts";
import {
  APP,
  closeOtherDatabases,
  closeTenantsDatabase,
  DATABASE,
  ensureDatabase,
  ensureRoles,
  ensureTenantsDatabase,
  ensureTenantsRole,
  OWNER,
  type Passwords,
  readPasswords,
  SUPERUSER,
  TENANTS,
  TENANTS_DATABASE,
  tenantsPassword,
  withClient,
} from "./roles.ts";
import { type RunningServer, startServer } from "./server.ts";
import { findPlaces, openSite, type Places } from "./site.ts";
import { textOf } from "./system-faults.ts";

export interface EmbeddedServer {
  /** The superuser's, for tests and `doctor` only. */
  readonly superuserUrl: string;
  /** The owner of the database migrates it: may create roles, is no superuser and bypasses no policy. */
  readonly ownerUrl: string;
  /** The serving role: neither owner nor superuser nor bypassing. */
  readonly appUrl: string;
  /** The administrator's of the tenants' databases, on the one they share. */
  readonly tenantsUrl: string;
  /** PostgreSQL's version ("18.4") and port, for the start-up lines. */
  readonly version: string;
  readonly port: number;
  /** Shuts the server down and waits until its process is gone; the second call answers the same promise. */
  stop(): Promise<void>;
}

export interface EmbeddedOptions {
  readonly dataDir: string;
  /** False in tests: fast, and lost in a power cut. */
  readonly durable?: boolean;
  /** Hears what happens in words, a line each. */
  readonly onLine?: (line: string) => void;
}

/**
 * A PostgreSQL server of our own on 127.0.0.1, with its data below `dataDir`: made at the first call, found again at
 * every later one, also after this process was killed (the server it left behind is stopped first). Its port differs
 * from start to start, its passwords do not. As root it runs under an ordinary account.
 *
 * Rejects with `config_invalid`, in words for the operator, when it cannot run here, when its data belong to another
 * major version, and while another live process (or an earlier call) holds the same directory; that server is left alone.
 *
 * A signal that arrives during the start is the caller's: wait for the promise, then stop.
 */
export async function startEmbedded(options: EmbeddedOptions): Promise<EmbeddedServer> {
  try {
    const places = await findPlaces(options.dataDir);
    return await whileLocked(await takeLock(places.lock), (lock) => start(places, lock, options));
  } catch (fault) {
    if (fault instanceof ProviderError) throw fault;
    const message = `The embedded database cannot be started: ${textOf(fault)}. Set DATABASE_URL to use a PostgreSQL of your own.`;
    throw new ProviderError("config_invalid", message, { cause: fault });
  }
}

async function whileLocked<T>(lock: Lock, work: (lock: Lock) => Promise<T>): Promise<T> {
  try {
    return await work(lock);
  } catch (fault) {
    await lock.release();
    throw fault;
  }
}

async function start(places: Places, lock: Lock, options: EmbeddedOptions): Promise<EmbeddedServer> {
  const site = await openSite(places, options);
  const binaries = await findBinaries(site);
  await ensureCluster(site, binaries);
  const server = await startServer(site, binaries);
  try {
    const passwords = await readPasswords(places.passwords);
    await prepare(server, passwords);
    return embeddedServer(server, binaries, passwords, lock);
  } catch (fault) {
    await server.stop();
    throw fault;
  }
}

async function prepare({ port }: RunningServer, passwords: Passwords): Promise<void> {
  await withClient(urlOf(SUPERUSER, passwords.superuser, port, "postgres"), async (client) => {
    await ensureRoles(client, passwords);
    await ensureDatabase(client, DATABASE);
    await closeOtherDatabases(client);
    await ensureTenantsRole(client, tenantsPassword(passwords));
    await ensureTenantsDatabase(client, TENANTS_DATABASE);
  });
  await withClient(urlOf(SUPERUSER, passwords.superuser, port, TENANTS_DATABASE), closeTenantsDatabase);
}

function embeddedServer(server: RunningServer, binaries: Binaries, passwords: Passwords, lock: Lock): EmbeddedServer {
  const { port } = server;
  let stopped: Promise<void> | undefined;
  return {
    superuserUrl: urlOf(SUPERUSER, passwords.superuser, port, DATABASE),
    ownerUrl: urlOf(OWNER, passwords.owner, port, DATABASE),
    appUrl: urlOf(APP, passwords.app, port, DATABASE),
    tenantsUrl: urlOf(TENANTS, tenantsPassword(passwords), port, TENANTS_DATABASE),
    version: binaries.version,
    port,
    stop: () => {
      stopped ??= server.stop().then(() => lock.release());
      return stopped;
    },
  };
}

function urlOf(role: string, password: string, port: number, database: string): string {
  return `postgres://${role}:${password}@127.0.0.1:${port}/${database}?sslmode=disable`;
}

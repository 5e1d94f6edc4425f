import { randomBytes } from "node:crypto";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { startEmbedded } from "../src/db/embedded/embedded.ts";
import { APP, ensureDatabase, OWNER } from "../src/db/embedded/roles.ts";
import { migrate } from "../src/db/migrate.ts";

export type Query = <Row extends object>(text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;

/** A database of its own for what is measured. */
export interface MeasuredDatabase {
  readonly name: string;
  /** Past every policy: for filling, and for the sides that know no policies. */
  readonly superuserUrl: string;
  /** As the service is run: neither owner nor superuser. */
  readonly appUrl: string;
  /** Runs `work` on one connection of the superuser. */
  session<T>(work: (query: Query) => Promise<T>): Promise<T>;
  /** User and system time of all its connections so far; undefined where the server is not a neighbour on Linux. */
  cpuMicros(): Promise<number | undefined>;
  drop(): Promise<void>;
}

export interface MeasuredServer {
  readonly version: string;
  /** A migrated database, or a copy of `template`. */
  database(template?: MeasuredDatabase): Promise<MeasuredDatabase>;
  /** All that were made here; not the one to keep. */
  dropAll(kept?: MeasuredDatabase): Promise<void>;
  close(): Promise<void>;
}

/**
 * The server of DATABASE_URL, which must name a superuser, or an embedded one that syncs each commit to the disk and is
 * removed afterwards. Databases carry names of their own; nothing else on a given server is touched, but the two roles
 * of the service are made where they are missing.
 */
export async function openPostgres(givenUrl: string | undefined): Promise<MeasuredServer> {
  if (givenUrl !== undefined) return serverAt(givenUrl, async () => undefined);
  const dataDir = await mkdtemp(join(tmpdir(), "stallholder-bench-"));
  const embedded = await startEmbedded({ dataDir });
  return serverAt(embedded.superuserUrl, async () => {
    await embedded.stop();
    await rm(dataDir, { recursive: true, force: true });
  });
}

async function serverAt(url: string, stop: () => Promise<void>): Promise<MeasuredServer> {
  const maintenance = await connected(onDatabase(url, "postgres"));
  await maintenance.query(rolesWhereMissing);
  const { rows } = await maintenance.query<{ version: string }>("select current_setting('server_version') as version");
  const databases = new Set<MeasuredDatabase>();

  const database = async (template?: MeasuredDatabase): Promise<MeasuredDatabase> => {
    const name = `stallholder_bench_${randomBytes(4).toString("hex")}`;
    await ensureDatabase(maintenance, name, template?.name);
    if (template === undefined) await migrate({ url: asRole(onDatabase(url, name), OWNER) });
    const made: MeasuredDatabase = measuredDatabase(maintenance, url, name, () => databases.delete(made));
    databases.add(made);
    return made;
  };
  const dropAll = async (kept?: MeasuredDatabase): Promise<void> => {
    for (const left of databases) if (left !== kept) await left.drop();
  };
  return {
    version: rows[0]?.version ?? "unknown",
    database,
    dropAll,
    close: async () => {
      await dropAll();
      await maintenance.end();
      await stop();
    },
  };
}

const rolesWhereMissing = `do $$ begin
  if not exists (select from pg_roles where rolname = '${APP}') then create role ${APP}; end if;
  if not exists (select from pg_roles where rolname = '${OWNER}') then
    create role ${OWNER} createrole;
    grant ${APP} to ${OWNER} with admin option;
  end if;
end $$`;

function measuredDatabase(maintenance: pg.Client, url: string, name: string, onDropped: () => void): MeasuredDatabase {
  const superuserUrl = onDatabase(url, name);
  const session = async <T>(work: (query: Query) => Promise<T>): Promise<T> => {
    const client = await connected(superuserUrl);
    try {
      return await work(async <Row extends object>(text: string, values: readonly unknown[] = []) => {
        const { rows } = await client.query<Row>(text, [...values]);
        return rows;
      });
    } finally {
      await client.end();
    }
  };
  return {
    name,
    superuserUrl,
    appUrl: asRole(superuserUrl, APP),
    session,
    cpuMicros: () => cpuMicrosOf(maintenance, name),
    drop: async () => {
      // A connection of its own: what was measured may have ended all others.
      const client = await connected(onDatabase(url, "postgres"));
      await client.query(`drop database if exists ${pg.escapeIdentifier(name)} with (force)`);
      await client.end();
      onDropped();
    },
  };
}

async function connected(url: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

/** The same login on another database of the server. */
function onDatabase(url: string, name: string): string {
  const other = new URL(url);
  other.pathname = `/${name}`;
  return other.href;
}

/** The same login, which takes `role` as it connects: a superuser is then none, whatever it may be called. */
function asRole(url: string, role: string): string {
  const other = new URL(url);
  other.searchParams.set("options", `-c role=${role}`);
  return other.href;
}

const TICK_MICROS = 10_000;

async function cpuMicrosOf(maintenance: pg.Client, name: string): Promise<number | undefined> {
  const { rows } = await maintenance.query<{ pid: number }>("select pid from pg_stat_activity where datname = $1", [
    name,
  ]);
  try {
    const each = await Promise.all(rows.map(({ pid }) => ticksOf(pid)));
    return each.reduce((sum, ticks) => sum + ticks, 0) * TICK_MICROS;
  } catch {
    return undefined;
  }
}

/** Fields 14 and 15 of `/proc/<pid>/stat`; the second one, a name in brackets, may hold spaces. */
async function ticksOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  if (!stat.includes("(postgres")) throw new Error("another program has this number here");
  const [user = "", system = ""] = stat
    .slice(stat.lastIndexOf(")") + 2)
    .split(" ")
    .slice(11, 13);
  return Number(user) + Number(system);
}

import { readdir, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import knex, { type Knex } from "knex";
import pg from "pg";
import { ProviderError } from "../errors.ts";
import { lostConnection } from "./faults.ts";

const FOLDER = new URL("../../migrations/", import.meta.url);
/** Any constant will do; it names "migrating Stallholder" among the advisory locks of the database. */
const LOCK = 7_355_608;
const LOCK_WAIT = "60s";
const DDL_LOCK_WAIT = "10s";

export interface MigrationsAt {
  readonly url: string;
  /** Where the SQL files lie, by default those of this version. */
  readonly folder?: URL;
}

/** The migrations that belong to this version, in order. */
export async function migrationFiles(folder: URL = FOLDER): Promise<string[]> {
  return (await readdir(fileURLToPath(folder))).filter((file) => file.endsWith(".sql")).sort();
}

function settingsFor(folder: URL = FOLDER): Knex.MigratorConfig {
  return { migrationSource: sqlFiles(folder), tableName: "migrations" };
}

function sqlFiles(folder: URL): Knex.MigrationSource<string> {
  return {
    getMigrations: () => migrationFiles(folder),
    getMigrationName: (file) => file,
    getMigration: async (file) => {
      const sql = await readFile(new URL(file, folder), "utf8");
      return {
        up: async (trx) => {
          await trx.raw(`set local lock_timeout = '${DDL_LOCK_WAIT}'`);
          await trx.raw(sql.replaceAll("?", "\\?")).catch((fault: unknown) => {
            throw shortened(file, fault);
          });
        },
        down: () => Promise.reject(new Error("Migrations only go forward.")),
      };
    },
  };
}

const quiet = { warn: ignore, error: ignore, debug: ignore, deprecate: ignore };

function ignore(): void {}

/** knex repeats the whole file in its error; what helps is the file's name and PostgreSQL's sentence. */
function shortened(file: string, fault: unknown): Error {
  const said = fault instanceof Error ? (fault.message.split(" - ").at(-1) ?? "") : String(fault);
  return new Error(`Migration ${file} failed and was rolled back: ${said}`, { cause: fault });
}

/** Runs `work` while this process alone migrates this database; others wait for their turn. */
async function alone<T>(url: string, work: () => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // Losing the lock is no reason to stop half-way: knex holds one of its own until the end.
  client.on("error", ignore);
  await client.connect();
  try {
    await client.query(`set lock_timeout = '${LOCK_WAIT}'`);
    await client.query("select pg_advisory_lock($1)", [LOCK]);
    return await work();
  } finally {
    await client.end();
  }
}

/** A database that is not there, or goes away meanwhile, is no fault of a migration. */
function awayOr(fault: unknown): unknown {
  const causes = fault instanceof Error ? [fault, fault.cause] : [fault];
  if (!causes.some(lostConnection)) return fault;
  return new ProviderError("unavailable", "The database does not answer, or went away.", { cause: fault });
}

async function withKnex<T>(url: string, work: (connection: Knex) => Promise<T>): Promise<T> {
  const connection = knex({ client: "pg", connection: url, pool: { min: 0, max: 1 }, log: quiet });
  try {
    return await work(connection);
  } finally {
    await connection.destroy();
  }
}

/**
 * Brings the database at `url` (the owner's) up to date and answers the names of the migrations it ran: none the second
 * time. Several processes may call it together; a lock left by a killed one is cleared, because whoever holds the
 * advisory lock is the only one migrating. `unavailable` when the database is not there or goes away.
 */
export function migrate({ url, folder }: MigrationsAt): Promise<readonly string[]> {
  const settings = settingsFor(folder);
  return alone(url, () =>
    withKnex(url, async (connection) => {
      await connection.migrate.list(settings);
      await connection.migrate.forceFreeMigrationsLock(settings);
      const [, names] = (await connection.migrate.latest(settings)) as [number, string[]];
      return names;
    }),
  ).catch((fault: unknown) => {
    throw awayOr(fault);
  });
}

/** The migrations that `migrate` would run. */
export function pendingMigrations({ url, folder }: MigrationsAt): Promise<readonly string[]> {
  return withKnex(url, async (connection) => {
    const [, pending] = (await connection.migrate.list(settingsFor(folder))) as [
      unknown[],
      (string | { file: string })[],
    ];
    return pending.map((entry) => (typeof entry === "string" ? entry : entry.file));
  });
}

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { startEmbedded } from "../../src/db/embedded/embedded.ts";
import { ownDatabase } from "../support/cluster.ts";

/** The database under the soak. Its addresses change when the server is started again. */
export interface SoakDatabase {
  readonly superuserUrl: string;
  readonly ownerUrl: string;
  readonly appUrl: string;
  /** Ends the server in the midst of everything and starts it again. Absent where others use it too. */
  readonly restart?: () => Promise<void>;
  close(): Promise<void>;
}

/** A database of its own on the server of this test run. */
export async function sharedDatabase(): Promise<SoakDatabase> {
  const { superuserUrl, ownerUrl, appUrl, drop } = await ownDatabase();
  return { superuserUrl, ownerUrl, appUrl, close: drop };
}

/** A server of its own, which keeps what it has committed whatever happens to its processes. */
export async function ownServer(): Promise<SoakDatabase> {
  const dataDir = await mkdtemp(join(tmpdir(), "stallholder-soak-pg-"));
  let server = await startEmbedded({ dataDir });
  return {
    get superuserUrl() {
      return server.superuserUrl;
    },
    get ownerUrl() {
      return server.ownerUrl;
    },
    get appUrl() {
      return server.appUrl;
    },
    restart: async () => {
      await endAtOnce(dataDir);
      await server.stop();
      server = await startEmbedded({ dataDir });
    },
    close: async () => {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** SIGQUIT to PostgreSQL's first process is its immediate shutdown: nothing is finished, the next start recovers. */
async function endAtOnce(dataDir: string): Promise<void> {
  const [line = ""] = (await readFile(join(dataDir, "postgres/cluster/postmaster.pid"), "utf8")).split("\n");
  process.kill(Number(line), "SIGQUIT");
}

/** Questions to the database past every wall, also while its server is being started again. */
export interface Looker {
  look<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** A server that was ended at once recovers first, on a busy machine for many seconds. */
const ANSWERS_WITHIN_MS = 120_000;
const PAUSE_MS = 100;

export function lookAt(database: SoakDatabase): Looker {
  let client: pg.Client | undefined;
  const connected = async (): Promise<pg.Client> => {
    if (client !== undefined) return client;
    const fresh = new pg.Client({ connectionString: database.superuserUrl, connectionTimeoutMillis: 2_000 });
    fresh.on("error", () => {
      if (client === fresh) client = undefined;
    });
    await fresh.connect();
    client = fresh;
    return fresh;
  };
  const once = async <Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> => {
    const { rows } = await (await connected()).query<Row>(text, [...values]);
    return rows;
  };
  const patiently = async <Row extends object>(text: string, values: readonly unknown[]): Promise<Row[]> => {
    const until = performance.now() + ANSWERS_WITHIN_MS;
    for (;;) {
      try {
        return await once(text, values);
      } catch (fault) {
        if (performance.now() > until || !mayPass(fault)) throw fault;
        await client?.end().catch(() => undefined);
        client = undefined;
        await sleep(PAUSE_MS);
      }
    }
  };
  let turn: Promise<unknown> = Promise.resolve();
  return {
    look: <Row extends object>(text: string, values: readonly unknown[] = []) => {
      const mine = turn.then(() => patiently<Row>(text, values));
      turn = mine.catch(() => undefined);
      return mine;
    },
    close: async () => {
      await client?.end().catch(() => undefined);
    },
  };
}

/** A lost connection, or a deadlock with the provider at work. */
const mayPass = (fault: unknown): boolean => {
  const code = typeof fault === "object" && fault !== null && "code" in fault ? String(fault.code) : "";
  return (
    /^(ECONN|EPIPE|57P0|08|40P01)/.test(code) || (fault instanceof Error && /connection|timeout/i.test(fault.message))
  );
};

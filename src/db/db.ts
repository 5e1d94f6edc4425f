import { setTimeout as sleep } from "node:timers/promises";
import knex, { type Knex } from "knex";
import pg from "pg";
import { type Copy, copyAndCommit } from "./copy.ts";
import { lostConnection, mayRepeat, mayRunAgain, translate } from "./faults.ts";

export interface Statement {
  readonly text: string;
  readonly values?: readonly unknown[];
  /** Prepares the statement under this name: for the few hot ones. */
  readonly name?: string;
  /** A second run has no effect of its own and the same answer: when the connection is cut, it is sent again. */
  readonly repeatable?: boolean;
}

/** What code inside a transaction may use, and all it may use. */
export interface Tx {
  /** `name` prepares the statement under this name: for the few hot ones. */
  query<Row extends object>(text: string, values?: readonly unknown[], name?: string): Promise<Row[]>;
  /** `COPY … FROM STDIN`, sent with the COMMIT when `work` is done: the last that the transaction does. */
  copyAtEnd(copies: readonly Copy[]): void;
  /** knex on this transaction's connection. Await the builder where you write it: it runs each time it is awaited. */
  from(table: string): Knex.QueryBuilder;
}

export interface Database {
  /**
   * One statement in a transaction of its own. For the doors, and for tables that hold no tenant. Runs again after a
   * deadlock or serialisation failure; rejects with `unavailable` when the connection is lost.
   */
  run<Row extends object>(statement: Statement): Promise<Row[]>;
  /**
   * Runs `work` in one transaction that begins with `prelude` (plain SQL without parameters), and commits. `work` is also
   * given what the last statement of the prelude answered. A deadlock or serialisation failure runs `work` again, at
   * most three times, so it must have no effect outside the database. Rejects with `unavailable` when the connection is
   * lost, also during COMMIT: then the outcome is unknown.
   */
  transaction<T, Row extends object = never>(
    prelude: string,
    work: (tx: Tx, answered: readonly Row[]) => Promise<T>,
  ): Promise<T>;
  /** Calls `heard` on each notice of `channel`. Reconnects until the returned function is called. */
  listen(channel: string, heard: () => void): () => Promise<void>;
  close(): Promise<void>;
}

export interface DatabaseOptions {
  readonly url: string;
  readonly connections?: number;
  /** A statement that takes longer is cancelled. */
  readonly statementMs?: number;
  /** Whoever waits longer for a connection is told `unavailable`. */
  readonly connectMs?: number;
  /** Idle connections fail when the server goes away; that is told here and is no reason to stop. */
  readonly onFault?: (fault: unknown) => void;
}

const CONNECT_MS = 2_000;
const STATEMENT_MS = 14_000;
/** The server is given this much more to say that it cancelled a statement; then it is taken for dead. */
const GRACE_MS = 1_000;
const TRIES = 3;

const builder = knex({ client: "pg" });

export function connect(options: DatabaseOptions): Database {
  const report = options.onFault ?? (() => undefined);
  const statementMs = options.statementMs ?? STATEMENT_MS;
  const begin = `begin; set local statement_timeout = ${statementMs}; set local idle_in_transaction_session_timeout = 30000; `;
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.connections ?? 10,
    connectionTimeoutMillis: options.connectMs ?? CONNECT_MS,
    query_timeout: statementMs + GRACE_MS,
    keepAlive: true,
  });
  pool.on("error", report);
  // The pool stops listening before whoever waits for the connection can: an error in between would end the process.
  pool.on("connect", (client) => client.on("error", ignore));

  return {
    run: <Row extends object>(statement: Statement) =>
      retried(() => runOnce<Row>(pool, statement), statement.repeatable ? mayRepeat : mayRunAgain),
    transaction: (prelude, work) => retried(() => once(pool, begin + prelude, work), mayRunAgain),
    listen: (channel, heard) => listenOn(options.url, channel, heard, report),
    close: () => pool.end(),
  };
}

/** The connection is found broken at its next use. */
function ignore(): void {}

async function retried<T>(attempt: () => Promise<T>, mayTryAgain: (fault: unknown) => boolean): Promise<T> {
  for (let tried = 1; ; tried += 1) {
    try {
      return await attempt();
    } catch (fault) {
      if (tried >= TRIES || !mayTryAgain(fault)) throw translate(fault);
      await sleep(Math.random() * 20 * tried);
    }
  }
}

async function runOnce<Row extends object>(pool: pg.Pool, { text, values, name }: Statement): Promise<Row[]> {
  const { rows } = await pool.query<Row>({ text, values: [...(values ?? [])], ...(name ? { name } : {}) });
  return rows;
}

type Work<T, Row> = (tx: Tx, answered: readonly Row[]) => Promise<T>;

async function once<T, Row extends object>(pool: pg.Pool, begin: string, work: Work<T, Row>): Promise<T> {
  const client = await pool.connect();
  let broken: Error | undefined;
  const onError = (fault: Error): void => {
    broken = fault;
  };
  client.on("error", onError);
  try {
    const copies: Copy[] = [];
    const value = await work(handle(client, copies), await rowsOfLast<Row>(client, begin));
    const done = copies.length > 0 ? await copyAndCommit(client, copies) : (await client.query("commit")).command;
    // PostgreSQL answers COMMIT of an aborted transaction with the tag ROLLBACK and no error: somebody swallowed one.
    if (done !== "COMMIT")
      throw new Error("The transaction was rolled back: a failed statement inside it was ignored.");
    return value;
  } catch (fault) {
    if (lostConnection(fault)) broken = fault as Error;
    else await client.query("rollback").catch(onError);
    throw fault;
  } finally {
    client.off("error", onError);
    client.release(broken);
  }
}

/** pg answers a result for each of several statements; its types know one. */
async function rowsOfLast<Row extends object>(client: pg.PoolClient, statements: string): Promise<readonly Row[]> {
  const results = (await client.query<Row>(statements)) as unknown as readonly pg.QueryResult<Row>[];
  return results.at(-1)?.rows ?? [];
}

function handle(client: pg.PoolClient, copies: Copy[]): Tx {
  return {
    query: async <Row extends object>(text: string, values: readonly unknown[] = [], name?: string) =>
      (await client.query<Row>({ text, values: [...values], ...(name ? { name } : {}) })).rows,
    copyAtEnd: (more) => void copies.push(...more),
    from: (table) => builder(table).connection(client),
  };
}

function listenOn(url: string, channel: string, heard: () => void, report: (fault: unknown) => void) {
  let stopped = false;
  let current: pg.Client | undefined;

  const session = async (): Promise<void> => {
    const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: CONNECT_MS, keepAlive: true });
    current = client;
    const ended = new Promise<void>((resolve) => {
      client.on("end", resolve);
      client.on("error", (fault) => {
        if (!stopped) report(fault);
        resolve();
      });
    });
    try {
      await client.connect();
      client.on("notification", heard);
      await client.query(`listen ${channel}`);
      await ended;
    } finally {
      await client.end().catch(() => undefined);
    }
  };

  const keepListening = async (): Promise<void> => {
    while (!stopped) {
      await session().catch(() => undefined);
      if (!stopped) await sleep(1_000, undefined, { ref: false });
    }
  };
  const running = keepListening();

  return async () => {
    stopped = true;
    await current?.end().catch(() => undefined);
    await Promise.race([running, sleep(1_500, undefined, { ref: false })]);
  };
}

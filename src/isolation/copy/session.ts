import pg from "pg";

/**
 * Where tables of a tenant live. Everything is read and made as the tenant: definitions are the customer's, and PostgreSQL
 * runs what stands in them (`check (query_to_xml(…) is not null)`) with the rights of whoever copies. `SET ROLE` would not do:
 * an expression can reset it.
 */
export interface Place {
  /** A login of the tenant that may take the role `owner`. */
  readonly url: string;
  /** The role that owns everything of the tenant. Names of its logins begin with it and `_`. */
  readonly owner: string;
  /** The schema that holds the tenant's objects and nothing else; absent where the tenant has rows in shared tables. */
  readonly schema?: string;
  /** Where tables are shared: the function whose policies say which tables those are. */
  readonly tenantFunction?: string;
}

export interface SessionOptions {
  /** A statement that takes longer is cancelled. */
  readonly statementMs?: number;
  readonly signal?: AbortSignal;
  /** For tests: called before each statement. */
  readonly before?: (statement: string) => Promise<void>;
}

/** A connection to a place, with everything set that changes how values or definitions are written. */
export interface Session {
  readonly client: pg.Client;
  rows<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** One statement after the other. */
  run(statements: readonly string[]): Promise<void>;
}

const CONNECT_MS = 5_000;
const STATEMENT_MS = 3_600_000;
/** The server is given this much more to say that it cancelled a statement. */
const GRACE_MS = 5_000;
const LOCK_WAIT = "30s";

/** So that a value, or an expression, reads the same in both places whatever their defaults are. */
const PLAIN = {
  bytea_output: "hex",
  client_encoding: "UTF8",
  client_min_messages: "warning",
  // A statement whose client has gone does not run on.
  client_connection_check_interval: "5s",
  datestyle: "ISO, YMD",
  default_table_access_method: "heap",
  default_tablespace: "",
  extra_float_digits: "3",
  idle_in_transaction_session_timeout: "0",
  intervalstyle: "postgres",
  lc_monetary: "C",
  lock_timeout: LOCK_WAIT,
  quote_all_identifiers: "off",
  row_security: "on",
  standard_conforming_strings: "on",
  timezone: "UTC",
  xmloption: "content",
} as const;

/** Runs `work` on a connection of its own, which is ended whatever happens, and at once when the signal is given. */
export async function inPlace<T>(
  place: Place,
  { statementMs = STATEMENT_MS, signal, before }: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  signal?.throwIfAborted();
  const client = new pg.Client({
    connectionString: place.url,
    connectionTimeoutMillis: CONNECT_MS,
    query_timeout: statementMs + GRACE_MS,
    keepAlive: true,
  });
  client.on("error", ignore);
  const cut = (): void => void client.end().catch(ignore);
  signal?.addEventListener("abort", cut, { once: true });
  try {
    await client.connect();
    await client.query(settingsOf(place, statementMs));
    return await work(sessionOn(client, before));
  } catch (fault) {
    signal?.throwIfAborted();
    throw fault;
  } finally {
    signal?.removeEventListener("abort", cut);
    await client.end().catch(ignore);
  }
}

function ignore(): void {}

function settingsOf({ owner, schema }: Place, statementMs: number): string {
  const settings = Object.entries({
    ...PLAIN,
    role: schema === undefined ? "none" : owner,
    statement_timeout: `${statementMs}`,
  });
  const path = schema === undefined ? "''" : pg.escapeIdentifier(schema);
  return [
    ...settings.map(([name, value]) => `set ${name} = ${pg.escapeLiteral(value)}`),
    `set search_path = ${path}, pg_temp`,
  ].join("; ");
}

function sessionOn(client: pg.Client, before: SessionOptions["before"]): Session {
  return {
    client,
    rows: async <Row extends object>(text: string, values: readonly unknown[] = []) => {
      await before?.(text);
      return (await client.query<Row>(text, [...values])).rows;
    },
    run: async (statements) => {
      for (const statement of statements) {
        await before?.(statement);
        await client.query(statement);
      }
    },
  };
}

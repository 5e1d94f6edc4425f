import pg from "pg";

/** A connection to the tenants' server as its administrator. Statements run one by one, outside any transaction. */
export interface Session {
  /** Several statements in one text, without values, take effect together or not at all. */
  run<Row extends object>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  close(): Promise<void>;
}

/** Opens a session on the shared database, or on another one of the same server. */
export type OpenSession = (database?: string) => Promise<Session>;

const CONNECT_MS = 3_000;
const STATEMENT_MS = 10_000;
/** Customers' statements queue behind one of ours that waits for a lock. */
const LOCK_MS = 2_000;
const GRACE_MS = 1_000;
/** So many at once; more wait for their turn. */
const CONNECTIONS = 6;

/** Opens a session on the shared database as another login. */
export type OpenAs = (login: string, password: string) => Promise<Session>;

export interface Sessions {
  readonly open: OpenSession;
  readonly openAs: OpenAs;
  /** The name of the shared database. */
  readonly shared: string;
  close(): Promise<void>;
}

/** Sessions on the server of `url`: pooled on the database it names, of their own on any other. */
export function sessionsOn(url: string): Sessions {
  const shared = databaseOf(url);
  const limits = {
    connectionTimeoutMillis: CONNECT_MS,
    statement_timeout: STATEMENT_MS,
    lock_timeout: LOCK_MS,
    query_timeout: STATEMENT_MS + GRACE_MS,
    keepAlive: true,
    application_name: "stallholder",
  };
  const pool = new pg.Pool({ connectionString: url, max: CONNECTIONS, ...limits });
  pool.on("error", ignore);
  pool.on("connect", (client) => client.on("error", ignore));

  const pooled = async (): Promise<Session> => {
    const client = await pool.connect();
    let broken = false;
    return {
      run: async <Row extends object>(text: string, values?: readonly unknown[]) => {
        try {
          return await rows<Row>(client, text, values);
        } catch (fault) {
          broken = true;
          throw fault;
        }
      },
      // After a fault nobody knows what the connection still does: the next one gets another.
      close: async () => client.release(broken),
    };
  };
  const single = async (connectionString: string): Promise<Session> => {
    const client = new pg.Client({ connectionString, ...limits });
    client.on("error", ignore);
    await client.connect();
    return { run: (text, values) => rows(client, text, values), close: () => client.end() };
  };
  return {
    shared,
    open: (database) => (database === undefined || database === shared ? pooled() : single(onDatabase(url, database))),
    openAs: (username, password) => single(Object.assign(new URL(url), { username, password }).href),
    close: () => pool.end(),
  };
}

async function rows<Row extends object>(
  client: pg.ClientBase,
  text: string,
  values?: readonly unknown[],
): Promise<Row[]> {
  return (await client.query<Row>(text, values && [...values])).rows;
}

/** A connection that broke fails its next statement. */
function ignore(): void {}

function databaseOf(url: string): string {
  const { pathname, username } = new URL(url);
  return decodeURIComponent(pathname.slice(1)) || decodeURIComponent(username) || "postgres";
}

function onDatabase(url: string, database: string): string {
  const other = new URL(url);
  other.pathname = `/${encodeURIComponent(database)}`;
  return other.href;
}

/** Statements that take effect together, in one round trip. */
export async function together(session: Session, statements: readonly string[]): Promise<void> {
  if (statements.length > 0) await session.run(statements.join(";\n"));
}

/** Runs `work` on a session of its own. */
export async function within<T>(
  open: OpenSession,
  database: string | undefined,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await open(database);
  try {
    return await work(session);
  } finally {
    await session.close().catch(ignore);
  }
}

export const quoted = (name: string): string => pg.escapeIdentifier(name);
export const literal = (text: string): string => pg.escapeLiteral(text);

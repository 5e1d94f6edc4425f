import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";
import { COMMITTED, isWhole, ROLLBACK, type Statement, type Unit, unitReader } from "./pg-wire.ts";

export const sides = ["before", "after"] as const;
export type Side = (typeof sides)[number];

/** Where a process can die: before the database sees a commit, or after it while the answer is lost. */
export interface CrashAt<Point extends string> {
  readonly point: Point;
  readonly side: Side;
}

/** Which commits have a name. */
export interface CommitPoints<Point extends string> {
  /** The commit that one statement outside a transaction is, if it is one. */
  ofStatement(statement: Statement): Point | undefined;
  /** What the commit after these statements is; `unnamed`: a write that the list of points does not know. */
  ofTransaction(statements: readonly Statement[]): Point | { readonly unnamed: string } | undefined;
  /** The commit that waits while claims are held. */
  readonly claim?: Point;
}

export interface CommitProxyOptions<Point extends string> {
  readonly points: CommitPoints<Point>;
  /** The server's address at this moment. */
  readonly upstream: () => URL;
  /** The login whose commits are looked at; others pass. */
  readonly watched: string;
  /** Ends the provider at once. All connections are cut right after it. */
  readonly crash: (crash: CrashAt<Point>) => void;
  /** Whether a sweep or a claim would find something to do. */
  readonly hasWork: (point: Point) => Promise<boolean>;
}

export interface CommitProxy<Point extends string> {
  /** The same login and database, through the proxy. */
  through(databaseUrl: string): string;
  /** The next commit of this kind is the provider's end. */
  arm(crash: CrashAt<Point>): void;
  disarm(): void;
  readonly armed: CrashAt<Point> | undefined;
  /** The next commit of this kind is rolled back, and reported as done: what no database does. */
  vanish(point: Point): void;
  /** Nobody claims an operation until the answered function is called. */
  holdClaims(): () => void;
  /** Commits that no point stands for: the list of points would have a hole. */
  readonly unnamed: ReadonlySet<string>;
  close(): Promise<void>;
}

interface Session {
  watched: boolean;
  /** The statements since BEGIN. */
  transaction: Statement[] | undefined;
  /** What happens instead of passing the server's next answer on. */
  answer: (() => void) | undefined;
}

interface Wire {
  readonly client: Socket;
  readonly upstream: Socket;
}

/** A TCP proxy before PostgreSQL that knows a commit when it sees one. */
export async function openCommitProxy<Point extends string>(
  options: CommitProxyOptions<Point>,
): Promise<CommitProxy<Point>> {
  const sockets = new Set<Socket>();
  const unnamed = new Set<string>();
  let armed: CrashAt<Point> | undefined;
  let vanishing: Point | undefined;
  let free: Promise<void> = Promise.resolve();

  const cutAll = (): void => {
    for (const socket of sockets) socket.destroy();
  };
  const fire = (crash: CrashAt<Point>): void => {
    options.crash(crash);
    cutAll();
  };
  /** Answers whether this is the commit that was waited for, and then waits for no other. */
  const takes = async (point: Point): Promise<boolean> => {
    if (armed?.point !== point || !(await options.hasWork(point)) || armed?.point !== point) return false;
    armed = undefined;
    return true;
  };

  const vanishes = (point: Point): boolean => {
    if (point !== vanishing) return false;
    vanishing = undefined;
    return true;
  };
  /** Passes a commit on, or does what was ordered for it. */
  const commit = async (point: Point, { bytes }: Unit, session: Session, { client, upstream }: Wire): Promise<void> => {
    if (point === options.points.claim) await free;
    const side = armed?.side;
    if (vanishes(point)) {
      session.answer = () => client.write(COMMITTED);
      upstream.write(ROLLBACK);
    } else if (side === undefined || !(await takes(point))) {
      upstream.write(bytes);
    } else if (side === "before") {
      fire({ point, side });
    } else {
      session.answer = () => fire({ point, side });
      upstream.write(bytes);
    }
  };
  const pass = async (unit: Unit, session: Session, wire: Wire): Promise<void> => {
    if (unit.user !== undefined) session.watched = unit.user === options.watched;
    const point =
      session.watched && unit.statement ? pointOf(options.points, unit.statement, session, unnamed) : undefined;
    if (point === undefined) wire.upstream.write(unit.bytes);
    else await commit(point, unit, session, wire);
  };

  const server = createServer((client) => {
    const { hostname, port } = options.upstream();
    const upstream = connect(Number(port), hostname);
    const session: Session = { watched: false, transaction: undefined, answer: undefined };
    const read = unitReader();
    const kept: Buffer[] = [];
    let turn = Promise.resolve();
    const destroy = (): void => {
      client.destroy();
      upstream.destroy();
    };
    for (const socket of [client, upstream]) {
      sockets.add(socket.setNoDelay(true));
      socket.on("error", destroy).on("close", () => {
        sockets.delete(socket);
        destroy();
      });
    }
    client.on("data", (chunk) => {
      for (const unit of read(chunk)) turn = turn.then(() => pass(unit, session, { client, upstream })).catch(destroy);
    });
    upstream.on("data", (chunk) => {
      if (session.answer === undefined) return void client.write(chunk);
      kept.push(chunk);
      if (!isWhole(Buffer.concat(kept))) return;
      kept.length = 0;
      const { answer } = session;
      session.answer = undefined;
      answer();
    });
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;

  return {
    through: (databaseUrl) => Object.assign(new URL(databaseUrl), { host: `127.0.0.1:${port}` }).href,
    arm: (crash) => {
      armed = crash;
    },
    disarm: () => {
      armed = undefined;
    },
    get armed() {
      return armed;
    },
    vanish: (point) => {
      vanishing = point;
    },
    holdClaims: () => {
      let release = (): void => undefined;
      free = new Promise((resolve) => {
        release = resolve;
      });
      return release;
    },
    unnamed,
    close: async () => {
      cutAll();
      server.close();
      await once(server, "close");
    },
  };
}

/** Follows the transactions of a session; answers the commit point that this statement is. */
function pointOf<Point extends string>(
  points: CommitPoints<Point>,
  statement: Statement,
  session: Session,
  unnamed: Set<string>,
): Point | undefined {
  const { sql } = statement;
  if (/^begin\b/i.test(sql)) session.transaction = [];
  else if (/^rollback\b/i.test(sql)) session.transaction = undefined;
  else if (/^commit\b/i.test(sql)) return pointOfCommit(points, session, unnamed);
  else if (session.transaction === undefined) return points.ofStatement(statement);
  else session.transaction.push(statement);
  // Its last statement may bring the commit along.
  return session.transaction && /;\s*commit$/i.test(sql) ? pointOfCommit(points, session, unnamed) : undefined;
}

function pointOfCommit<Point extends string>(
  points: CommitPoints<Point>,
  session: Session,
  unnamed: Set<string>,
): Point | undefined {
  const point = points.ofTransaction(session.transaction ?? []);
  session.transaction = undefined;
  if (typeof point !== "object") return point;
  unnamed.add(point.unnamed);
  return undefined;
}

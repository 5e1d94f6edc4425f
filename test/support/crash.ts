import type { OpenSession, Session } from "../../src/isolation/databases/session.ts";

/**
 * `cut`: the connection breaks and the process goes on. `abandoned`: all connections close and nothing after it ever
 * happens, as when the process is gone: the promise of the work is never settled.
 */
export type CrashKind = "cut" | "abandoned";

/** Counts the statements that go to the tenants' server, and breaks off after one of them. */
export interface Crashes {
  readonly through: (open: OpenSession) => OpenSession;
  /**
   * Runs `work` with a crash right after the statement of that number, counted from 1. Answers the text of the statement,
   * or undefined when `work` came to its end with fewer.
   */
  after(statement: number, work: () => Promise<unknown>): Promise<string | undefined>;
}

export function crashes(kind: CrashKind): Crashes {
  let left = Number.POSITIVE_INFINITY;
  let dead = false;
  let crashed: (statement: string) => void = () => undefined;

  const opened = new Set<() => Promise<void>>();

  const crash = async (session: Session, text: string): Promise<never> => {
    dead = true;
    await session.close();
    if (kind === "abandoned") await Promise.all([...opened].map((close) => close()));
    crashed(text);
    if (kind === "cut") throw Object.assign(new Error("Connection terminated unexpectedly"), { code: "08006" });
    return new Promise<never>(() => undefined);
  };

  return {
    through: (open) => async (database) => {
      if (dead) throw Object.assign(new Error("connect ECONNREFUSED"), { code: "ECONNREFUSED" });
      const session = await open(database);
      let closed = false;
      const close = async () => {
        if (closed) return;
        closed = true;
        opened.delete(close);
        await session.close();
      };
      opened.add(close);
      return {
        close,
        run: async <Row extends object>(text: string, values?: readonly unknown[]) => {
          if (dead) throw Object.assign(new Error("Connection terminated"), { code: "08006" });
          const rows = await session.run<Row>(text, values);
          left -= 1;
          return left === 0 ? crash({ run: session.run, close }, text) : rows;
        },
      };
    },
    after: async (statement, work) => {
      left = statement;
      const cut = new Promise<string>((resolve) => {
        crashed = resolve;
      });
      const ended = work().then(
        () => undefined,
        () => undefined,
      );
      const text = await Promise.race([cut, ended]);
      // A connection that was cut is answered for before anything else happens.
      if (kind === "cut") await ended;
      left = Number.POSITIVE_INFINITY;
      dead = false;
      return text;
    },
  };
}

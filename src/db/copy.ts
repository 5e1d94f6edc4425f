import type pg from "pg";

/** What pg calls on the object whose turn it is; its types know the first alone. */
interface CopyConnection {
  readonly stream: { cork(): void; uncork(): void };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** A `COPY … FROM STDIN` and its input. */
export interface Copy {
  readonly statement: string;
  readonly data: Buffer;
}

/**
 * Sends several copies, and COMMIT, in one message; answers PostgreSQL's word for what came of the last. Rejects with its
 * error, and nothing is stored. The input follows without waiting for the server to ask for it: after an error it
 * reads the rest and drops it.
 */
export function copyAndCommit(client: pg.ClientBase, copies: readonly Copy[]): Promise<string> {
  return new Promise((resolve, reject) => {
    let done = "";
    client.query({
      callback: (fault?: unknown) => (fault ? reject(fault) : resolve(done)),
      submit: (connection: unknown) => send(connection as CopyConnection, copies),
      handleCopyInResponse: () => undefined,
      handleCommandComplete: ({ text }: { text: string }) => {
        done = text;
      },
      handleReadyForQuery(): void {
        this.callback();
      },
      handleError(fault: unknown): void {
        this.callback(fault);
      },
    });
  });
}

function send(connection: CopyConnection, copies: readonly Copy[]): void {
  connection.stream.cork();
  connection.query([...copies.map(({ statement }) => statement), "commit"].join("; "));
  for (const { data } of copies) {
    connection.sendCopyFromChunk(data);
    connection.endCopyFrom();
  }
  connection.stream.uncork();
}

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
 * Sends several copies one after the other in one message; rejects with PostgreSQL's error, and nothing is stored. The
 * input follows without waiting for the server to ask for it: after an error it reads the rest and drops it.
 */
export function copyIn(client: pg.ClientBase, copies: readonly Copy[]): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query({
      callback: (fault?: unknown) => (fault ? reject(fault) : resolve()),
      submit: (connection: unknown) => send(connection as CopyConnection, copies),
      handleCopyInResponse: () => undefined,
      handleCommandComplete: () => undefined,
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
  connection.query(copies.map(({ statement }) => statement).join("; "));
  for (const { data } of copies) {
    connection.sendCopyFromChunk(data);
    connection.endCopyFrom();
  }
  connection.stream.uncork();
}

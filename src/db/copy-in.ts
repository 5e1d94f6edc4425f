import type pg from "pg";

/** What pg calls on the object whose turn it is; its types know the first alone. */
interface CopyConnection {
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

/** Sends `data` as the input of a `COPY … FROM STDIN`; rejects with PostgreSQL's error, and nothing is stored. */
export function copyIn(client: pg.ClientBase, statement: string, data: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    client.query({
      callback: (fault?: unknown) => (fault ? reject(fault) : resolve()),
      submit: (connection: unknown) => (connection as CopyConnection).query(statement),
      handleCopyInResponse: (connection: CopyConnection) => {
        connection.sendCopyFromChunk(data);
        connection.endCopyFrom();
      },
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

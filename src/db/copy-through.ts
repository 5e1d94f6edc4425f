import type { Writable } from "node:stream";
import type pg from "pg";

/** What pg calls the object whose turn it is with; its types know `submit` alone. */
interface Wire {
  readonly stream: Writable & { pause(): void; resume(): void };
  query(text: string): void;
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
}

export interface CopyThrough {
  /** `COPY … TO STDOUT` on `from`, and `COPY … FROM STDIN` on `to` of the same columns in the same format. */
  readonly from: pg.ClientBase;
  readonly read: string;
  readonly to: pg.ClientBase;
  readonly write: string;
  /** Aborted: both connections are cut. */
  readonly signal?: AbortSignal;
  /** Called as bytes go through, not more often than once for each batch. */
  readonly onBytes?: (bytes: number) => void;
}

/** Rows go on in batches of at least this, so that a narrow table does not cost a message and a write for each row. */
const BATCH_BYTES = 64 * 1024;

/**
 * Streams rows from one server process to another; answers how many went through. The slower end sets the pace: no more
 * is held than a batch and what the sockets hold. Rejects with what failed first; then both connections are cut, because
 * one of them stands in the middle of a COPY. The caller ends them.
 */
export function copyThrough({ from, read, to, write, signal, onBytes }: CopyThrough): Promise<number> {
  return new Promise((resolve, reject) => {
    let source: Wire | undefined;
    let target: Wire | undefined;
    let batch: Buffer[] = [];
    let size = 0;
    let rows = 0;
    let over = false;

    const fail = (fault: unknown): void => {
      if (over) return;
      over = true;
      signal?.removeEventListener("abort", onAbort);
      source?.stream.destroy();
      target?.stream.destroy();
      reject(fault);
    };
    const onAbort = (): void => fail(signal?.reason);
    const send = (): void => {
      if (target === undefined || size === 0) return;
      target.sendCopyFromChunk(Buffer.concat(batch));
      onBytes?.(size);
      batch = [];
      size = 0;
      if (!target.stream.writableNeedDrain || source === undefined) return;
      source.stream.pause();
      target.stream.once("drain", () => source?.stream.resume());
    };
    // pg times a query by its callback, and takes the time limit back when that is called.
    const reader = {
      callback: ignore,
      submit: (wire: unknown) => {
        source = wire as Wire;
        source.query(read);
      },
      handleCopyData: ({ chunk }: { chunk: Buffer }) => {
        // pg reads the next message into the same memory.
        batch.push(Buffer.from(chunk));
        size += chunk.length;
        if (size >= BATCH_BYTES && !over) send();
      },
      handleCommandComplete: ignore,
      handleReadyForQuery: () => {
        reader.callback();
        if (over) return;
        send();
        target?.endCopyFrom();
      },
      handleError: (fault: unknown) => {
        reader.callback();
        fail(fault);
      },
    };
    const writer = {
      callback: ignore,
      submit: (wire: unknown) => {
        target = wire as Wire;
        target.query(write);
      },
      handleCopyInResponse: () => from.query(reader),
      handleCommandComplete: ({ text }: { text: string }) => {
        rows = Number(text.split(" ").at(-1));
      },
      handleReadyForQuery: () => {
        writer.callback();
        if (over) return;
        over = true;
        signal?.removeEventListener("abort", onAbort);
        resolve(rows);
      },
      handleError: (fault: unknown) => {
        writer.callback();
        fail(fault);
      },
    };

    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    to.query(writer);
  });
}

function ignore(): void {}

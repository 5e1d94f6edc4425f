import { connect, type Socket } from "node:net";

const HEAD_END = Buffer.from("\r\n\r\n");
const LENGTH = /\r\ncontent-length: *(\d+)/i;

export interface Answer {
  readonly status: number;
  readonly body: string;
}

/**
 * One kept connection to a server on this machine that is asked and answers in turn. It understands what the measured
 * servers send and no more, so that the generator takes little of the processor from them.
 */
export interface Sender {
  ask(head: string, body: string): Promise<Answer>;
  close(): void;
}

export async function openSender(port: number): Promise<Sender> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  await new Promise<void>((resolve, reject) => socket.once("connect", resolve).once("error", reject));
  const answers = answersOf(socket);
  return {
    ask: (head, body) => {
      socket.write(`${head}Content-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
      return answers.next();
    },
    close: () => socket.destroy(),
  };
}

function answersOf(socket: Socket): { next(): Promise<Answer> } {
  let received: Buffer = Buffer.alloc(0);
  let heard: ((answer: Answer) => void) | undefined;
  let failed: ((fault: Error) => void) | undefined;

  const fail = (fault?: Error): void => failed?.(fault ?? new Error("The server closed the connection."));
  socket.on("data", (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk]);
    const answer = answerIn(received);
    if (answer === undefined) return;
    received = received.subarray(received.length);
    if (answer === "no length") fail(new Error("An answer came without its length."));
    else heard?.(answer);
  });
  socket.on("error", fail);
  socket.on("close", () => fail());
  return {
    next: () =>
      new Promise((resolve, reject) => {
        heard = resolve;
        failed = reject;
      }),
  };
}

/** Undefined while something is missing. */
function answerIn(bytes: Buffer): Answer | "no length" | undefined {
  const headEnd = bytes.indexOf(HEAD_END);
  if (headEnd === -1) return undefined;
  const head = bytes.toString("latin1", 0, headEnd);
  const length = Number(LENGTH.exec(head)?.[1]);
  if (Number.isNaN(length)) return "no length";
  const start = headEnd + HEAD_END.length;
  if (bytes.length < start + length) return undefined;
  return { status: Number(head.slice(9, 12)), body: bytes.toString("latin1", start, start + length) };
}

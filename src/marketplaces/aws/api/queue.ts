import type { Caller } from "./call.ts";
import { type Fetched, fetched } from "./fetched.ts";

/** A message as the queue hands it out: not yet believed, not yet read. */
export interface QueuedMessage {
  readonly id: string;
  /** For `settle`; another one at each delivery. */
  readonly handle: string;
  readonly body: string;
  readonly sentAt?: Date;
  /** How often it was handed out, this time included. */
  readonly received: number;
}

const AT_ONCE = 10;
const WAIT_SECONDS = 20;
/** Longer than the queue itself waits for a message. */
const RECEIVE_MS = 24_000;
const SETTLE_MS = 10_000;

/** Waits up to 20 s for messages. An empty answer is ordinary. The signal ends the wait at once. */
export async function receiveMessages(
  caller: Caller,
  queueUrl: string,
  signal?: AbortSignal,
): Promise<Fetched<QueuedMessage[]>> {
  const called = await caller.call({ ms: RECEIVE_MS, signal }, async (bound) => {
    const { ReceiveMessageCommand } = await import("@aws-sdk/client-sqs");
    const client = await caller.clients.queue(queueUrl);
    const command = new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: AT_ONCE,
      WaitTimeSeconds: WAIT_SECONDS,
      MessageSystemAttributeNames: ["ApproximateReceiveCount", "SentTimestamp"],
    });
    const { Messages = [] } = await client.send(command, { abortSignal: bound });
    return Messages.flatMap(({ MessageId, ReceiptHandle, Body = "", Attributes = {} }) => {
      if (MessageId === undefined || ReceiptHandle === undefined) return [];
      const sentAt = Number(Attributes["SentTimestamp"]);
      const when = Number.isFinite(sentAt) ? { sentAt: new Date(sentAt) } : {};
      const received = Number(Attributes["ApproximateReceiveCount"] ?? 1);
      return [{ id: MessageId, handle: ReceiptHandle, body: Body, received, ...when }];
    });
  });
  return fetched(called);
}

/**
 * Takes messages off the queue, once they are stored. Tells how many went; those that did not are delivered again,
 * which the inbox bears.
 */
export async function settleMessages(
  caller: Caller,
  queueUrl: string,
  handles: readonly string[],
  signal?: AbortSignal,
): Promise<Fetched<number>> {
  const called = await caller.call({ ms: SETTLE_MS, signal }, async (bound) => {
    const { DeleteMessageBatchCommand } = await import("@aws-sdk/client-sqs");
    const client = await caller.clients.queue(queueUrl);
    let settled = 0;
    for (let from = 0; from < handles.length; from += AT_ONCE) {
      const entries = handles
        .slice(from, from + AT_ONCE)
        .map((handle, n) => ({ Id: String(n), ReceiptHandle: handle }));
      const command = new DeleteMessageBatchCommand({ QueueUrl: queueUrl, Entries: entries });
      const { Successful = [] } = await client.send(command, { abortSignal: bound });
      settled += Successful.length;
    }
    return settled;
  });
  return fetched(called);
}

import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import { SELLER_ACCOUNT } from "../model/accounts.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, onWire } from "../wire/answers.ts";
import type { Operation, WireCall } from "../wire/service.ts";
import { bodyDigest, MOST_RECEIVES, type Queue, type QueuedMessage } from "./queue.ts";

export const QUEUE_NAME = "stallholder-aws-events";
const DEAD_LETTERS_NAME = `${QUEUE_NAME}-dead`;
const USUAL_VISIBILITY_S = 30;
const LONGEST_VISIBILITY_S = 43_200;
const LONGEST_WAIT_S = 20;
const MOST_MESSAGES = 10;
/** A turned clock can make a hidden message visible: a long poll looks this often. */
const LOOK_EVERY_MS = 500;

export function queueUrl({ origin }: Pick<Aws, "origin">, name = QUEUE_NAME): string {
  return `${origin}/${SELLER_ACCOUNT}/${name}`;
}

export function queueArn(name = QUEUE_NAME): string {
  return `arn:aws:sqs:us-east-1:${SELLER_ACCOUNT}:${name}`;
}

export const queueOperations: Readonly<Record<string, Operation>> = {
  GetQueueUrl: (aws, { body }) => {
    const name = textIn(body, "QueueName");
    return name === QUEUE_NAME || name === DEAD_LETTERS_NAME ? { QueueUrl: queueUrl(aws, name) } : NO_QUEUE;
  },
  GetQueueAttributes: ofQueue(({ name, queue }, _aws, { body }) => ({
    Attributes: attributes(name, queue, body["AttributeNames"]),
  })),
  ReceiveMessage: ofQueue(receive),
  DeleteMessage: ofQueue((named, _aws, { body }) => remove(named, body) ?? {}),
  DeleteMessageBatch: ofQueue((named, _aws, { body }) => batch(body, (entry) => remove(named, entry))),
  ChangeMessageVisibility: ofQueue((named, _aws, { body }) => changeVisibility(named, body) ?? {}),
  ChangeMessageVisibilityBatch: ofQueue((named, _aws, { body }) =>
    batch(body, (entry) => changeVisibility(named, entry)),
  ),
};

interface NamedQueue {
  readonly name: string;
  readonly queue: Queue;
}

const NO_QUEUE: AwsError = {
  ...awsError("QueueDoesNotExist", "The specified queue does not exist."),
  queryCode: "AWS.SimpleQueueService.NonExistentQueue;Sender",
};
const BAD_RECEIPT: AwsError = {
  ...awsError("ReceiptHandleIsInvalid", "The input receipt handle is invalid."),
  queryCode: "ReceiptHandleIsInvalid;Sender",
};
const NOT_IN_FLIGHT: AwsError = {
  ...awsError("MessageNotInflight", "The message is visible, or gone."),
  queryCode: "AWS.SimpleQueueService.MessageNotInflight;Sender",
};

function invalid(message: string): AwsError {
  return { ...awsError("InvalidParameterValue", message), queryCode: "InvalidParameterValue;Sender" };
}

/** A queue is known by the end of its URL: callers reach it by other hosts than ours too. */
function ofQueue(answer: (named: NamedQueue, ...call: Parameters<Operation>) => ReturnType<Operation>): Operation {
  return (aws, call) => {
    const [account, name] = (textIn(call.body, "QueueUrl") ?? "").split("/").slice(-2);
    if (account !== SELLER_ACCOUNT) return NO_QUEUE;
    if (name === QUEUE_NAME) return answer({ name, queue: aws.state.queue }, aws, call);
    return name === DEAD_LETTERS_NAME ? answer({ name, queue: aws.state.deadLetters }, aws, call) : NO_QUEUE;
  };
}

function remove({ queue }: NamedQueue, entry: JsonObject): AwsError | undefined {
  return queue.delete(textIn(entry, "ReceiptHandle") ?? "") ? undefined : BAD_RECEIPT;
}

async function receive({ queue }: NamedQueue, aws: Aws, call: WireCall): Promise<JsonObject | AwsError> {
  const most = numberIn(call.body, "MaxNumberOfMessages", 1);
  const wait = numberIn(call.body, "WaitTimeSeconds", 0);
  const hidden = numberIn(call.body, "VisibilityTimeout", USUAL_VISIBILITY_S);
  if (!(most >= 1 && most <= MOST_MESSAGES)) return invalid("MaxNumberOfMessages must be 1 to 10.");
  if (!(wait >= 0 && wait <= LONGEST_WAIT_S)) return invalid("WaitTimeSeconds must be 0 to 20.");
  if (!(hidden >= 0 && hidden <= LONGEST_VISIBILITY_S)) return invalid("VisibilityTimeout must be 0 to 43200.");
  const messages = await poll(queue, aws, call, { most, hiddenMs: hidden * 1_000, waitMs: wait * 1_000 });
  return onWire({ Messages: messages.length === 0 ? undefined : messages.map(messageView) });
}

/** Waits in real time, as the caller does. */
async function poll(
  queue: Queue,
  { stopping }: Aws,
  { gone }: WireCall,
  { most, hiddenMs, waitMs }: { most: number; hiddenMs: number; waitMs: number },
): Promise<readonly QueuedMessage[]> {
  const until = performance.now() + waitMs;
  let messages = queue.receive(most, hiddenMs);
  while (messages.length === 0 && performance.now() < until && !gone.aborted && !stopping.aborted) {
    const pause = Math.min(LOOK_EVERY_MS, Math.max(1, Math.ceil(until - performance.now())));
    await queue.sent(AbortSignal.any([gone, stopping, AbortSignal.timeout(pause)]));
    if (!gone.aborted) messages = queue.receive(most, hiddenMs);
  }
  return messages;
}

function messageView(message: QueuedMessage): JsonObject {
  return {
    MessageId: message.id,
    ReceiptHandle: message.receipt,
    Body: message.body,
    MD5OfBody: bodyDigest(message.body),
    Attributes: {
      SentTimestamp: String(message.sentAt.getTime()),
      ApproximateReceiveCount: String(message.receives),
      ApproximateFirstReceiveTimestamp: String(message.firstReceivedAt?.getTime()),
    },
  };
}

function changeVisibility({ queue }: NamedQueue, entry: JsonObject): AwsError | undefined {
  const seconds = numberIn(entry, "VisibilityTimeout", Number.NaN);
  if (!(seconds >= 0 && seconds <= LONGEST_VISIBILITY_S)) return invalid("VisibilityTimeout must be 0 to 43200.");
  const outcome = queue.hide(textIn(entry, "ReceiptHandle") ?? "", seconds * 1_000);
  if (outcome === "unknown") return BAD_RECEIPT;
  return outcome === "not_in_flight" ? NOT_IN_FLIGHT : undefined;
}

/** Each entry stands for itself; a bad one fails alone. */
function batch(body: JsonObject, act: (entry: JsonObject) => AwsError | undefined): JsonObject | AwsError {
  const entries = Array.isArray(body["Entries"]) ? body["Entries"].map(asJsonObject) : [];
  if (entries.length < 1 || entries.length > MOST_MESSAGES)
    return awsError("EmptyBatchRequest", "A batch has 1 to 10 entries.");
  const done = entries.map((entry) => ({ Id: entry["Id"], fault: act(entry) }));
  return {
    Successful: done.filter(({ fault }) => fault === undefined).map(({ Id }) => ({ Id })),
    Failed: done.flatMap(({ Id, fault }) =>
      fault === undefined ? [] : [{ Id, SenderFault: true, Code: fault.error, Message: fault.message }],
    ),
  };
}

function attributes(name: string, queue: Queue, names: unknown): JsonObject {
  const { visible, hidden } = queue.counts();
  const redrive = { deadLetterTargetArn: queueArn(DEAD_LETTERS_NAME), maxReceiveCount: MOST_RECEIVES };
  const all: Readonly<Record<string, string>> = {
    ApproximateNumberOfMessages: String(visible),
    ApproximateNumberOfMessagesNotVisible: String(hidden),
    ApproximateNumberOfMessagesDelayed: "0",
    MessageRetentionPeriod: "1209600",
    QueueArn: queueArn(name),
    VisibilityTimeout: String(USUAL_VISIBILITY_S),
    ...(name === QUEUE_NAME && { RedrivePolicy: JSON.stringify(redrive) }),
  };
  const wanted: readonly unknown[] = Array.isArray(names) ? names : [];
  if (wanted.includes("All")) return all;
  return Object.fromEntries(Object.entries(all).filter(([name]) => wanted.includes(name)));
}

function numberIn(object: JsonObject, name: string, usual: number): number {
  const value = object[name] ?? usual;
  return typeof value === "number" && Number.isInteger(value) ? value : Number.NaN;
}

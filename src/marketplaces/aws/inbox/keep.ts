import { createHash } from "node:crypto";
import type { AwsOptions } from "../options.ts";
import type { About, Fact } from "./fact.ts";
import { asObject, parsed, textIn } from "./reading.ts";

/** Who gives the message its id: the same event by two ways is one. */
type Source = "eventbridge" | "sns" | "queue" | "sweep";

interface NewMessage {
  readonly source: Source;
  readonly id: string;
  readonly body: Buffer;
  readonly sentAt?: Date | undefined;
}

/**
 * Stores a message as it came, and resolves once that is durable; false when it is there already. What it says is read by
 * the worker.
 */
export async function keepMessage({ store, clock }: AwsOptions, message: NewMessage): Promise<boolean> {
  const [row] = await store.throughDoor<{ fresh: boolean }>({
    text: "select aws_keep_message($1, $2, $3, $4, $5) as fresh",
    values: [message.source, message.id, message.body, message.sentAt ?? null, clock.now()],
    repeatable: true,
  });
  return row?.fresh ?? false;
}

const LONGEST_ID = 200;

const digestOf = (body: Buffer): string => `sha256 ${createHash("sha256").update(body).digest("hex")}`;

const idIn = (object: Readonly<Record<string, unknown>> | undefined, name: string): string | undefined => {
  const id = textIn(object, name);
  return id !== undefined && id.length <= LONGEST_ID ? id : undefined;
};

/** An event of EventBridge by its own id; a body that has none by what it is. */
export function asEvent(body: Buffer): NewMessage {
  const id = idIn(asObject(parsed(body)), "id");
  return { source: "eventbridge", id: id ?? digestOf(body), body };
}

/** A message out of the queue: an event, a notification in its envelope, or one without. */
export function asQueued(id: string, body: Buffer, sentAt: Date | undefined): NewMessage {
  const object = asObject(parsed(body));
  if (object !== undefined && "detail-type" in object) return { ...asEvent(body), sentAt };
  const envelopeId = object?.["Type"] === "Notification" ? idIn(object, "MessageId") : undefined;
  if (envelopeId !== undefined) return { source: "sns", id: envelopeId, body, sentAt };
  return { source: "queue", id, body, sentAt };
}

/** What we found out by asking AWS ourselves, in the shape that `readMessage` takes. */
export interface Found {
  readonly fact: Fact;
  readonly at: string;
  readonly about: About;
  readonly arn?: string | null | undefined;
  readonly productCode?: string | null | undefined;
  readonly productId?: string | null | undefined;
  readonly account?: string | null | undefined;
  readonly customer?: string | null | undefined;
  readonly agreementId?: string | null | undefined;
}

/** A fact found by a sweep, kept like any that AWS sends: it is deduplicated, ordered and read again alike. */
export function keepFound(options: AwsOptions, id: string, found: Found): Promise<boolean> {
  return keepMessage(options, { source: "sweep", id, body: Buffer.from(JSON.stringify({ found })) });
}

import { randomBytes, randomUUID } from "node:crypto";
import type { JsonObject } from "../../json.ts";
import type { Aws } from "../model/world.ts";
import { SNS_HOST } from "./signing-key.ts";

/** The order in which the members are signed; what is absent is skipped. */
const SIGNED = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
} as const;

/** A notification as SNS posts it, signed for good: every attempt sends these bytes. */
export function notification(aws: Aws, topic: string, body: JsonObject): Promise<JsonObject> {
  return signed(aws, "Notification", {
    Type: "Notification",
    MessageId: randomUUID(),
    TopicArn: topic,
    Message: JSON.stringify(body),
    Timestamp: aws.clock.now().toISOString(),
    UnsubscribeURL: `https://${SNS_HOST}/?Action=Unsubscribe&SubscriptionArn=${subscriptionArn(topic)}`,
  });
}

/** What SNS posts first to a new subscriber, who has to call `SubscribeURL`. */
export async function confirmation(
  aws: Aws,
  topic: string,
): Promise<{ readonly token: string; readonly body: JsonObject }> {
  const token = randomBytes(64).toString("hex");
  const query = new URLSearchParams({ Action: "ConfirmSubscription", TopicArn: topic, Token: token });
  const body = await signed(aws, "SubscriptionConfirmation", {
    Type: "SubscriptionConfirmation",
    MessageId: randomUUID(),
    Token: token,
    TopicArn: topic,
    Message: `You have chosen to subscribe to the topic ${topic}.\nTo confirm the subscription, visit the SubscribeURL included in this message.`,
    SubscribeURL: `https://${SNS_HOST}/?${query}`,
    Timestamp: aws.clock.now().toISOString(),
  });
  return { token, body };
}

/** The same subscription in every run. */
export function subscriptionArn(topic: string): string {
  return `${topic}:00000000-0000-4000-8000-000000000001`;
}

async function signed(aws: Aws, type: keyof typeof SIGNED, members: JsonObject): Promise<JsonObject> {
  const key = await aws.signingKey();
  const version = aws.state.delivery.signatureVersion;
  const present = SIGNED[type].filter((name) => members[name] !== undefined);
  const text = present.map((name) => `${name}\n${String(members[name])}\n`).join("");
  return {
    ...members,
    SignatureVersion: version,
    Signature: key.sign(text, version),
    SigningCertURL: `https://${SNS_HOST}${key.path}`,
  };
}

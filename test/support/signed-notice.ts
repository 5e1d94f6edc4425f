import { createSign, type KeyObject } from "node:crypto";

export type Members = Readonly<Record<string, unknown>>;

/** What SNS signs, in this order (SNS developer guide, "Verifying the signatures of Amazon SNS messages"). */
const SIGNED: Readonly<Record<string, readonly string[]>> = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
};

export function signedNotice(message: Members, algorithm: "RSA-SHA1" | "RSA-SHA256", key: KeyObject): Members {
  const text = (SIGNED[String(message["Type"])] ?? [])
    .filter((name) => message[name] !== undefined && message[name] !== null)
    .map((name) => `${name}\n${String(message[name])}\n`)
    .join("");
  return { ...message, Signature: createSign(algorithm).update(text).sign(key, "base64") };
}

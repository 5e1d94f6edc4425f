import { createVerify, type KeyObject } from "node:crypto";
import { asObject, type JsonObject, parsed } from "./reading.ts";

const TYPES = ["Notification", "SubscriptionConfirmation", "UnsubscribeConfirmation"] as const;
type SnsType = (typeof TYPES)[number];

/** A message as SNS posts it; nothing in it is to be believed before its signature has been checked. */
export interface SnsEnvelope {
  readonly type: SnsType;
  readonly messageId: string;
  readonly topicArn: string;
  readonly timestamp: Date;
  readonly signatureVersion: "1" | "2";
  readonly signature: string;
  readonly certificateUrl: string;
  /** Of the two confirmation types. */
  readonly subscribeUrl: string | undefined;
  /** What is signed. */
  readonly signed: string;
}

/** What is signed of each type, in this order; what is absent is skipped. (SNS, "Verifying the signatures of messages".) */
const SIGNED: Readonly<Record<SnsType, readonly string[]>> = {
  Notification: ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"],
  SubscriptionConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
  UnsubscribeConfirmation: ["Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"],
};

const LONGEST_ID = 200;

/** Reads a body of whatever content type; undefined when it is no complete message of SNS. */
export function readEnvelope(body: Buffer): SnsEnvelope | undefined {
  const object = asObject(parsed(body));
  const type = TYPES.find((known) => known === object?.["Type"]);
  if (object === undefined || type === undefined) return undefined;
  const text = (name: string): string => (typeof object[name] === "string" ? object[name] : "");
  const version = text("SignatureVersion");
  const timestamp = new Date(text("Timestamp"));
  const needed = ["Message", "MessageId", "TopicArn", "Signature", "SigningCertURL"];
  if (type !== "Notification") needed.push("Token", "SubscribeURL");
  const isComplete = needed.every((name) => text(name) !== "") && text("MessageId").length <= LONGEST_ID;
  if (!isComplete || Number.isNaN(timestamp.getTime()) || (version !== "1" && version !== "2")) return undefined;
  return {
    type,
    messageId: text("MessageId"),
    topicArn: text("TopicArn"),
    timestamp,
    signatureVersion: version,
    signature: text("Signature"),
    certificateUrl: text("SigningCertURL"),
    subscribeUrl: type === "Notification" ? undefined : text("SubscribeURL"),
    signed: signedText(object, SIGNED[type]),
  };
}

const signedText = (object: JsonObject, names: readonly string[]): string =>
  names
    .filter((name) => typeof object[name] === "string")
    .map((name) => `${name}\n${String(object[name])}\n`)
    .join("");

/** Version 1 is RSA with SHA-1, the default of a topic; version 2 with SHA-256. The topic is AWS's: we cannot choose. */
export function isSigned({ signatureVersion, signature, signed }: SnsEnvelope, key: KeyObject): boolean {
  const verify = createVerify(signatureVersion === "1" ? "RSA-SHA1" : "RSA-SHA256").update(signed, "utf8");
  try {
    return verify.verify(key, signature, "base64");
  } catch {
    return false;
  }
}

const REGION_OF_TOPIC = /^arn:aws(?:-cn)?:sns:([a-z]{2}(?:-[a-z]+)+-\d):\d{12}:[\w-]{1,256}$/;

/**
 * The host of SNS in the topic's own region. A certificate or a confirmation anywhere else is somebody else's: a bucket,
 * another service of AWS, a machine inside our network.
 */
export function snsHost(topicArn: string): string | undefined {
  const region = REGION_OF_TOPIC.exec(topicArn)?.[1];
  if (region === undefined) return undefined;
  return `sns.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
}

const CERTIFICATE_PATH = /^\/SimpleNotificationService-[0-9a-f]{32}\.pem$/;

/** Compared as text: a URL has many spellings, and SNS uses one. */
export function isCertificateUrl(url: string, host: string): boolean {
  const prefix = `https://${host}`;
  return url.startsWith(prefix) && CERTIFICATE_PATH.test(url.slice(prefix.length));
}

/** The address that confirms a subscription: the same host, its root, a query. */
export function isConfirmationUrl(url: string, host: string): boolean {
  return (
    url.startsWith(`https://${host}/?Action=ConfirmSubscription&`) && /^[\x21-\x7e]+$/.test(url) && !url.includes("#")
  );
}

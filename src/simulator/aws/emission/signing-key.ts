import { createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { fingerprintOf, selfSigned } from "./certificate.ts";

export const SNS_HOST = "sns.us-east-1.amazonaws.com";

export interface SigningKey {
  /** PEM */
  certificate(): string;
  /** Where AWS would have it: the host is AWS's, the path is served here. */
  certificateUrl(): string;
  sign(text: string, version: "1" | "2"): string;
}

interface Made {
  readonly privateKey: KeyObject;
  readonly certificate: string;
}

/** The key behind SNS signatures; made when the first message is signed, which takes a moment. */
export function createSigningKey(): SigningKey {
  let made: Made | undefined;
  const get = (): Made => {
    made ??= make();
    return made;
  };
  return {
    certificate: () => get().certificate,
    certificateUrl: () => `https://${SNS_HOST}${certificatePath(get().certificate)}`,
    sign: (text, version) =>
      createSign(version === "1" ? "RSA-SHA1" : "RSA-SHA256")
        .update(text)
        .sign(get().privateKey, "base64"),
  };
}

export function certificatePath(certificate: string): string {
  return `/SimpleNotificationService-${fingerprintOf(certificate)}.pem`;
}

function make(): Made {
  const keys = generateKeyPairSync("rsa", { modulusLength: 2_048 });
  return { privateKey: keys.privateKey, certificate: selfSigned(keys, SNS_HOST) };
}

import { createSign, generateKeyPair, type KeyObject } from "node:crypto";
import { promisify } from "node:util";
import { fingerprintOf, selfSigned } from "./certificate.ts";

export const SNS_HOST = "sns.us-east-1.amazonaws.com";

/** The key behind SNS's signatures, and the certificate that vouches for it. */
export interface SigningKey {
  /** PEM */
  readonly certificate: string;
  /** Below the host that AWS has it at; here it is served under the same path. */
  readonly path: string;
  sign(text: string, version: "1" | "2"): string;
}

/** The same key at each call; it is made at the first one, beside everything else that goes on. */
export function signingKeys(): () => Promise<SigningKey> {
  let made: Promise<SigningKey> | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

async function make(): Promise<SigningKey> {
  const keys = await promisify(generateKeyPair)("rsa", { modulusLength: 2_048 });
  const certificate = selfSigned(keys, SNS_HOST);
  return {
    certificate,
    path: `/SimpleNotificationService-${fingerprintOf(certificate)}.pem`,
    sign: (text, version) => sign(keys.privateKey, text, version),
  };
}

function sign(privateKey: KeyObject, text: string, version: "1" | "2"): string {
  const algorithm = version === "1" ? "RSA-SHA1" : "RSA-SHA256";
  return createSign(algorithm).update(text).sign(privateKey, "base64");
}

import { createCipheriv, createHash, createHmac, randomBytes, randomUUID } from "node:crypto";
import type { Purchase } from "./request.ts";

const PEPPER = randomBytes(32);
const SEALING = randomBytes(32);
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const CODE_LIVES_MS = 300_000;

const letters = (count: number): string => Array.from(randomBytes(count), (byte) => ALPHABET[byte % 26]).join("");

function seal(text: string): string {
  const iv = randomBytes(12);
  const cipher = createCipheriv("aes-256-gcm", SEALING, iv);
  return Buffer.concat([iv, cipher.update(text), cipher.final(), cipher.getAuthTag()]).toString("base64url");
}

/** The values of all rows of one purchase, as wide as ours; a grant code and a log token are sealed as ours are. */
export function rowsOf(purchase: Purchase) {
  const keyId = letters(16);
  const key = `acmesearch_live_${keyId}_${randomBytes(36).toString("base64url")}`;
  const code = purchase.code ?? "";
  const grant = `grant-${createHash("sha256").update(code).digest("hex")}`;
  const now = new Date();
  return {
    now,
    tenant: letters(26),
    digest: createHash("sha256")
      .update(JSON.stringify([purchase.plan, purchase.region, purchase.options]))
      .digest("hex"),
    kept: purchase.drain === null ? null : seal(JSON.stringify({ log_drain_token: purchase.drain })),
    operation: randomUUID(),
    credential: randomUUID(),
    key,
    keyId,
    keyHash: createHmac("sha256", PEPPER).update(key).digest("hex"),
    keySealed: seal(key),
    grant,
    grantPayload: { sealed: seal(code), expires_at: new Date(now.getTime() + CODE_LIVES_MS) },
  };
}

export type Rows = ReturnType<typeof rowsOf>;

export const BY = "marketplace:heroku";
export const SCOPES = ["tenant:read", "token"];
export const HINT_LENGTH = 4;

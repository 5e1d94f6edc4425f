import { createHash, randomBytes, randomInt, randomUUID } from "node:crypto";

const SMALL = "abcdefghijklmnopqrstuvwxyz0123456789";

function random(length: number): string {
  return Array.from({ length }, () => SMALL[randomInt(SMALL.length)]).join("");
}

export const newAgreementId = (): string => `agmt-${random(25)}`;
export const newOfferId = (): string => `offer-${random(13)}`;
export const newRequestId = (): string => randomUUID();
/** What the legacy generation calls a buyer. */
export const newCustomerIdentifier = (): string => random(11);
/** Twelve digits, and a text: it may begin with a zero. */
export const newAccountId = (): string => Array.from({ length: 12 }, () => randomInt(10)).join("");

/** The digits are License Manager's own account, not the buyer's. */
export const newLicenceArn = (): string =>
  `arn:aws:license-manager::294406891311:license:l-${randomBytes(16).toString("hex")}`;

/** Base64 with `+`, `/` and `=` in it, so that a careless reader of forms mangles it. */
export function newRegistrationToken(): string {
  for (let tries = 0; tries < 100; tries += 1) {
    const token = randomBytes(130).toString("base64");
    if (token.includes("+") && token.includes("/")) return token;
  }
  return "+/==";
}

/** The same text gives the same letters in every run. */
export function stableLetters(text: string, length: number): string {
  const bytes = createHash("sha256").update(text).digest();
  return Array.from({ length }, (_, index) => SMALL[(bytes[index % bytes.length] ?? 0) % SMALL.length]).join("");
}

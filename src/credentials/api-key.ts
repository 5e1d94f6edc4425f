import { createHmac, type KeyObject, randomBytes } from "node:crypto";
import { crc32 } from "node:zlib";

const ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const ID_LENGTH = 16;
/** Letters and digits only: a double click selects the whole key. 43 of them hold 256 bits. */
export const SECRET_ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
export const SECRET_LENGTH = 43;
const CHECKSUM_LENGTH = 6;
const API_KEY = /^([a-z0-9]{1,32}_live_([a-z2-7]{16})_[0-9A-Za-z]{43}_)([0-9A-Za-z]{6})$/;

export interface MintedApiKey {
  /** Shown to the customer; stored only sealed and as a keyed hash. */
  readonly value: string;
  /** The public part by which the key is looked up. */
  readonly keyId: string;
}

/** The beginning of every key of a service, so that secret scanners know it: `acme-search` → `acmesearch`. */
export const keyPrefix = (serviceId: string): string =>
  serviceId
    .toLowerCase()
    .replace(/[^a-z0-9]/g, "")
    .slice(0, 32);

/** A new key `<prefix>_live_<key id>_<secret>_<checksum>`; `prefix` comes from `keyPrefix`. */
export function mintApiKey(prefix: string): MintedApiKey {
  const keyId = randomText(ID_ALPHABET, ID_LENGTH);
  const body = `${prefix}_live_${keyId}_${randomText(SECRET_ALPHABET, SECRET_LENGTH)}_`;
  return { value: body + checksum(body), keyId };
}

/** The key's id, or undefined for what cannot be a key: the checksum stops typing errors before any look-up. */
export function parseApiKey(text: string): { readonly keyId: string } | undefined {
  const [, body, keyId, check] = API_KEY.exec(text) ?? [];
  if (body === undefined || keyId === undefined || check !== checksum(body)) return undefined;
  return { keyId };
}

/**
 * What is stored for look-up: HMAC-SHA256 of the whole key, 32 bytes. A slow hash would add nothing to 256 random bits
 * and would let anybody keep us busy.
 */
export const apiKeyHash = (pepper: KeyObject, value: string): Buffer =>
  createHmac("sha256", pepper).update(value).digest();

/** Each character is as likely as any other: a byte that would favour some is not used. */
export function randomText(alphabet: string, length: number): string {
  const fair = 256 - (256 % alphabet.length);
  let text = "";
  while (text.length < length) {
    for (const byte of randomBytes(length - text.length)) {
      if (byte < fair) text += alphabet.charAt(byte % alphabet.length);
    }
  }
  return text;
}

/** CRC-32 in six letters and digits: no secret, only a guard against typing errors and false finds of scanners. */
function checksum(body: string): string {
  let rest = crc32(body);
  let text = "";
  while (text.length < CHECKSUM_LENGTH) {
    text = SECRET_ALPHABET.charAt(rest % SECRET_ALPHABET.length) + text;
    rest = Math.floor(rest / SECRET_ALPHABET.length);
  }
  return text;
}

import { createSecretKey, hkdfSync, type KeyObject } from "node:crypto";
import { ProviderError } from "../errors.ts";

export interface RingKey {
  readonly id: string;
  /** Derived once, when the ring is read; the key itself is not kept. */
  readonly derived: Readonly<Record<Purpose, KeyObject>>;
}

export interface KeyRing {
  /** Seals and hashes whatever is new. */
  readonly primary: RingKey;
  /** Every key that still opens, the primary one first. */
  readonly byId: ReadonlyMap<string, RingKey>;
}

/** What a derived key is for; keys of different purposes have nothing in common. */
const PURPOSES = ["pepper", "seal", "session", "audit"] as const;

export type Purpose = (typeof PURPOSES)[number];

const ENTRY = /^([\w-]{1,32}):([A-Za-z0-9+/_-]{43}=?)$/;
const KEY_BYTES = 32;

/** Reads `id:base64,…` (32-byte keys, the first one primary). Throws `config_invalid`, never with any part of the text. */
export function parseKeyRing(text: string): KeyRing {
  const keys = text.split(",").map(parseEntry);
  const byId = new Map(keys.map((key) => [key.id, key]));
  const [primary] = keys;
  if (primary === undefined || byId.size < keys.length) throw invalid("names a key id twice");
  return { primary, byId };
}

function parseEntry(entry: string): RingKey {
  const [, id, base64] = ENTRY.exec(entry) ?? [];
  if (id === undefined || base64 === undefined) throw invalid("must be `id:base64,…` with keys of 32 bytes");
  const key = Buffer.from(base64, "base64");
  const derived = Object.fromEntries(PURPOSES.map((purpose) => [purpose, hkdf(key, purpose)]));
  return { id, derived: derived as RingKey["derived"] };
}

const hkdf = (key: Buffer, purpose: Purpose): KeyObject =>
  createSecretKey(Buffer.from(hkdfSync("sha256", key, "", `stallholder ${purpose}`, KEY_BYTES)));

const invalid = (message: string): ProviderError =>
  new ProviderError("config_invalid", "The key ring is not usable.", { faults: [{ at: "SECRET_KEYS", message }] });

/** The key of one purpose (HKDF-SHA256). The same ring key and purpose always give the same key. */
export const derive = (key: RingKey, purpose: Purpose): KeyObject => key.derived[purpose];

/** The keys of one purpose for a reader that tries several, the primary one first. */
export const deriveEach = (ring: KeyRing, purpose: Purpose): readonly KeyObject[] =>
  [...ring.byId.values()].map((key) => derive(key, purpose));

import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";
import { ProviderError } from "../errors.ts";
import { derive, type KeyRing } from "./key-ring.ts";

/** Where a sealed value belongs. It opens nowhere else: not for another tenant, in another field or row. */
export interface SealContext {
  /** The tenant's id, or a word for what is no tenant's. */
  readonly tenant: string;
  readonly field: string;
  readonly id: string;
}

const CIPHER = "aes-256-gcm";
const VERSION = "v1";
const IV_BYTES = 12;
/** Given on both sides: without it Node accepts a tag cut down to 4 bytes. */
const TAG = { authTagLength: 16 };
const SEALED = /^v1\.([\w-]{1,32})\.([\w-]{16})\.([\w-]*)\.([\w-]{22})$/;

/**
 * Seals a value for one place: `v1.<key id>.<iv>.<ciphertext>.<tag>`, base64url. Each call gives another text.
 *
 * One key per ring entry seals everything; there is no data key per value. A data key would only spare re-encrypting long
 * values when the ring rotates, and these are short: sealing again costs what wrapping a key again would. A random
 * 96-bit IV is safe for 2^32 values under one key, and the context is authenticated, so nothing can change places.
 */
export function seal(ring: KeyRing, context: SealContext, plaintext: string): string {
  const { primary } = ring;
  const iv = randomBytes(IV_BYTES);
  const cipher = createCipheriv(CIPHER, derive(primary, "seal"), iv, TAG).setAAD(associated(context, primary.id));
  const sealed = cipher.update(plaintext, "utf8");
  // GCM keeps no bytes back.
  cipher.final();
  return `${VERSION}.${primary.id}.${encode(iv)}.${encode(sealed)}.${encode(cipher.getAuthTag())}`;
}

/**
 * The value sealed for this place. Throws `config_invalid` when the ring no longer holds its key, and `internal` when the
 * text was altered or sealed for another place.
 */
export function open(ring: KeyRing, context: SealContext, sealed: string): string {
  const { keyId, iv, ciphertext, tag } = parse(sealed);
  const key = ring.byId.get(keyId);
  if (key === undefined) throw unknownKey(keyId);
  const decipher = createDecipheriv(CIPHER, derive(key, "seal"), iv, TAG)
    .setAAD(associated(context, keyId))
    .setAuthTag(tag);
  try {
    const opened = decipher.update(ciphertext);
    decipher.final();
    return opened.toString("utf8");
  } catch (cause) {
    throw doesNotOpen(cause);
  }
}

/** The id of the key a value was sealed with: whether to seal it again, and whether the ring still holds its key. */
export const sealedWith = (sealed: string): string => parse(sealed).keyId;

const encode = (bytes: Buffer): string => bytes.toString("base64url");

/** Refuses the texts that Node would read as the same bytes: a sealed value has one spelling. */
function decode(text: string): Buffer {
  const bytes = Buffer.from(text, "base64url");
  if (encode(bytes) !== text) throw doesNotOpen();
  return bytes;
}

/** JSON keeps the parts apart whatever characters they hold. */
const associated = ({ tenant, field, id }: SealContext, keyId: string): Buffer =>
  Buffer.from(JSON.stringify([VERSION, keyId, tenant, field, id]));

function parse(sealed: string): { keyId: string; iv: Buffer; ciphertext: Buffer; tag: Buffer } {
  const [, keyId, iv, ciphertext, tag] = SEALED.exec(sealed) ?? [];
  if (keyId === undefined || iv === undefined || ciphertext === undefined || tag === undefined) throw doesNotOpen();
  return { keyId, iv: decode(iv), ciphertext: decode(ciphertext), tag: decode(tag) };
}

const doesNotOpen = (cause?: unknown): ProviderError =>
  new ProviderError("internal", "A stored secret does not open. It has been recorded.", { cause });

const unknownKey = (keyId: string): ProviderError =>
  new ProviderError("config_invalid", "A stored secret needs a key that the key ring no longer holds.", {
    faults: [{ at: "SECRET_KEYS", message: `lacks the key \`${keyId}\`; put it back until nothing is sealed with it` }],
  });

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, randomBytes } from "node:crypto";
import jwt from "jsonwebtoken";
import { z } from "zod";
import { ProviderError } from "../errors.ts";

/** A public key as `/.well-known/jwks.json` shows it. */
export interface PublicJwk {
  readonly kty: "EC";
  readonly crv: "P-256";
  readonly alg: "ES256";
  readonly use: "sig";
  readonly kid: string;
  readonly x: string;
  readonly y: string;
}

/** A signing key as it is stored; the private part only sealed. */
export interface MintedSigningKey {
  readonly kid: string;
  readonly publicJwk: PublicJwk;
  readonly privatePem: string;
}

export interface SigningKey {
  readonly kid: string;
  readonly privateKey: KeyObject;
}

export interface TokenClaims {
  readonly iss: string;
  readonly aud: string;
  readonly sub: string;
  readonly jti: string;
  readonly [claim: string]: unknown;
}

export interface VerifiedClaims extends TokenClaims {
  readonly iat: number;
  readonly exp: number;
}

const ALGORITHM = "ES256";
const LONGEST_LIFE_SECONDS = 900;
/** How far the clock of the process that signed may be ahead of ours. */
const SKEW_SECONDS = 60;
const LONGEST_TOKEN = 4_096;
const KID = /^[a-z0-9-]{1,32}$/;

/** Nothing beside these three: jsonwebtoken passes over header members it does not know, even critical ones. */
const headerSchema = z.strictObject({ alg: z.literal(ALGORITHM), typ: z.literal("JWT"), kid: z.string().regex(KID) });

const claimsSchema = z.looseObject({
  iss: z.string().min(1),
  aud: z.string().min(1),
  sub: z.string().min(1),
  jti: z.string().min(1),
  iat: z.int(),
  exp: z.int(),
});

/** A new P-256 key with a random id. */
export function mintSigningKey(): MintedSigningKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { x = "", y = "" } = publicKey.export({ format: "jwk" });
  const kid = randomBytes(8).toString("hex");
  return {
    kid,
    publicJwk: { kty: "EC", crv: "P-256", alg: ALGORITHM, use: "sig", kid, x, y },
    privatePem: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
  };
}

/** The stored key, ready to sign: a parsed key signs many times faster than its text. */
export const signingKey = (kid: string, privatePem: string): SigningKey => ({
  kid,
  privateKey: createPrivateKey(privatePem),
});

/** The published keys by id, ready for `verifyToken`. */
export const verificationKeys = (jwks: readonly PublicJwk[]): ReadonlyMap<string, KeyObject> =>
  new Map(jwks.map((jwk) => [jwk.kid, createPublicKey({ key: { ...jwk }, format: "jwk" })]));

/** Signs the claims, valid from `now` on. Throws `internal` for a life of more than 15 minutes. */
export function signToken(key: SigningKey, claims: TokenClaims, now: Date, ttlSeconds: number): string {
  if (ttlSeconds > LONGEST_LIFE_SECONDS) throw new ProviderError("internal", "A token was asked to live too long.");
  const iat = seconds(now);
  return jwt.sign({ ...claims, iat, exp: iat + ttlSeconds }, key.privateKey, { algorithm: ALGORITHM, keyid: key.kid });
}

/**
 * The claims of a token that one of `keys` signed for this issuer and audience and that is alive at `now`.
 * Anything else throws `not_authenticated`, always with the same message.
 */
export function verifyToken(
  keys: ReadonlyMap<string, KeyObject>,
  token: string,
  now: Date,
  expected: { readonly issuer: string; readonly audience: string },
): VerifiedClaims {
  try {
    const key = keys.get(readHeader(token).kid);
    if (key === undefined) throw new Error("no such key");
    const clockTimestamp = seconds(now);
    const payload = jwt.verify(token, key, { ...expected, algorithms: [ALGORITHM], clockTimestamp });
    return checkLife(claimsSchema.parse(payload), clockTimestamp);
  } catch (cause) {
    throw new ProviderError("not_authenticated", "The token is not valid.", { cause });
  }
}

function readHeader(token: string): z.infer<typeof headerSchema> {
  const parts = token.split(".");
  if (token.length > LONGEST_TOKEN || parts.length !== 3 || !parts.every(isCanonical)) throw new Error("not a token");
  return headerSchema.parse(JSON.parse(Buffer.from(parts[0] ?? "", "base64url").toString("utf8")));
}

/** One spelling only: Node's decoder passes over foreign characters and unused bits. */
const isCanonical = (part: string): boolean => Buffer.from(part, "base64url").toString("base64url") === part;

function checkLife(claims: z.infer<typeof claimsSchema>, now: number): VerifiedClaims {
  if (claims.iat > now + SKEW_SECONDS) throw new Error("issued in the future");
  if (claims.exp - claims.iat > LONGEST_LIFE_SECONDS) throw new Error("lives too long");
  return claims;
}

const seconds = (time: Date): number => Math.floor(time.getTime() / 1_000);

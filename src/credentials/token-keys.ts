import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";
import type { SealedPlace, Vault } from "../secrets/secrets.ts";
import { mintSigningKey, type PublicJwk, type SigningKey, signingKey, signToken } from "./token-signer.ts";

export const TOKEN_LIFE_SECONDS = 900;

const DAY_MS = 86_400_000;
const SIGNS_FOR_MS = 30 * DAY_MS;
/** A new key is listed this long before it signs: longer than anybody may cache the list (10 minutes). */
const LISTED_AHEAD_MS = 60 * 60_000;
/** And stays listed until its last token is long dead. */
const LISTED_AFTER_MS = 60 * 60_000;

interface KeyRow {
  readonly kid: string;
  readonly generation: number;
  readonly public_jwk: PublicJwk;
  readonly sealed: string;
  readonly signs_from: Date;
  readonly signs_until: Date;
  readonly listed_until: Date;
}

export interface TokenKeys {
  /** A token for `tenant`, valid 15 minutes from now. */
  sign(tenant: string, claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** The public keys of every token that may still be alive, and of the next signer. */
  list(): Promise<readonly PublicJwk[]>;
}

export interface TokenKeysOptions {
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  /** `iss` and `aud` of every token: this service's public address. */
  readonly issuer: string;
}

const context = (kid: string) => ({ tenant: "token-keys", field: "private", id: kid });

export const tokenKeyPlace: SealedPlace = {
  place: "token_keys.sealed",
  contextOf: ([kid = ""]) => context(kid),
};

/** Signing keys kept sealed in the database; a new one comes by itself a day before the old one ends. */
export function tokenKeys({ store, vault, clock, issuer }: TokenKeysOptions): TokenKeys {
  let known: readonly KeyRow[] = [];
  let ready: SigningKey | undefined;

  const read = async (): Promise<void> => {
    known = await store.throughDoor<KeyRow>({
      text: `select kid, generation, public_jwk, sealed, signs_from, signs_until, listed_until from token_keys
             order by signs_from`,
    });
  };

  /** Makes the next generation, unless another process has just made it: then that one is taken. */
  const mint = async (from: Date): Promise<void> => {
    const { kid, publicJwk, privatePem } = mintSigningKey();
    const until = from.getTime() + SIGNS_FOR_MS;
    await store.throughDoor({
      text: `insert into token_keys
               (kid, generation, public_jwk, sealed, created_at, signs_from, signs_until, listed_until)
             values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (generation) do nothing`,
      values: [
        kid,
        1 + Math.max(0, ...known.map((row) => row.generation)),
        JSON.stringify(publicJwk),
        vault.seal(context(kid), privatePem),
        clock.now(),
        from,
        new Date(until),
        new Date(until + LISTED_AFTER_MS),
      ],
    });
    await read();
  };

  const signer = (now: Date): KeyRow | undefined =>
    known.findLast((row) => row.signs_from <= now && row.signs_until > now);

  /** From when on another key must sign, if none that is known will. */
  const nextFrom = (now: Date): Date | undefined => {
    const row = signer(now);
    if (row === undefined) return now;
    const endsSoon = row.signs_until.getTime() - now.getTime() < DAY_MS;
    return endsSoon && known.at(-1) === row ? new Date(now.getTime() + LISTED_AHEAD_MS) : undefined;
  };

  const current = async (now: Date): Promise<KeyRow> => {
    // Whoever makes a key does so when every process sees that one is wanted: nobody need look before.
    if (nextFrom(now) !== undefined) await read();
    const from = nextFrom(now);
    if (from !== undefined) await mint(from);
    const row = signer(now);
    if (row === undefined) throw new Error("A minted signing key is not there.");
    return row;
  };

  return {
    sign: async (tenant, claims) => {
      const now = clock.now();
      const row = await current(now);
      if (ready?.kid !== row.kid) ready = signingKey(row.kid, vault.open(context(row.kid), row.sealed));
      const registered = { iss: issuer, aud: issuer, sub: tenant, jti: randomUUID() };
      return signToken(ready, { ...claims, ...registered }, now, TOKEN_LIFE_SECONDS);
    },
    list: async () => {
      const now = clock.now();
      await current(now);
      return known.filter((row) => row.listed_until > now).map((row) => row.public_jwk);
    },
  };
}

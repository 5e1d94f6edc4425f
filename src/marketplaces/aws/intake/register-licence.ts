import { createHash } from "node:crypto";
import type { SealedPlace } from "../../../secrets/secrets.ts";
import type { Resolved } from "../api/resolve-customer.ts";
import { type LicenceIdentity, licenceKey } from "../inbox/fact.ts";
import { soldAs } from "../inbox/read-message.ts";
import type { AwsOptions } from "../options.ts";
import { findProduct } from "../section.ts";

/** AWS says one, and four, hours: a token that could not be resolved is tried until then. */
const TOKEN_LIFE_MS = 4 * 3_600_000;

/** What a token came to. `key` is the licence it is for. */
export type Registered =
  /** The token is new. `returns`: the buyer had registered before. */
  | { readonly kind: "registered"; readonly key: string; readonly returns: boolean }
  /** The token came before, from whatever browser: nothing was changed. */
  | { readonly kind: "repeated" }
  | { readonly kind: "other_product" }
  | { readonly kind: "other_account" };

/** A token is a bearer secret: only its digest is stored. */
export const digestOf = (token: string): string => createHash("sha256").update(token).digest("base64url");

export interface NewToken {
  readonly digest: string;
  readonly trial: boolean;
}

/** Writes down that a buyer has come: the licence is known from now on, and settled soon. */
export async function registerLicence(options: AwsOptions, token: NewToken, resolved: Resolved): Promise<Registered> {
  const { store, section, settings, clock } = options;
  const product = findProduct(section, { productCode: resolved.productCode });
  if (product === undefined) return { kind: "other_product" };
  const { licenceArn: arn, accountId, customerIdentifier: customer } = resolved;
  const licence: LicenceIdentity = {
    key: licenceKey({ arn, customer, productCode: product.code }),
    generation: arn === undefined ? "legacy" : "licence",
    arn: arn ?? null,
    account: accountId ?? null,
    customer: customer ?? null,
    agreement_id: null,
    ...soldAs(product, settings.region),
  };
  const until = new Date(clock.now().getTime() + TOKEN_LIFE_MS);
  const [row] = await store.throughDoor<{ said: { fresh: boolean; other_account: boolean; known?: boolean } }>({
    text: "select aws_register($1, $2) as said",
    values: [JSON.stringify({ ...token, until, licence }), clock.now()],
  });
  if (row === undefined || row.said.other_account) return { kind: "other_account" };
  if (!row.said.fresh) return { kind: "repeated" };
  return { kind: "registered", key: licence.key, returns: row.said.known === true };
}

export const parkedTokenPlace: SealedPlace = {
  place: "aws_tokens.sealed",
  contextOf: ([digest = ""]) => fieldOf(digest),
};

const fieldOf = (digest: string) => ({ tenant: "aws", field: "registration-token", id: digest });

/** Keeps a token that AWS could not resolve now, sealed; false when it came before. */
export async function parkToken(options: AwsOptions, { digest, trial }: NewToken, token: string): Promise<boolean> {
  const { store, vault, clock } = options;
  const now = clock.now();
  const [row] = await store.throughDoor<{ fresh: boolean }>({
    text: "select aws_park_token($1, $2, $3, $4, $5) as fresh",
    values: [digest, vault.seal(fieldOf(digest), token), trial, new Date(now.getTime() + TOKEN_LIFE_MS), now],
  });
  return row?.fresh ?? false;
}

interface ParkedRow {
  readonly digest: string;
  readonly sealed: string;
  readonly trial: boolean;
  readonly tries: number;
}

const AT_ONCE = 5;
const LEASE_MS = 20_000;
const ASK_MS = 5_000;
const LONGEST_PAUSE_MS = 60_000;

/** Asks AWS again about tokens that are parked; says how many there were. */
export async function resolveParked(options: AwsOptions): Promise<number> {
  const { store, clock } = options;
  const now = clock.now();
  const rows = await store.throughDoor<ParkedRow>({
    text: "select * from aws_claim_tokens($1, $2, $3)",
    values: [now, new Date(now.getTime() + LEASE_MS), AT_ONCE],
  });
  await Promise.all(rows.map((row) => resolveOne(options, row)));
  return rows.length;
}

async function resolveOne(options: AwsOptions, { digest, sealed, trial, tries }: ParkedRow): Promise<void> {
  const token = options.vault.open(fieldOf(digest), sealed);
  const resolved = await options.api.resolveCustomer(token, AbortSignal.timeout(ASK_MS));
  switch (resolved.kind) {
    case "resolved": {
      const { kind } = await registerLicence(options, { digest, trial }, resolved);
      if (kind === "other_product" || kind === "other_account") await settleToken(options, digest, kind, null);
      return;
    }
    case "invalid_token":
    case "expired_token":
      return settleToken(options, digest, resolved.kind, null);
    default: {
      const pause = Math.min(LONGEST_PAUSE_MS, 2_000 * 2 ** tries);
      return settleToken(options, digest, null, new Date(options.clock.now().getTime() + pause));
    }
  }
}

async function settleToken({ store }: AwsOptions, digest: string, fault: string | null, dueAt: Date | null) {
  await store.throughDoor({ text: "select aws_settle_token($1, $2, $3)", values: [digest, fault, dueAt] });
}

/** What became of a token that was registered or parked; undefined when it is not known. */
export async function findToken(
  { store }: AwsOptions,
  digest: string,
): Promise<{ readonly key: string | null; readonly fault: string | null } | undefined> {
  const [row] = await store.throughDoor<{ token: { key: string | null; fault: string | null } | null }>({
    text: "select aws_find_token($1) as token",
    values: [digest],
  });
  return row?.token ?? undefined;
}

import { randomBytes, randomUUID } from "node:crypto";
import type { SealedPlace, Vault } from "../secrets/secrets.ts";

export type EndpointKind = "http" | "eventbridge" | "listener";
/** off: as the vendor wishes. disabled: by us, after it took nothing; what happens is owed to it all the same. */
export type EndpointState = "on" | "off" | "disabled";

/** One of the vendor's systems that hears of lifecycle events. */
export interface Endpoint {
  readonly id: string;
  readonly kind: EndpointKind;
  readonly name: string;
  readonly url: string | null;
  readonly bus: string | null;
  readonly region: string | null;
  /** Types, or `suspend*` for all that begin so; null is every type of ours. */
  readonly types: readonly string[] | null;
  /** Gets made-up events too. */
  readonly test: boolean;
  readonly state: EndpointState;
  readonly reason: string | null;
  /** Since when every attempt has failed. */
  readonly failingSince: Date | null;
  readonly createdAt: Date;
  /** How many events it is owed, and since when the oldest of them. */
  readonly owed: number;
  readonly oldestOwedAt: Date | null;
}

interface SealedSecret {
  readonly id: string;
  readonly sealed: string;
  readonly ends_at: string | null;
}

/** A row of `endpoints` as PostgreSQL renders it in JSON. */
export interface EndpointJson {
  readonly id: string;
  readonly kind: EndpointKind;
  readonly name: string;
  readonly url: string | null;
  readonly bus: string | null;
  readonly region: string | null;
  readonly types: readonly string[] | null;
  readonly test: boolean;
  readonly state: EndpointState;
  readonly reason: string | null;
  readonly secrets: readonly SealedSecret[];
  readonly failing_since: string | null;
  readonly created_at: string;
  readonly owed?: number;
  readonly oldest_owed_at?: string | null;
}

export function endpointFromJson(row: EndpointJson): Endpoint {
  const { secrets: _, failing_since, created_at, owed = 0, oldest_owed_at = null, ...rest } = row;
  return {
    id: rest.id,
    kind: rest.kind,
    name: rest.name,
    url: rest.url,
    bus: rest.bus,
    region: rest.region,
    types: rest.types,
    test: rest.test,
    state: rest.state,
    reason: rest.reason,
    failingSince: failing_since === null ? null : new Date(failing_since),
    createdAt: new Date(created_at),
    owed,
    oldestOwedAt: oldest_owed_at === null ? null : new Date(oldest_owed_at),
  };
}

const ID_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const ID_LENGTH = 26;
const SECRET_BYTES = 32;
/** As many secrets sign at most, however often one is rotated. */
export const MOST_SECRETS = 4;

export function newEndpointId(): string {
  return `ep_${Array.from(randomBytes(ID_LENGTH), (byte) => ID_ALPHABET.charAt(byte % 32)).join("")}`;
}

export interface NewSecret {
  /** As the receiver takes it; shown once. */
  readonly value: string;
  readonly row: SealedSecret;
}

/** A signing secret of Standard Webhooks, sealed for its endpoint. */
export function newSecret(vault: Vault, endpoint: string): NewSecret {
  const id = randomUUID();
  const value = `whsec_${randomBytes(SECRET_BYTES).toString("base64")}`;
  return { value, row: { id, sealed: vault.seal(contextOf(endpoint, id), value), ends_at: null } };
}

/** The secrets that sign now, the newest first: several during a rotation. */
export function signingSecrets(vault: Vault, { id, secrets }: EndpointJson, now: Date): readonly string[] {
  return secrets
    .filter(({ ends_at }) => ends_at === null || new Date(ends_at) > now)
    .map((secret) => vault.open(contextOf(id, secret.id), secret.sealed));
}

/** A place for each of them. */
export const endpointPlaces: readonly SealedPlace[] = Array.from({ length: MOST_SECRETS }, (_, number) => ({
  place: `endpoints.secrets.${number}`,
  contextOf: ([endpoint = ""], secret) => contextOf(endpoint, secret ?? ""),
}));

const contextOf = (endpoint: string, id: string) => ({ tenant: "endpoints", field: endpoint, id });

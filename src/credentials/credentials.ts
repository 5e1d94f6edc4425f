import { type KeyObject, randomUUID } from "node:crypto";
import type { Tx } from "../db/db.ts";
import type { SealContext, SealedPlace, Vault } from "../secrets/secrets.ts";
import { apiKeyHash, mintApiKey } from "./api-key.ts";
import { databaseUrl, mintPassword } from "./database-login.ts";

/** Credentials rendered as environment variables: full names to values. */
export type ConfigVars = Readonly<Record<string, string>>;

export type Scope =
  | "usage:write"
  | "usage:read"
  | "events:write"
  | "keys:verify"
  | "tenants:read"
  | "credentials:rotate"
  | "aws:credentials"
  | "tenant:read"
  | "token";

/** What a customer's ordinary key may do: look at its own tenant and fetch a short token. It can neither meter nor rotate. */
export const CUSTOMER_SCOPES: readonly Scope[] = ["tenant:read", "token"];

/** The same where purchases come with access to AWS: then it fetches temporary credentials too. */
export function customerScopes(declarations: readonly CredentialDeclaration[]): readonly Scope[] {
  return declarations.some(({ kind }) => kind === "aws") ? [...CUSTOMER_SCOPES, "aws:credentials"] : CUSTOMER_SCOPES;
}

/** What the catalog declares: which kind fills which config var. */
export interface CredentialDeclaration {
  readonly kind: string;
  /** The full name of the config var. */
  readonly name: string;
  /** For kinds that hold no secret: the value, with `{tenant}` for the tenant's id. */
  readonly value?: string | undefined;
}

/** How much a credential may do: all that its kind may, or look only. */
export type Access = "full" | "read";

export type CredentialState = "active" | "retiring" | "revoked";

/** One secret issued to a tenant, as it is kept: the value only sealed. */
export interface Credential {
  readonly id: string;
  readonly tenant: string;
  readonly kind: string;
  /** The config var it fills, or the name it was given. */
  readonly name: string;
  /** Issued beside the config vars, under a name of its own. */
  readonly named: boolean;
  readonly access: Access;
  readonly scopes: readonly Scope[];
  /** The public half: an API key's id, the login of a database. */
  readonly keyId: string | null;
  readonly state: CredentialState;
  readonly sealed: string | null;
  /** The last characters: enough to tell two keys apart. */
  readonly hint: string;
  readonly createdAt: Date;
  readonly retiresAt: Date | null;
  /** To the minute; null when nobody has used it, or when it cannot be seen. */
  readonly lastUsedAt: Date | null;
}

/** A row of `credentials` as PostgreSQL renders it in JSON. */
export interface CredentialJson {
  readonly id: string;
  readonly tenant_id: string;
  readonly kind: string;
  readonly var: string | null;
  readonly name: string | null;
  readonly access: Access;
  readonly scopes: readonly Scope[];
  readonly key_id: string | null;
  readonly state: CredentialState;
  readonly sealed: string | null;
  readonly hint: string;
  readonly created_at: string;
  readonly retires_at: string | null;
  readonly last_used_at: string | null;
}

export function credentialFromJson(row: CredentialJson): Credential {
  return {
    id: row.id,
    tenant: row.tenant_id,
    kind: row.kind,
    name: row.var ?? row.name ?? "",
    named: row.var === null,
    access: row.access,
    scopes: row.scopes,
    keyId: row.key_id,
    state: row.state,
    sealed: row.sealed,
    hint: row.hint,
    createdAt: new Date(row.created_at),
    retiresAt: row.retires_at === null ? null : new Date(row.retires_at),
    lastUsedAt: row.last_used_at === null ? null : new Date(row.last_used_at),
  };
}

/** What `put_credentials` takes. */
export interface NewCredential {
  readonly id: string;
  readonly kind: string;
  /** The config var it fills; a named one has `name` instead. */
  readonly var?: string;
  readonly name?: string;
  readonly access?: Access;
  readonly key_id: string;
  /** Of what is looked up by its value. */
  readonly key_hash: string | null;
  readonly sealed: string;
  readonly hint: string;
  readonly scopes: readonly Scope[];
}

/** How keys are made and sealed here. */
export interface Mint {
  /** Begins every API key, so that secret scanners know whose it is. */
  readonly prefix: string;
  readonly pepper: KeyObject;
  readonly vault: Vault;
  /** A database login's name, where tenants get one. */
  readonly login?: ((tenant: string) => string) | undefined;
  /** Of an API key in a config var, as `customerScopes` has them. */
  readonly scopes?: readonly Scope[];
}

/** Kinds whose value is a secret of the tenant; the others are rendered from the catalog. */
export function isSecretKind(kind: string): boolean {
  return kind === "api-key" || kind === "postgres";
}

/** New credentials for the declared secret kinds; nothing is stored yet. */
export function mintCredentials(
  mint: Mint,
  tenant: string,
  declarations: readonly CredentialDeclaration[],
): readonly NewCredential[] {
  return declarations
    .filter((declaration) => isSecretKind(declaration.kind))
    .map(({ kind, name }) => ({
      ...mintOne(mint, tenant, kind, mint.scopes ?? CUSTOMER_SCOPES).credential,
      var: name,
    }));
}

/** One secret of `kind`, and its value as the customer gets it. */
function mintOne(mint: Mint, tenant: string, kind: string, scopes: readonly Scope[]) {
  const id = randomUUID();
  const { value, ...half } = kind === "postgres" ? newLogin(mint, tenant) : { ...newApiKey(mint), scopes };
  const sealed = mint.vault.seal(sealContext(tenant, id), value);
  return { credential: { id, kind, sealed, hint: value.slice(-4), ...half }, value };
}

/** A credential under a name of its own; the value is shown to whoever asked, once. Nothing is stored yet. */
export function mintNamed(
  mint: Mint,
  tenant: string,
  { kind, name, access, scopes }: Pick<Credential, "kind" | "name" | "access" | "scopes">,
): { readonly credential: NewCredential & { readonly name: string }; readonly value: string } {
  const { credential, value } = mintOne(mint, tenant, kind, scopes);
  return { credential: { ...credential, name, access }, value };
}

function newApiKey({ prefix, pepper }: Mint) {
  const { value, keyId } = mintApiKey(prefix);
  return { value, key_id: keyId, key_hash: apiKeyHash(pepper, value).toString("hex") };
}

function newLogin({ login }: Mint, tenant: string) {
  if (login === undefined) throw new Error("There is no server on which a tenant could get a login.");
  return { value: mintPassword(), key_id: login(tenant), key_hash: null, scopes: [] };
}

function sealContext(tenant: string, credential: string): SealContext {
  return { tenant, field: "credential", id: credential };
}

/** Where the values lie; with that of an API key goes the hash by which it is known. */
export const credentialPlace: SealedPlace = {
  place: "credentials.sealed",
  contextOf: ([tenant = "", id = ""]) => sealContext(tenant, id),
  rehash: (pepper, value, kind) => (kind === "api-key" ? apiKeyHash(pepper, value).toString("hex") : undefined),
};

/** The value of a credential that is not revoked. */
export function openCredential(vault: Vault, credential: Pick<Credential, "tenant" | "id" | "sealed">): string {
  if (credential.sealed === null) throw new Error("A revoked credential has no value.");
  return vault.open(sealContext(credential.tenant, credential.id), credential.sealed);
}

/** A database login with its password; undefined for any other credential. */
export function loginOf(vault: Vault, credential: Credential) {
  const { kind, keyId, access } = credential;
  if (kind !== "postgres" || keyId === null) return undefined;
  return { role: keyId, password: openCredential(vault, credential), readsOnly: access === "read" };
}

/** As much of a credential as its config var needs. */
export type RenderedCredential = Pick<
  Credential,
  "tenant" | "id" | "kind" | "keyId" | "sealed" | "name" | "named" | "state"
>;

/**
 * The config vars of `tenant`: its active credentials opened, the rest of the declarations rendered. `database` is the
 * address of its database, `host:port/name`.
 */
export function renderConfigVars(
  vault: Vault,
  tenant: string,
  declarations: readonly CredentialDeclaration[],
  credentials: readonly RenderedCredential[],
  database = "",
): ConfigVars {
  const vars: Record<string, string> = {};
  for (const { kind, name, value } of declarations) {
    if (!isSecretKind(kind) && value !== undefined) vars[name] = value.replaceAll("{tenant}", tenant);
  }
  for (const credential of credentials) {
    if (credential.state === "active" && !credential.named)
      vars[credential.name] = shownValue(vault, credential, database);
  }
  return vars;
}

function shownValue(vault: Vault, credential: RenderedCredential, database: string): string {
  const secret = openCredential(vault, credential);
  return credential.kind === "postgres" ? databaseUrl(credential.keyId ?? "", secret, database) : secret;
}

/** Every credential of this transaction's tenant that is not revoked, newest first. */
export async function liveCredentials(tx: Tx): Promise<readonly Credential[]> {
  const rows = await tx.query<{ credential: CredentialJson }>(
    `select to_jsonb(c) as credential from credentials c where c.state <> 'revoked' order by c.created_at desc, c.var, c.name`,
  );
  return rows.map((row) => credentialFromJson(row.credential));
}

/** Puts `fresh` in the place of the active credentials of the same config vars; those retire at `retiresAt`. */
export async function replaceCredentials(
  tx: Tx,
  tenant: string,
  fresh: readonly NewCredential[],
  retirement: { readonly at: Date; readonly overlapSeconds: number },
  now: Date,
): Promise<void> {
  await tx.query(
    `update credentials set
       state = case when $3 <= $4::timestamptz then 'revoked' else 'retiring' end,
       sealed = case when $3 <= $4::timestamptz then null else sealed end,
       revoked_at = case when $3 <= $4::timestamptz then $4 end,
       retires_at = case when $3 <= $4::timestamptz then null else $3::timestamptz end,
       overlap_seconds = $5
     where tenant_id = $1 and state = 'active' and var = any($2)`,
    [tenant, fresh.flatMap((credential) => credential.var ?? []), retirement.at, now, retirement.overlapSeconds],
  );
  await tx.query("select put_credentials($1, $2, $3)", [tenant, JSON.stringify(fresh), now]);
}

/** Stores a database login that ends at `until` by itself and fills no config var. */
export async function lendCredential(
  tx: Tx,
  vault: Vault,
  tenant: string,
  fresh: NewCredential,
  until: Date,
  now: Date,
): Promise<{ readonly role: string; readonly password: string }> {
  await tx.query("select put_credentials($1, $2, $3)", [tenant, JSON.stringify([fresh]), now]);
  await tx.query("update credentials set state = 'retiring', retires_at = $2 where id = $1", [fresh.id, until]);
  return { role: fresh.key_id, password: vault.open(sealContext(tenant, fresh.id), fresh.sealed) };
}

/** Revokes one credential, or all of them; answers those that were not revoked before. */
export async function revokeCredentials(
  tx: Tx,
  tenant: string,
  now: Date,
  id?: string,
): Promise<readonly Credential[]> {
  const rows = await tx.query<{ credential: CredentialJson }>(
    `update credentials c set state = 'revoked', sealed = null, revoked_at = $2, retires_at = null
     where c.tenant_id = $1 and c.state <> 'revoked' and ($3::uuid is null or c.id = $3)
     returning to_jsonb(c) as credential`,
    [tenant, now, id ?? null],
  );
  return rows.map((row) => credentialFromJson(row.credential));
}

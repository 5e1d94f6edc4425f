import { randomBytes } from "node:crypto";

/** How a plan's tenants are kept apart: rows of shared tables, a schema each, or a database each. */
export type Model = "pool" | "bridge" | "silo";

/** What one deployment calls its own on the tenants' server, whichever tenant it is for. */
export interface EnvironmentNames {
  readonly environment: string;
  /** Whoever is in it may connect to the shared database. */
  readonly connect: string;
  /** Tenants of pooled tables; vendors' tables are granted to it. */
  readonly tenants: string;
  /** The same, for reading. */
  readonly tenantsRead: string;
  /** The schema of our own functions in the shared database. */
  readonly schema: string;
}

/** What one tenant's things are called there. A schema and a database bear the owner's name. */
export interface TenantNames {
  readonly tenant: string;
  /** Owns what the customer makes; nobody logs in as it. */
  readonly owner: string;
  /** May read what the owner owns; nobody logs in as it. */
  readonly reader: string;
  readonly schema: string;
  /** Makes the roles of this tenant and of others whose ids begin alike; see `asMaker`. */
  readonly maker: string;
  /** The schema while it is made, and after it was left. */
  readonly arriving: string;
  readonly leaving: string;
  readonly database: string;
}

export function environmentNames(environment: string): EnvironmentNames {
  return {
    environment,
    connect: `${environment}_connect`,
    tenants: `${environment}_tenants`,
    tenantsRead: `${environment}_tenants_read`,
    schema: `${environment}_stallholder`,
  };
}

export function tenantNames(environment: string, tenant: string): TenantNames {
  const owner = `${environment}_${tenant}`;
  const schemas = { schema: owner, arriving: `${owner}_new`, leaving: `${owner}_old` };
  const maker = `${environment}_makers_${tenant.slice(0, MAKERS_LETTERS)}`;
  return { tenant, owner, reader: `${owner}_ro`, maker, ...schemas, database: owner };
}

/** Two of them make 832 makers at most: with 100,000 tenants each has made the roles of 120. */
const MAKERS_LETTERS = 2;
const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
/** Of a tenant's id, and of what makes a login's name its own. */
export const ID_LENGTH = 26;
export const SUFFIX_LENGTH = 6;
const TENANT = `[a-z][a-z2-7]{${ID_LENGTH - 1}}`;
const SUFFIX = `[a-z2-7]{${SUFFIX_LENGTH}}`;

/**
 * A new login of a tenant: `<environment>_<tenant>_<six random>`, at most 50 characters. PostgreSQL cuts names off after
 * 63 bytes, and two that differ only behind that would be one.
 */
export function mintLogin(environment: string, tenant: string): string {
  const suffix = [...randomBytes(6)].map((byte) => ALPHABET.charAt(byte % ALPHABET.length)).join("");
  return `${environment}_${tenant}_${suffix}`;
}

/** A role of a tenant, whatever it is for. */
export const rolePattern = (environment: string): string => `^${environment}_${TENANT}(_ro|_${SUFFIX})?$`;

/** The schema of a tenant of any environment. */
export const SCHEMA_OF_TENANT = `^[a-z][a-z0-9]{0,15}_${TENANT}$`;

/** Whose name this is in this environment, and what it names; undefined for anybody else's. */
export function readName(
  environment: string,
  name: string,
): { readonly tenant: string; readonly is: "owner" | "reader" | "login" | "place" } | undefined {
  const [, tenant, rest] = new RegExp(`^${environment}_(${TENANT})(_ro|_new|_old|_${SUFFIX})?$`).exec(name) ?? [];
  if (tenant === undefined) return undefined;
  if (rest === undefined) return { tenant, is: "owner" };
  if (rest === "_new" || rest === "_old") return { tenant, is: "place" };
  return { tenant, is: rest === "_ro" ? "reader" : "login" };
}

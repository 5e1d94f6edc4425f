import { createHash } from "node:crypto";
import type { Form } from "../../../http/form.ts";
import { isTenantId } from "../../../isolation/isolation.ts";
import { sameSecret } from "../../../same-secret.ts";
import { isUuid } from "../../../uuid.ts";

/** A sign-in whose token is right. Everything but the ids and the second is display text: not every token covers it. */
export interface SignInClaim {
  /** Heroku's id of the resource, ours, or both: then they must name one tenant. */
  readonly ids: readonly string[];
  /** Seconds since 1970, by Heroku's clock. */
  readonly second: number;
  /** The token that was verified, then the others the form brought: any of them alone would sign in. */
  readonly tokens: readonly string[];
  readonly person: { readonly id: string; readonly email: string };
  readonly navData: string | undefined;
}

/** How long a click is good for, and how far Heroku's clock may be ahead of ours. Heroku's checker refuses six minutes. */
export const STALE_SECONDS = 300;
export const AHEAD_SECONDS = 60;

/**
 * Ten digits and nothing else, checked before anything is hashed: a SHA-1 can be extended, so a lenient reader of the
 * timestamp would take the tail of a forged one.
 */
const TIMESTAMP = /^\d{10}$/;

/** Heroku's user ids hold no colon; one with it could move the border between user and e-mail in the hashed text. */
const USER_ID = /^[^:]{1,128}$/;
const LONGEST_TEXT = 320;

const TOKENS = ["user_scoped_resource_token", "resource_token", "token"];

type Fields = ReadonlyMap<string, string>;

/**
 * Verifies a sign-in by the newest token that is in the form: if that one is wrong, an older one that is right does not
 * help. (Dev Center, "Add-on Single Sign-on".) Answers undefined whatever is wrong.
 */
export function verifiedClaim(form: Form, salts: readonly string[], now: Date): SignInClaim | undefined {
  const fields = singleFields(form);
  if (fields === undefined) return undefined;
  const timestamp = fields.get("timestamp") ?? "";
  if (!TIMESTAMP.test(timestamp) || !isFresh(Number(timestamp), now)) return undefined;
  const ids = [fields.get("resource_id"), fields.get("id")].filter((id) => id !== undefined);
  if (!ids.every(isId)) return undefined;
  const formula = formulaOf(fields, timestamp);
  if (formula === undefined || !isSigned(formula, salts)) return undefined;
  return {
    ids: [...new Set(ids.map((id) => id.toLowerCase()))],
    second: Number(timestamp),
    tokens: [...new Set([formula.token, ...TOKENS.flatMap((name) => fields.get(name) ?? [])])],
    person: { id: shortText(fields, "user_id"), email: shortText(fields, "email") },
    navData: fields.get("nav-data"),
  };
}

const shortText = (fields: Fields, name: string): string => (fields.get(name) ?? "").slice(0, LONGEST_TEXT);

/** A field that came twice makes the whole form void: which of the two was meant is not for us to guess. */
function singleFields(form: Form): Fields | undefined {
  const fields = new Map<string, string>();
  for (const [name, values] of form) {
    const [value] = values;
    if (value === undefined || values.length > 1) return undefined;
    fields.set(name, value);
  }
  return fields;
}

function isFresh(second: number, now: Date): boolean {
  const age = Math.floor(now.getTime() / 1_000) - second;
  return age <= STALE_SECONDS && age >= -AHEAD_SECONDS;
}

/** What can be neither Heroku's id nor ours holds characters that change what the hashed text means. */
const isId = (text: string): boolean => isUuid(text) || isTenantId(text.toLowerCase());

function isSigned(formula: Formula, salts: readonly string[]): boolean {
  // Every salt is tried, so that the time does not tell which one was right.
  return salts.map((salt) => sameSecret(formula.token, formula.expected(salt))).includes(true);
}

interface Formula {
  readonly token: string;
  readonly expected: (salt: string) => string;
}

/** The formulas take the ids as they were sent. */
function formulaOf(fields: Fields, timestamp: string): Formula | undefined {
  const userToken = fields.get("user_scoped_resource_token");
  if (userToken !== undefined) return userScoped(fields, timestamp, userToken);
  const resourceToken = fields.get("resource_token");
  if (resourceToken !== undefined) return idScoped(fields.get("resource_id"), timestamp, resourceToken);
  const token = fields.get("token");
  return token === undefined ? undefined : idScoped(fields.get("id"), timestamp, token);
}

function userScoped(fields: Fields, timestamp: string, token: string): Formula | undefined {
  const [resource, user, email] = [fields.get("resource_id"), fields.get("user_id"), fields.get("email")];
  if (resource === undefined || user === undefined || email === undefined || !USER_ID.test(user)) return undefined;
  return { token, expected: (salt) => hash("sha256", `${resource}:${salt}:${timestamp}:${user}:${email}`) };
}

function idScoped(id: string | undefined, timestamp: string, token: string): Formula | undefined {
  if (id === undefined) return undefined;
  return { token, expected: (salt) => hash("sha1", `${id}:${salt}:${timestamp}`) };
}

const hash = (algorithm: "sha1" | "sha256", text: string): string => createHash(algorithm).update(text).digest("hex");

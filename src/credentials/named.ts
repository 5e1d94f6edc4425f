import { ProviderError } from "../errors.ts";
import { type Access, CUSTOMER_SCOPES, isSecretKind, type Scope } from "./credentials.ts";

/** What somebody who may ask for anything can have a key do. */
export const ALL_SCOPES: readonly Scope[] = [
  "usage:write",
  "usage:read",
  "keys:verify",
  "tenants:read",
  "credentials:rotate",
  "aws:credentials",
  "tenant:read",
  "token",
];

/** What changes nothing, and hands out nothing that does. */
const READ_SCOPES: readonly Scope[] = ["tenant:read", "tenants:read", "usage:read"];

/** So many names may be in use beside the config vars. */
export const NAMES_AT_MOST = 20;
const NAME = /^[a-z0-9][a-z0-9._-]{0,62}$/;

export interface NamedWish {
  readonly kind: string;
  readonly name: string;
  readonly access: Access;
  /** What its access gives an ordinary customer's when absent. */
  readonly scopes?: readonly string[] | undefined;
  /** What whoever asks may give away. */
  readonly grantable: readonly Scope[];
}

/** The scopes of a credential that is asked for. Throws `request_malformed`, or `not_permitted` for a scope too many. */
export function scopesOf(wish: NamedWish, kinds: readonly string[]): readonly Scope[] {
  if (!isSecretKind(wish.kind) || !kinds.includes(wish.kind)) {
    const known = kinds.filter(isSecretKind).join(", ");
    throw malformed("/kind", `there is none to issue; kinds: ${known === "" ? "none" : known}`);
  }
  if (!NAME.test(wish.name))
    throw malformed("/name", "is 1 to 63 of a-z, 0-9, dot, dash and underscore, and begins with a letter or digit");
  if (wish.kind !== "api-key") {
    if (wish.scopes !== undefined) throw malformed("/scopes", `are of API keys; a ${wish.kind} has its access alone`);
    return [];
  }
  return scopesOfKey(wish);
}

function scopesOfKey({ access, scopes, grantable }: NamedWish): readonly Scope[] {
  const ordinary = access === "read" ? CUSTOMER_SCOPES.filter((scope) => READ_SCOPES.includes(scope)) : CUSTOMER_SCOPES;
  if (scopes === undefined) return ordinary;
  if (scopes.length === 0) throw malformed("/scopes", "names none");
  return [...new Set(scopes)].map((scope) => {
    const known = ALL_SCOPES.find((one) => one === scope);
    if (known === undefined) throw malformed("/scopes", `there are only ${ALL_SCOPES.join(", ")}`);
    if (access === "read" && !READ_SCOPES.includes(known))
      throw malformed("/scopes", `${known} does more than read: ask for the access \`full\``);
    if (!grantable.includes(known))
      throw new ProviderError("not_permitted", `You may not issue a key with the scope ${known}.`);
    return known;
  });
}

function malformed(at: string, message: string): ProviderError {
  return new ProviderError("request_malformed", `The credential cannot be issued: ${at.slice(1)} ${message}.`, {
    faults: [{ at, message }],
  });
}

import { isJsonObject } from "./json.ts";

const SECRET_NAME = /secret|token|password|authorization|salt|hmac|cookie|^code$|log_input_url|log_drain_url/i;
const NOT_SECRET = /^token_type$/i;
const LONGEST_TEXT = 4_000;
const DEEPEST = 12;

/** The first characters of a secret and its length: enough to tell two apart, too little to use one. */
export function shortenedSecret(secret: string): string {
  return secret.length <= 8 ? "…" : `${secret.slice(0, 4)}… (${secret.length} characters)`;
}

/**
 * A copy fit to be shown: values under secret-sounding names, and all values of `config`, are shortened. It is made
 * when an exchange is recorded, so a secret is never kept for the page.
 */
export function withoutSecrets(value: unknown, hide = false, depth = 0): unknown {
  if (depth > DEEPEST) return "…";
  if (typeof value === "string") return hide ? shortenedSecret(value) : value.slice(0, LONGEST_TEXT);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(item, hide, depth + 1));
  if (!isJsonObject(value)) return value;
  const isVariable = typeof value["name"] === "string" && Object.hasOwn(value, "value");
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      withoutSecrets(member, hides(name, hide || isVariable), depth + 1),
    ]),
  );
}

/** Inside `config`, and in a variable `{name, value}`, everything but the name is secret. */
function hides(name: string, inherited: boolean): boolean {
  if (inherited) return name !== "name";
  return name === "config" || (SECRET_NAME.test(name) && !NOT_SECRET.test(name));
}

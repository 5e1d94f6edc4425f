/** Names under which secrets lie; what is sealed looks so whatever its name. */
const SECRET_NAME =
  /secret|token|passw|credential|sealed|authori[sz]|private|signature|grant|cookie|session|(^|[^a-z])(key|code|config|salt|auth)s?([^a-z]|$)/i;
const SEALED = /^v\d+\.[\w-]+\.[\w-]+\.[\w-]+\.[\w-]*$/;
const BEARER = /\b(bearer|basic)\s+\S+|[a-z][a-z0-9+.-]*:\/\/[^\s/@]*:[^\s/@]*@/gi;
/** A key of an API, a signing secret, a token: long, and of one piece. */
const OPAQUE = /\b(?:whsec_[\w+/=-]+|eyJ[\w-]+\.[\w-]+\.[\w-]*|A[KS]IA[A-Z0-9]{12,})/g;
const LONGEST = 300;
const DEEPEST = 6;

export const HIDDEN = "[hidden]";
/** What only names a credential is no secret. */
const NAMES_ONE = new Set(["credential", "key_id", "kind", "var"]);

/** The same value as an operator may see it: secrets are hidden, long texts are cut. */
export function redacted(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return shown(value, 0) as Readonly<Record<string, unknown>>;
}

function shown(value: unknown, depth: number): unknown {
  if (typeof value === "string") return shownText(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth >= DEEPEST) return "…";
  if (Array.isArray(value)) return value.slice(0, 50).map((member) => shown(member, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      isSecret(name) && member !== null ? HIDDEN : shown(member, depth + 1),
    ]),
  );
}

const isSecret = (name: string): boolean =>
  !NAMES_ONE.has(name) && SECRET_NAME.test(name.replaceAll(/([a-z])([A-Z])/g, "$1_$2"));

function shownText(text: string): string {
  if (SEALED.test(text)) return HIDDEN;
  const plain = text.replace(BEARER, HIDDEN).replace(OPAQUE, HIDDEN);
  return plain.length > LONGEST ? `${plain.slice(0, LONGEST)}…` : plain;
}

import { isUtf8 } from "node:buffer";
import { ProviderError } from "../errors.ts";

/** Each name with all its values in the order they came, so that a repeated field can be seen and refused. */
export type Form = ReadonlyMap<string, readonly string[]>;

const MAX_FIELDS = 100;

/**
 * A form of `application/x-www-form-urlencoded`. Throws `request_malformed` for a broken escape, for bytes that are
 * not UTF-8, for NUL, and for more than 100 fields; it never replaces or drops what it does not understand.
 */
export function parseForm(bytes: Buffer): Form {
  if (!isUtf8(bytes)) throw malformed("is not valid UTF-8");
  const form = new Map<string, string[]>();
  const fields = bytes
    .toString("utf8")
    .split("&")
    .filter((field) => field !== "");
  if (fields.length > MAX_FIELDS) throw malformed(`has more than ${MAX_FIELDS} fields`);
  for (const field of fields) {
    const [name, value] = splitOnce(field);
    const values = form.get(name);
    if (values === undefined) form.set(name, [value]);
    else values.push(value);
  }
  return form;
}

function splitOnce(field: string): [string, string] {
  const equals = field.indexOf("=");
  return equals === -1 ? [decode(field), ""] : [decode(field.slice(0, equals)), decode(field.slice(equals + 1))];
}

function decode(text: string): string {
  const decoded = unescaped(text);
  if (decoded.includes("\0")) throw malformed("contains NUL");
  return decoded;
}

function unescaped(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    throw malformed("has a broken percent escape");
  }
}

function malformed(what: string): ProviderError {
  return new ProviderError("request_malformed", `The form ${what}.`);
}

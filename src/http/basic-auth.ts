import { isUtf8 } from "node:buffer";
import type { IncomingMessage } from "node:http";
import { ProviderError } from "../errors.ts";

/** What the caller claims; nothing has been compared yet. */
export interface BasicCredentials {
  readonly user: string;
  readonly password: string;
}

/**
 * The user and password of `Authorization: Basic` (RFC 7617), in UTF-8, split at the first colon; undefined when the
 * header is absent, of another scheme, or anything but canonical base64, which Node alone would decode all the same.
 * Throws `request_malformed` when the header came twice: Node shows the first, a proxy may have checked the second.
 */
export function basicCredentials(req: IncomingMessage): BasicCredentials | undefined {
  const pair = decodeCanonical(schemeValue(req, basicScheme) ?? "");
  const colon = pair?.indexOf(":") ?? -1;
  if (pair === undefined || colon === -1) return undefined;
  return { user: pair.slice(0, colon), password: pair.slice(colon + 1) };
}

/**
 * The token of `Authorization: Bearer`, undefined without one. Any text is let through, since a shared secret may hold
 * more than RFC 6750 allows; one sent in UTF-8 reads as such. Throws `request_malformed` when the header came twice.
 */
export function bearerToken(req: IncomingMessage): string | undefined {
  const value = schemeValue(req, bearerScheme);
  if (value === undefined || plain.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}

const basicScheme = /^basic +(\S+)$/i;
const bearerScheme = /^bearer +(\S.*)$/i;
/** Means the same in every encoding. */
const plain = /^[\x20-\x7e]*$/;

function schemeValue(req: IncomingMessage, scheme: RegExp): string | undefined {
  const header = req.headers.authorization;
  if (header === undefined) return undefined;
  refuseSecondHeader(req);
  return scheme.exec(header)?.[1];
}

function refuseSecondHeader({ rawHeaders }: IncomingMessage): void {
  let seen = 0;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]?.toLowerCase() === "authorization") seen++;
  }
  if (seen > 1) throw new ProviderError("request_malformed", "The Authorization header came more than once.");
}

function decodeCanonical(base64: string): string | undefined {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64") === base64 && isUtf8(bytes) ? bytes.toString("utf8") : undefined;
}

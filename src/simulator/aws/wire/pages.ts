import type { Faults } from "../../faults.ts";
import { asJsonObject, parseJson } from "../../json.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

interface Place {
  readonly offset: number;
  /** Empty pages that come first. */
  readonly empty: number;
}

const SIGN = "p-";

/**
 * One page from where `token` says. With the fault on, a list begins with so many empty pages that carry a token, as
 * AWS's services may send them. Undefined when the token is none of ours.
 */
export function pageOf<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  faults: Faults,
): Page<T> | undefined {
  const place = token === undefined ? { offset: 0, empty: faults.take("aws_empty_pages") ?? 0 } : readToken(token);
  if (place === undefined) return undefined;
  if (place.empty >= 1) return { items: [], nextToken: writeToken({ ...place, empty: place.empty - 1 }) };
  const end = place.offset + size;
  const nextToken = end < all.length ? writeToken({ ...place, offset: end }) : undefined;
  return { items: all.slice(place.offset, end), nextToken };
}

function writeToken(place: Place): string {
  return SIGN + Buffer.from(JSON.stringify(place)).toString("base64url");
}

function readToken(token: string): Place | undefined {
  if (!token.startsWith(SIGN)) return undefined;
  const parsed = parseJson(Buffer.from(token.slice(SIGN.length), "base64url").toString());
  const { offset, empty } = asJsonObject(parsed?.value);
  return typeof offset === "number" && typeof empty === "number" ? { offset, empty } : undefined;
}

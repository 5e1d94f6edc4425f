import type { Faults } from "../../faults.ts";
import { asJsonObject, parseJson } from "../../json.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly nextToken: string | undefined;
}

interface Place {
  readonly offset: number;
  /** Empty pages that have been given out already. */
  readonly empty: number;
}

const SIGN = "p-";

/**
 * One page from where `token` says. While the fault is on, so many empty pages that carry a token come first, as AWS's
 * services may send them. Undefined when the token is none of ours.
 */
export function pageOf<T>(
  all: readonly T[],
  size: number,
  token: string | undefined,
  faults: Faults,
): Page<T> | undefined {
  const place = token === undefined ? { offset: 0, empty: 0 } : readToken(token);
  if (place === undefined) return undefined;
  if (place.empty < (faults.get("aws_empty_pages")?.value ?? 0))
    return { items: [], nextToken: writeToken({ ...place, empty: place.empty + 1 }) };
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

import { hash, timingSafeEqual } from "node:crypto";

const digest = (value: string | Uint8Array): Buffer => hash("sha256", value, "buffer");

/**
 * Whether two secrets are equal, in a time that tells nothing about where they differ. Any lengths may be compared:
 * both sides are first brought to 32 bytes.
 */
export const sameSecret = (left: string | Uint8Array, right: string | Uint8Array): boolean =>
  timingSafeEqual(digest(left), digest(right));

/** As `sameSecret`, for one that is compared on every request: its own side is hashed once. */
export function secretTest(expected: string): (given: string) => boolean {
  const wanted = digest(expected);
  return (given) => timingSafeEqual(digest(given), wanted);
}

import { crc32 } from "node:zlib";

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** A key that is well formed: what anybody can make who has seen one. */
export const withChecksum = (body: string): string =>
  body + [5, 4, 3, 2, 1, 0].map((place) => DIGITS[Math.floor(crc32(body) / 62 ** place) % 62]).join("");

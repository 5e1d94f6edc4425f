import { randomText, SECRET_ALPHABET, SECRET_LENGTH } from "./api-key.ts";

/** Letters and digits only, 256 random bits: nothing in it has a meaning in an address. */
export const mintPassword = (): string => randomText(SECRET_ALPHABET, SECRET_LENGTH);

/** A login as programs take it: `postgres://login:password@host:port/database`. */
export const databaseUrl = (login: string, password: string, address: string): string =>
  `postgres://${login}:${password}@${address}`;

import { randomBytes } from "node:crypto";
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { ProviderError } from "../errors.ts";
import { keyRing, secret } from "./formats.ts";

const developmentSecretsSchema = z.object({
  SECRET_KEYS: keyRing(),
  HEROKU_CLIENT_SECRET: secret(1),
  PRODUCT_SECRET: secret(24),
  OPERATOR_TOKEN: secret(1),
});

export type DevelopmentSecrets = z.infer<typeof developmentSecretsSchema>;

const FILE_NAME = "secrets.json";

/**
 * The secrets of development mode: made at the first call, kept in `secrets.json` (0600) under `dataDir`, the same ever
 * after. Two processes that start at once agree: the file appears whole under its name, and the second one reads it.
 * Throws `config_invalid` when the folder cannot be written or the file is damaged.
 */
export function developmentSecrets(dataDir: string): DevelopmentSecrets {
  const path = join(dataDir, FILE_NAME);
  try {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const text = readText(path) ?? storeOnce(path, `${JSON.stringify(makeSecrets(), undefined, 2)}\n`);
    return developmentSecretsSchema.parse(JSON.parse(text));
  } catch (cause) {
    const message = `holds no usable ${FILE_NAME}: make the folder writable for this user, or remove it to start afresh`;
    throw new ProviderError("config_invalid", "The secrets of development mode cannot be kept.", {
      faults: [{ at: "DATA_DIR", message }],
      cause,
    });
  }
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (isCode(error, "ENOENT")) return undefined;
    throw error;
  }
}

/** Puts `text` under `path` unless something is there; returns what is there then. Several callers at once agree. */
export function storeOnce(path: string, text: string): string {
  const draft = `${path}.${process.pid}.${randomBytes(4).toString("hex")}`;
  try {
    writeFileSync(draft, text, { flag: "wx", mode: 0o600, flush: true });
    linkUnlessPresent(draft, path);
  } finally {
    rmSync(draft, { force: true });
  }
  return readFileSync(path, "utf8");
}

/** A link, unlike a rename, fails when the name is taken: the first writer wins. */
function linkUnlessPresent(from: string, to: string): void {
  try {
    linkSync(from, to);
  } catch (error) {
    if (!isCode(error, "EEXIST")) throw error;
  }
}

const isCode = (error: unknown, code: string): boolean =>
  typeof error === "object" && error !== null && "code" in error && error.code === code;

function makeSecrets(): DevelopmentSecrets {
  const word = (): string => `development-${randomBytes(24).toString("base64url")}`;
  return {
    SECRET_KEYS: `development:${randomBytes(32).toString("base64")}`,
    HEROKU_CLIENT_SECRET: word(),
    PRODUCT_SECRET: word(),
    OPERATOR_TOKEN: word(),
  };
}

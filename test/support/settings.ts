import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readSettings, type Settings } from "../../src/config.ts";
import { type Fault, ProviderError } from "../../src/errors.ts";

export type Env = Record<string, string>;

export const key = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`;

export const production: Env = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://app:pw@db.example.com:5432/addons",
  PUBLIC_URL: "https://addons.example.com",
  SECRET_KEYS: key("k1"),
  HEROKU_PASSWORD: "0123456789abcdef0123456789abcdef",
  HEROKU_SSO_SALT: "fedcba9876543210fedcba9876543210",
  HEROKU_CLIENT_SECRET: "5b0e6a5c-3b1a-4c1e-9a39-0f6f0a2f9d11",
  PRODUCT_SECRET: "product-secret-of-at-least-24",
  OPERATOR_TOKEN: "operator-token-of-this-test",
};

const folders: string[] = [];

export function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "stallholder config "));
  folders.push(folder);
  return folder;
}

/** Removes every folder that was made. */
export function removeFolders(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

export function errorOf(act: () => unknown): ProviderError {
  try {
    act();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

export function faultsOf(env: Env): readonly Fault[] {
  const error = errorOf(() => readSettings(env));
  expect(error.code).toBe("config_invalid");
  return error.faults;
}

export const development = (env: Env = {}): Settings => readSettings({ DATA_DIR: newFolder(), ...env });

export const atOf = (faults: readonly Fault[]): string[] => faults.map(({ at }) => at);

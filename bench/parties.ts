import { readManifestFile } from "../src/compose.ts";
import { readSettings, type Settings } from "../src/config.ts";
import { keyPrefix } from "../src/credentials/api-key.ts";
import type { Mint } from "../src/credentials/credentials.ts";
import { derive, parseKeyRing } from "../src/secrets/key-ring.ts";
import { vaultOf } from "../src/secrets/secrets.ts";

/** The add-on of `addon-manifest.json`, and secrets that exist only while something is measured. */
export const USER = "acme-search";
export const PASSWORD = "0123456789abcdef0123456789abcdef";
export const PRODUCT_SECRET = "fedcba9876543210fedcba9876543210";

export const basicHeader = `Basic ${Buffer.from(`${USER}:${PASSWORD}`).toString("base64")}`;
export const bearerHeader = `Bearer ${PRODUCT_SECRET}`;

/** Every secret is given, so nothing is read from or written to a data folder. */
export function measuredSettings(): Settings {
  return readSettings({
    SECRET_KEYS: `bench:${Buffer.alloc(32, "bench").toString("base64")}`,
    HEROKU_PASSWORD: PASSWORD,
    HEROKU_SSO_SALT: PASSWORD,
    HEROKU_CLIENT_SECRET: PASSWORD,
    OPERATOR_TOKEN: PASSWORD,
    PRODUCT_SECRET,
    PUBLIC_URL: "https://addons.acme-search.example",
  });
}

/** Makes the API keys that the measured service takes for its own. */
export async function measuredMint(): Promise<Mint> {
  const { catalog } = await readManifestFile();
  const ring = parseKeyRing(measuredSettings().secretKeys);
  return { prefix: keyPrefix(catalog.id), pepper: derive(ring.primary, "pepper"), vault: vaultOf(ring) };
}

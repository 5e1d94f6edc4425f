import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { SimulatorManifest } from "../../src/simulator/simulator.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const COPIED = ["dist", "migrations", "package.json"];

/** Filled by the product, so that the judge can compare what the customer has with what the product said last. */
export const PRODUCT_VAR = "ACME_SEARCH_INDEX";
export const KEY_VAR = "ACME_SEARCH_API_KEY";

/** The compiled provider in a folder of its own: a build that runs meanwhile does not reach it. */
export interface Installation {
  readonly folder: string;
  /** The sample's; with a config var of the product and webhooks unless it was changed otherwise. */
  readonly manifest: SimulatorManifest;
  remove(): Promise<void>;
}

export type Sample = SimulatorManifest & { readonly catalog: { readonly marketplaces: object } };

/** `change`: what the manifest is to be instead of the sample's. */
export async function install(change: (sample: Sample) => SimulatorManifest = extended): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), "stallholder-soak-"));
  for (const name of COPIED) await cp(join(ROOT, name), join(folder, name), { recursive: true });
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const manifest = change(JSON.parse(await readFile(join(ROOT, "addon-manifest.json"), "utf8")));
  await writeFile(join(folder, "addon-manifest.json"), JSON.stringify(manifest));
  return { folder, manifest, remove: () => rm(folder, { recursive: true, force: true }) };
}

function extended(sample: Sample): Sample {
  const { api, catalog } = sample;
  return {
    ...sample,
    api: { ...api, config_vars: [...api.config_vars, PRODUCT_VAR] },
    catalog: { ...catalog, marketplaces: { ...catalog.marketplaces, heroku: { webhooks: true } } },
  };
}

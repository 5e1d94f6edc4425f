import type { Sample } from "../installation.ts";

const models = ["subscription", "contract", "contract-with-consumption"] as const;

/** One product of each pricing model, all of the catalog's dimensions. */
export const products = models.map((model) => ({
  code: `soak-${model}`,
  id: `prod-soak-${model}`,
  model,
  plan: "basic",
}));

/** The sample's manifest with these products in place of its own. */
export function withProducts(sample: Sample): Sample {
  return { ...sample, catalog: { ...sample.catalog, marketplaces: { aws: { products } } } };
}

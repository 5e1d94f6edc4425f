import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import { stableLetters } from "./ids.ts";

export const pricingModels = ["subscription", "contract", "contract-with-consumption"] as const;
export type PricingModel = (typeof pricingModels)[number];

export interface ProductDimension {
  /** The API name. */
  readonly code: string;
  readonly name: string;
  /** Bought ahead, by contract. */
  readonly entitled: boolean;
  /** Taken by BatchMeterUsage. */
  readonly metered: boolean;
}

export interface Product {
  readonly code: string;
  readonly id: string;
  readonly model: PricingModel;
  /** Which plan of the catalogue it sells; display only. */
  readonly plan: string;
  readonly dimensions: readonly ProductDimension[];
  /** Not of the manifest: offered so that every pricing model can be tried. */
  readonly sample: boolean;
}

/**
 * The products of `catalog.marketplaces.aws.products`, and a sample of each pricing model that is not among them. A
 * sample's code is the same in every run, so that it can be written into the manifest.
 */
export function productsOf(manifest: JsonObject): readonly Product[] {
  const catalog = asJsonObject(manifest["catalog"]);
  const section = asJsonObject(asJsonObject(catalog["marketplaces"])["aws"]);
  const declared = listIn(section, "products").flatMap((entry) => declaredProduct(entry, catalog));
  const missing = pricingModels.filter((model) => !declared.some((product) => product.model === model));
  return [...declared, ...missing.map((model) => sampleProduct(manifest, catalog, model))];
}

export function isContract({ model }: Product): boolean {
  return model !== "subscription";
}

function declaredProduct(entry: JsonObject, catalog: JsonObject): Product[] {
  const code = textIn(entry, "code");
  const model = pricingModels.find((known) => known === entry["model"]);
  if (code === undefined || model === undefined) return [];
  const id = textIn(entry, "id") ?? productIdOf(code);
  const plan = textIn(entry, "plan") ?? "";
  const codes = Array.isArray(entry["dimensions"]) ? entry["dimensions"] : undefined;
  return [{ code, id, model, plan, dimensions: dimensionsOf(catalog, model, codes), sample: false }];
}

function sampleProduct(manifest: JsonObject, catalog: JsonObject, model: PricingModel): Product {
  const code = stableLetters(`${String(manifest["id"])} ${model}`, 25);
  const plan = textIn(listIn(catalog, "plans")[0] ?? {}, "id") ?? "";
  return { code, id: productIdOf(code), model, plan, dimensions: dimensionsOf(catalog, model), sample: true };
}

const productIdOf = (code: string): string => `prod-${stableLetters(code, 13)}`;

/** The catalogue's dimensions under the names AWS knows them by; with `codes`, only those. */
function dimensionsOf(catalog: JsonObject, model: PricingModel, codes?: readonly unknown[]): ProductDimension[] {
  const listed = listIn(catalog, "dimensions").flatMap((entry) => {
    const id = textIn(entry, "id");
    if (id === undefined) return [];
    const code = textIn(asJsonObject(entry["codes"]), "aws") ?? id;
    return [{ code, name: textIn(entry, "name") ?? code }];
  });
  const known = listed.length === 0 ? [{ code: "units", name: "Units" }] : listed;
  const chosen = codes === undefined ? known : codes.flatMap((entry) => chosenDimension(known, entry));
  return chosen.map((one) => ({ ...one, entitled: model !== "subscription", metered: model !== "contract" }));
}

/** A product may name a dimension that is in no catalogue, such as a tier of a contract. */
function chosenDimension(known: readonly { code: string; name: string }[], entry: unknown) {
  const code = typeof entry === "string" ? entry : textIn(asJsonObject(entry), "code");
  if (code === undefined) return [];
  return [known.find((one) => one.code === code) ?? { code, name: code }];
}

function listIn(object: JsonObject, name: string): readonly JsonObject[] {
  const value = object[name];
  return Array.isArray(value) ? value.map(asJsonObject) : [];
}

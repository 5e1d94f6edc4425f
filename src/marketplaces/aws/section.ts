import { z } from "zod";
import { type Catalog, findPlan, marketplaceSection } from "../../catalog/catalog.ts";
import { ProviderError } from "../../errors.ts";

/** AWS's three pricing models of SaaS products. */
const pricingModels = ["subscription", "contract", "contract-with-consumption"] as const;

const code = z.string().regex(/^[-a-zA-Z0-9/=:_.@]{1,255}$/, "must be a code as AWS gives it");

/** A dimension of the listing. Its API name alone means: the catalog's dimension of that name, and nothing more. */
const dimension = z.union([
  code.transform((name): { code: string; dimension?: string; limit?: string; plan?: string } => ({ code: name })),
  z.strictObject({
    code,
    /** Which dimension of the catalog is metered under it. */
    dimension: z.string().optional(),
    /** Which limit of the plan an entitlement to it sets. */
    limit: z.string().optional(),
    /** Which plan an entitlement to it means. */
    plan: z.string().optional(),
  }),
]);

const product = z.strictObject({
  code,
  id: z.string().min(1).optional(),
  model: z.enum(pricingModels, { error: `must be one of ${pricingModels.join(", ")}` }),
  plan: z.string(),
  /** Where its usage is metered; the service's own region when absent. */
  region: z
    .string()
    .regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, "must be a region such as us-east-1")
    .optional(),
  dimensions: z.array(dimension).optional(),
});

/** `catalog.marketplaces.aws` of the manifest. */
const section = z.strictObject({
  products: z.array(product).default([]),
  /** Whether an hour without usage is reported as zero: AWS recommends it and does not demand it. */
  heartbeats: z.boolean().default(false),
  /** Whom a buyer asks for help: an address or an e-mail address, shown on every page. */
  support: z.string().min(3).optional(),
});

export type ListedProduct = z.output<typeof product>;
export type AwsSection = z.output<typeof section>;

/** What is sold on AWS. Throws `config_invalid` for a plan or a dimension that the catalog does not have. */
export function awsSection(catalog: Catalog): AwsSection {
  const read = marketplaceSection(catalog, "aws", section);
  const faults = read.products.flatMap((listed, index) =>
    strangers(catalog, listed).map((message) => ({ at: `/catalog/marketplaces/aws/products/${index}`, message })),
  );
  const codes = read.products.map((listed) => listed.code);
  if (new Set(codes).size < codes.length)
    faults.push({ at: "/catalog/marketplaces/aws/products", message: "names a product code twice" });
  if (faults.length > 0) throw new ProviderError("config_invalid", "addon-manifest.json is not usable.", { faults });
  return read;
}

function strangers(catalog: Catalog, { plan, dimensions = [] }: ListedProduct): string[] {
  const plans = [plan, ...dimensions.flatMap((one) => one.plan ?? [])];
  const metered = dimensions.flatMap((one) => one.dimension ?? []);
  return [
    ...plans.filter((id) => findPlan(catalog, id) === undefined).map((id) => `there is no plan \`${id}\``),
    ...metered
      .filter((id) => !catalog.dimensions.some((known) => known.id === id))
      .map((id) => `there is no dimension \`${id}\``),
  ];
}

export const hasContract = ({ model }: ListedProduct): boolean => model !== "subscription";

/** Why a message is set aside. It can be read again once the manifest names the product. */
export const notSoldHere = (product: string | undefined): string =>
  `About the product ${product?.slice(0, 100) ?? "of an unknown id"}, which the manifest does not name.`;

/** By its code, or by its id where only that is known. */
export function findProduct(
  { products }: AwsSection,
  { productCode, productId }: { productCode?: string | null | undefined; productId?: string | null | undefined },
): ListedProduct | undefined {
  return products.find(
    (listed) =>
      (productCode ? listed.code === productCode : false) ||
      (!productCode && productId ? listed.id === productId : false),
  );
}

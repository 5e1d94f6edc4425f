import type { Catalog } from "../../../catalog/catalog.ts";
import type { CodeOf } from "./usage-request.ts";

interface Listing {
  readonly code: string;
  readonly dimensions?: readonly { readonly code: string; readonly dimension?: string | undefined }[] | undefined;
}

/** What a product's listing calls a dimension: as the product says, else `codes.aws` of the dimension, else its id. */
export function dimensionCodes({ dimensions }: Pick<Catalog, "dimensions">, products: readonly Listing[]): CodeOf {
  const general = new Map(dimensions.map(({ id, codes }) => [id, codes["aws"] ?? id]));
  const listed = new Map(
    products.map((product) => [
      product.code,
      new Map((product.dimensions ?? []).flatMap(({ code, dimension }) => (dimension ? [[dimension, code]] : []))),
    ]),
  );
  return (productCode, dimension) => listed.get(productCode)?.get(dimension) ?? general.get(dimension) ?? dimension;
}

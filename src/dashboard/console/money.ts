import type { Catalog } from "../../catalog/catalog.ts";

/** Prices of the manifest are hundredths of its currency. */
export function moneyOf(cents: number, currency: string): string {
  return (cents / 100).toLocaleString("en-US", { style: "currency", currency });
}

/** What so many units of a dimension come to, in cents, by our name of it or a marketplace's; undefined without a price. */
export function priceOf({ dimensions }: Catalog, dimension: string, units: number): number | undefined {
  const known =
    dimensions.find(({ id }) => id === dimension) ??
    dimensions.find(({ codes }) => Object.values(codes).includes(dimension));
  return known?.price && (units * known.price.cents) / known.price.per;
}

import type { Catalog } from "../../../catalog/catalog.ts";
import type { MarketplaceTexts, Said } from "../../../marketplaces/marketplace.ts";
import type { Person } from "../parts.ts";
import type { TenantRead } from "./read.ts";
import type { Item } from "./timeline.ts";

/** What the marketplace answered just now, or why it did not. */
export type Answered = { readonly said: readonly Said[] } | { readonly fault: string };

export interface TenantProps {
  readonly read: TenantRead;
  readonly texts: MarketplaceTexts | undefined;
  readonly catalog: Catalog;
  readonly person: Person;
  readonly token: string;
  /** A live question to the marketplace exists. */
  readonly asks: boolean;
  readonly answered?: Answered | undefined;
  readonly notice?: string | undefined;
  /** The request behind an item, as a command; undefined where we do not have it. */
  readonly curlOf: (item: Item) => string | undefined;
}

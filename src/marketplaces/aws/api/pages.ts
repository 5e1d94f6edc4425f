import { ProviderError } from "../../../errors.ts";

export interface Page<T> {
  readonly items: readonly T[];
  readonly next: string | undefined;
}

const MOST_PAGES = 200;

/**
 * Everything on all pages. An empty page with a token is no end. A token that comes back unchanged, or more pages than
 * there can be, is a fault of the other side: half a list would be taken for the whole.
 */
export async function allPages<T>(fetchPage: (after: string | undefined) => Promise<Page<T>>): Promise<T[]> {
  const items: T[] = [];
  let after: string | undefined;
  for (let pages = 0; pages < MOST_PAGES; pages += 1) {
    const page = await fetchPage(after);
    items.push(...page.items);
    if (page.next === undefined || page.next === "") return items;
    if (page.next === after) break;
    after = page.next;
  }
  throw new ProviderError("marketplace_unavailable", "AWS's pages did not come to an end.");
}

import { once } from "node:events";
import { stringify } from "csv-stringify/sync";
import type { Response } from "express";
import type { Store } from "../../../isolation/isolation.ts";
import { findTenants, type TenantLine, type Wanted } from "./find.ts";

const PAGE = 1_000;
const columns = [
  "id",
  "marketplace",
  "resource_id",
  "name",
  "app",
  "owner",
  "region",
  "plan",
  "state",
  "created_at",
  "changed_at",
  "ended_at",
] as const satisfies readonly (keyof TenantLine)[];

/**
 * Every tenant that is wanted, page by page as the reader takes them: however many there are, one page is in memory. What
 * a spreadsheet would take for a formula is made harmless.
 */
export async function sendTenantsCsv(store: Store, wanted: Wanted, response: Response): Promise<void> {
  let page = await findTenants(store, wanted, undefined, PAGE);
  response.setHeader("Cache-Control", "no-store");
  response.attachment("tenants.csv");
  response.write(csvOf([[...columns]]));
  for (;;) {
    const taken = response.write(csvOf(page.lines.map((line) => columns.map((column) => line[column] ?? ""))));
    if (!taken) await Promise.race([once(response, "drain"), once(response, "close")]);
    if (page.next === undefined || response.destroyed) break;
    page = await findTenants(store, wanted, page.next, PAGE);
  }
  response.end();
}

const csvOf = (lines: readonly (readonly string[])[]): string =>
  lines.length === 0
    ? ""
    : stringify(
        [...lines].map((line) => [...line]),
        { escape_formulas: true },
      );

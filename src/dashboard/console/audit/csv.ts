import { once } from "node:events";
import { stringify } from "csv-stringify/sync";
import type { Response } from "express";
import type { Store } from "../../../isolation/isolation.ts";
import { type AuditWanted, readAudit } from "./read.ts";

const PAGE = 1_000;
const columns = ["sequence", "at", "recordedAt", "by", "action", "data", "hash"] as const;

/** Everything that is wanted, newest first, a page in memory at a time. What a spreadsheet would take for a formula is made harmless. */
export async function sendAuditCsv(store: Store, wanted: AuditWanted, response: Response): Promise<void> {
  let page = await readAudit(store, wanted, undefined, PAGE);
  response.setHeader("Cache-Control", "no-store");
  response.attachment(`audit-${wanted.chain}.csv`);
  response.write(stringify([["chain", "sequence", "at", "recorded_at", "by", "action", "data", "hash"]]));
  for (;;) {
    const lines = page.entries.map((entry) => [wanted.chain, ...columns.map((column) => String(entry[column]))]);
    const taken = lines.length === 0 || response.write(stringify(lines, { escape_formulas: true }));
    if (!taken) await Promise.race([once(response, "drain"), once(response, "close")]);
    if (page.next === undefined || response.destroyed) break;
    page = await readAudit(store, wanted, page.next, PAGE);
  }
  response.end();
}

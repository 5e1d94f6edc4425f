import { stringify } from "csv-stringify/sync";
import type { Column, Line } from "./subject.ts";

export const csvHead = (columns: readonly Column[]): string => stringify([columns.map(({ name }) => name)]);

/** What a spreadsheet would take for a formula is made harmless. */
export function csvOf(columns: readonly Column[], lines: readonly Line[]): string {
  if (lines.length === 0) return "";
  const cells = lines.map((line) => columns.map(({ name }) => line[name] ?? ""));
  return stringify(cells, { escape_formulas: true });
}

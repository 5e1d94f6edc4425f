import { type Figures, type Measure, measures, type Result, type Verdict } from "./result.ts";

/** Figures and verdicts in words: a block for each comparison. */
export function tableOf(results: readonly Result[]): string {
  return results.map(blockOf).join("\n\n");
}

function blockOf({ title, figures, verdicts }: Result): string {
  const columns = (Object.keys(measures) as Measure[]).filter((measure) =>
    figures.some((one) => one[measure] !== undefined),
  );
  const headings = ["", ...columns.map((measure) => measures[measure].heading)];
  const lines = aligned([headings, ...figures.map((one) => cellsOf(one, columns))]);
  return [title, ...lines, ...verdicts.map(sentenceOf)].join("\n");
}

function cellsOf(figures: Figures, columns: readonly Measure[]): readonly string[] {
  return [figures.side, ...columns.map((measure) => numberOf(figures[measure], measures[measure].digits))];
}

function numberOf(value: number | undefined, digits: number): string {
  return value === undefined || Number.isNaN(value) ? "-" : value.toFixed(digits);
}

function sentenceOf({ of, against, value, byCpu, least, most, met }: Verdict): string {
  const what = against === undefined ? of : `${of} / ${against}`;
  const cpu = byCpu === undefined ? "" : ` (by processor time ${byCpu.toFixed(2)})`;
  const target = least === undefined ? `at most ${most}` : `at least ${least}`;
  const shown = value.toFixed(Math.abs(value) < 100 ? 2 : 0);
  return `  ${what}: ${shown}${cpu}, target ${target}: ${met ? "met" : "MISSED"}`;
}

function aligned(rows: readonly (readonly string[])[]): readonly string[] {
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? [];
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? `  ${cell.padEnd(widths[0] ?? 0)}` : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

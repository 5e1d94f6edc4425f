import type { Figures, Result, Verdict } from "./comparison.ts";

const HEADINGS = ["", "requests/s", "p50 ms", "p99 ms", "CPU µs", "database µs", "generator"];

/** Figures and verdicts in words: a block for each comparison. */
export function tableOf(results: readonly Result[]): string {
  return results.map(blockOf).join("\n\n");
}

function blockOf({ title, figures, verdicts }: Result): string {
  const lines = aligned([HEADINGS, ...figures.map(cellsOf)]);
  return [title, ...lines, ...verdicts.map(sentenceOf)].join("\n");
}

function cellsOf(figures: Figures): string[] {
  const { side, rate, p50Ms, p99Ms, cpuMicros, databaseMicros, generatorBusy } = figures;
  return [
    side,
    rate.toFixed(0),
    p50Ms.toFixed(1),
    p99Ms.toFixed(1),
    cpuMicros.toFixed(0),
    Number.isNaN(databaseMicros) ? "-" : databaseMicros.toFixed(0),
    `${(generatorBusy * 100).toFixed(0)} %`,
  ];
}

function sentenceOf({ of, against, ratio, byCpu, least, met }: Verdict): string {
  const word = met ? "met" : "MISSED";
  return `  ${of} / ${against}: ${ratio.toFixed(2)} (by processor time ${byCpu.toFixed(2)}), target ${least}: ${word}`;
}

function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? `  ${cell.padEnd(widths[0] ?? 0)}` : cell.padStart(widths[column] ?? 0)))
      .join("  "),
  );
}

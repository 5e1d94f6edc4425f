import { readSettings } from "../config.ts";
import type { OperatorStore } from "../isolation/isolation.ts";
import {
  type ExplainedRecord,
  type ExplainedSpan,
  explainUsage,
  hurryUsage,
  isToBeSent,
  whyOf,
} from "../metering/explain.ts";
import { asOperator } from "./operator-database.ts";

interface UsageOptions {
  readonly tenant: string;
  readonly from?: Date;
  readonly to?: Date;
  readonly json?: boolean;
  readonly sendNow?: boolean;
  readonly dryRun?: boolean;
}

const HOUR_MS = 3_600_000;

/** What a tenant used, hour by hour, and why each record is where it is; has what waits sent, or says what that would be. */
export async function usage(options: UsageOptions): Promise<void> {
  const now = Date.now();
  const to = options.to ?? new Date(Math.ceil(now / HOUR_MS) * HOUR_MS);
  const from = options.from ?? new Date(to.getTime() - 24 * HOUR_MS);
  await asOperator(readSettings(), "usage", (store) => show(store, { tenant: options.tenant, from, to }, options));
}

async function show(store: OperatorStore, span: ExplainedSpan, { json, sendNow, dryRun }: UsageOptions): Promise<void> {
  const hurried = sendNow && !dryRun ? await hurryUsage(store, span.tenant) : undefined;
  const records = await explainUsage(store, span);
  const shown = dryRun ? records.filter(isToBeSent) : records;
  if (json) {
    const rows = shown.map((record) => ({ ...record, why: whyOf(record) }));
    process.stdout.write(
      `${JSON.stringify({ ...span, ...(hurried === undefined ? {} : { hurried }), records: rows })}\n`,
    );
    return;
  }
  if (hurried !== undefined) process.stdout.write(`${hurried} records are due now; a worker sends them.\n`);
  process.stdout.write(dryRun ? wouldBeSent(shown) : `${grid(shown)}${reasons(shown)}`);
}

function wouldBeSent(records: readonly ExplainedRecord[]): string {
  if (records.length === 0) return "Nothing would be sent.\n";
  const lines = records.map(
    ({ stamped_at: stamp, dimension, units, billing_reference: payer }) =>
      `${stamp?.toISOString() ?? ""} ${dimension} ${units} to ${payer}\n`,
  );
  return `${records.length} records would be sent, as they are:\n${lines.join("")}`;
}

const signs: Readonly<Record<ExplainedRecord["state"], string>> = {
  open: "…",
  sealed: "▫",
  sent: "→",
  accepted: "✔",
  refused: "✘",
  expired: "✘",
};

/** Hours down, dimensions across; what was counted, and how far it has come. */
function grid(records: readonly ExplainedRecord[]): string {
  if (records.length === 0) return "No usage in these hours.\n";
  const dimensions = [...new Set(records.map(({ dimension }) => dimension))].sort();
  const rows = new Map<string, Map<string, string>>();
  for (const { hour, dimension, quantity, units, state } of records) {
    const row = rows.get(hourOf(hour)) ?? new Map<string, string>();
    const billed = units === null || Number(units) === Number(quantity) ? "" : ` as ${units}`;
    rows.set(hourOf(hour), row.set(dimension, `${Number(quantity)}${billed} ${signs[state]}`));
  }
  const lines = [["hour (UTC)", ...dimensions]];
  for (const [hour, row] of rows) lines.push([hour, ...dimensions.map((dimension) => row.get(dimension) ?? "")]);
  const widths = lines[0]?.map((_, n) => Math.max(...lines.map((line) => line[n]?.length ?? 0))) ?? [];
  return lines
    .map(
      (line) =>
        `${line
          .map((cell, n) => cell.padEnd(widths[n] ?? 0))
          .join("  ")
          .trimEnd()}\n`,
    )
    .join("");
}

/** Of what is billed there is nothing to say. */
function reasons(records: readonly ExplainedRecord[]): string {
  const lines = records
    .filter(({ verdict }) => verdict !== "billed" && verdict !== "nothing_to_bill")
    .map((record) => `${hourOf(record.hour)} ${record.dimension}: ${whyOf(record)}\n`);
  return lines.length === 0 ? "" : `\n${lines.join("")}`;
}

const hourOf = (hour: Date): string => hour.toISOString().slice(0, 13);

import { CsvError, parse } from "csv-parse/sync";
import type { Fault } from "../../../errors.ts";
import type { ColumnMapping } from "./column-mapping.ts";
import { readMoment } from "./read-moment.ts";

/** What a line of the seller's report says was billed. */
export interface BilledLine {
  readonly line: number;
  /** The first of licence, customer and account that the line names. */
  readonly payer: Payer;
  readonly productCode: string | undefined;
  /** AWS's name. */
  readonly dimension: string;
  readonly units: number;
  readonly from: Date;
  readonly until: Date;
}

export type Payer =
  | { readonly kind: "licence"; readonly id: string }
  | { readonly kind: "customer"; readonly id: string }
  | { readonly kind: "account"; readonly id: string };

export interface Read<T> {
  readonly found: readonly T[];
  readonly faults: readonly Fault[];
}

type Row = Readonly<Record<string, string>>;

/** Reads the seller's billing report. Every line at fault is named; nothing is guessed. */
export function readBillingReport(text: string, mapping: ColumnMapping): Read<BilledLine> {
  let rows: { record: string[]; info: { lines: number } }[];
  try {
    rows = parse(text, {
      bom: true,
      info: true,
      delimiter: mapping.delimiter,
      relax_column_count: true,
      skip_empty_lines: true,
      trim: true,
    }) as unknown as typeof rows;
  } catch (fault) {
    const line = fault instanceof CsvError && typeof fault["lines"] === "number" ? fault["lines"] : 1;
    return {
      found: [],
      faults: [{ at: `line ${line}`, message: "is not CSV: a quote is not closed or stands alone" }],
    };
  }
  const [header, ...lines] = rows;
  if (header === undefined) return { found: [], faults: [{ at: "line 1", message: "is missing: the file is empty" }] };
  const missing = missingColumns(header.record, mapping);
  if (missing.length > 0) return { found: [], faults: missing };
  const found: BilledLine[] = [];
  const faults: Fault[] = [];
  for (const { record, info } of lines) {
    const row = Object.fromEntries(header.record.map((name, n) => [name, record[n] ?? ""]));
    const line =
      record.length === header.record.length
        ? readLine(row, info.lines, mapping)
        : "has another number of columns than line 1";
    if (typeof line === "string") faults.push({ at: `line ${info.lines}`, message: line });
    else found.push(line);
  }
  return { found, faults };
}

const REQUIRED = ["dimension", "quantity", "from"] as const;

function missingColumns(header: readonly string[], { columns }: ColumnMapping): Fault[] {
  const has = (name: string | undefined): boolean => name !== undefined && header.includes(name);
  const missing = REQUIRED.filter((what) => !has(columns[what])).map((what) => ({
    at: "line 1",
    message: `has no column \`${columns[what]}\` (${what}); a mapping file says which column it is`,
  }));
  if (has(columns.licence) || has(columns.account) || has(columns.customer)) return missing;
  const message = "has no column for the licence, the account or the customer; a mapping file says which column it is";
  return [...missing, { at: "line 1", message }];
}

function readLine(row: Row, line: number, { columns, length }: ColumnMapping): BilledLine | string {
  const text = (name: string | undefined): string | undefined =>
    name === undefined ? undefined : row[name] || undefined;
  const payer = payerOf(text(columns.licence), text(columns.customer), text(columns.account));
  if (payer === undefined) return "names nobody who pays";
  const dimension = text(columns.dimension);
  if (dimension === undefined) return `has no ${columns.dimension}`;
  const units = readUnits(text(columns.quantity));
  if (units === undefined) return `has no whole number as ${columns.quantity}: \`${text(columns.quantity) ?? ""}\``;
  const from = readMoment(text(columns.from));
  if (from === undefined) return `has no date as ${columns.from}: \`${text(columns.from) ?? ""}\``;
  const written = text(columns.until);
  const until = written === undefined ? after(from, length) : readMoment(written);
  if (until === undefined) return `has no date as ${columns.until}: \`${written ?? ""}\``;
  if (until <= from) return "ends before it begins";
  return { line, payer, productCode: text(columns.product), dimension, units, from, until };
}

function payerOf(
  licence: string | undefined,
  customer: string | undefined,
  account: string | undefined,
): Payer | undefined {
  if (licence !== undefined) return { kind: "licence", id: licence };
  if (customer !== undefined) return { kind: "customer", id: customer };
  return account === undefined ? undefined : { kind: "account", id: account };
}

/** A refund is negative. A fraction is none of ours: only whole units are reported. */
function readUnits(text: string | undefined): number | undefined {
  const match = /^(-?\d{1,15})(?:\.0+)?$/.exec(text ?? "");
  return match?.[1] === undefined ? undefined : Number(match[1]);
}

function after(from: Date, length: ColumnMapping["length"]): Date {
  const until = new Date(from);
  if (length === "hour") until.setUTCHours(until.getUTCHours() + 1);
  else if (length === "day") until.setUTCDate(until.getUTCDate() + 1);
  else until.setUTCMonth(until.getUTCMonth() + 1);
  return until;
}

import { stringify } from "csv-stringify/sync";
import type { Fault } from "../errors.ts";
import type { LedgerRow } from "./ledger.ts";

type DifferenceKind =
  /** The report has other units than we have for a payer, a dimension and a period. */
  | "other_units"
  /** We have billed units of which the report says nothing. */
  | "not_in_report"
  /** We believe it billed, and no call in the log says so. */
  | "not_in_log"
  /** The log has another quantity for the hour. */
  | "other_quantity"
  /** The log has a record for an hour of which we know none. */
  | "not_ours"
  /** Taken over there, and not known here: it may be settled by hand. */
  | "billed_unnoticed"
  /** AWS has taken the hour in another region than ours, where it is billed once more. */
  | "other_region";

/** One disagreement between what we billed and what a marketplace says, in units. */
export interface BilledDifference {
  readonly kind: DifferenceKind;
  readonly payer: { readonly id: string };
  /** The marketplace's name of it. */
  readonly dimension: string;
  readonly from: Date;
  readonly until: Date;
  readonly ours: number;
  readonly theirs: number;
  /** Where it stands in the file. */
  readonly at: string;
}

/** What came of a comparison. */
export interface Reconciled {
  readonly from: Date;
  readonly until: Date;
  /** Records of ours that were looked at. */
  readonly records: number;
  readonly differences: readonly BilledDifference[];
}

interface NamedFile {
  readonly name: string;
  readonly text: string;
}

/** The seller's report, which of its columns says what, and the log of the calls. */
export interface ReconciledFiles {
  readonly report?: NamedFile | undefined;
  readonly mapping?: NamedFile | undefined;
  readonly cloudtrail?: NamedFile | undefined;
}

/** Every frozen record with a stamp in the span. */
export type ReadLedger = (from: Date, until: Date) => Promise<readonly LedgerRow[]>;

/** Compares the files with the ledger; or every fault in the files, each at its place, and then nothing is compared. */
export type Reconcile = (
  files: ReconciledFiles,
  readLedger: ReadLedger,
) => Promise<Reconciled | { readonly faults: readonly Fault[] }>;

/** In words, of the other side. */
export const differenceWords: Readonly<Record<DifferenceKind, string>> = {
  other_units: "other units than ours",
  not_in_report: "not in the report",
  not_in_log: "not in the log",
  other_quantity: "another quantity than ours",
  not_ours: "not of ours",
  billed_unnoticed: "billed, which we did not notice",
  other_region: "in another region too",
};

/** As it is written into files. */
export function flatDifference({ kind, payer, dimension, from, until, ours, theirs, at }: BilledDifference) {
  const period = { from: from.toISOString(), until: until.toISOString() };
  return { kind, payer: payer.id, dimension, ...period, ours, theirs, difference: theirs - ours, at };
}

/** A cell that a spreadsheet would take for a formula is quoted. */
export const differencesCsv = (differences: readonly BilledDifference[]): string =>
  stringify(differences.map(flatDifference), {
    header: true,
    columns: ["kind", "payer", "dimension", "from", "until", "ours", "theirs", "difference", "at"],
    escape_formulas: true,
  });

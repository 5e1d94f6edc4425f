import type { Payer } from "./read-billing-report.ts";

export type DifferenceKind =
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

/** One disagreement, in units. */
export interface Difference {
  readonly kind: DifferenceKind;
  readonly payer: Payer;
  readonly dimension: string;
  readonly from: Date;
  readonly until: Date;
  readonly ours: number;
  readonly theirs: number;
  /** Where it stands in the file: `line 12`, an event's id. */
  readonly at: string;
}

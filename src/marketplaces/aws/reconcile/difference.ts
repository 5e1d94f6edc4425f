import type { BilledDifference } from "../../../metering/differences.ts";
import type { Payer } from "./read-billing-report.ts";

export type DifferenceKind = BilledDifference["kind"];

/** One disagreement, in units; `at` is `line 12` or an event's id. */
export interface Difference extends BilledDifference {
  readonly payer: Payer;
}

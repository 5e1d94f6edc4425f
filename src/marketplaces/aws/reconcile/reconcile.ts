import type { Fault } from "../../../errors.ts";
import type { ReadLedger, Reconciled, ReconciledFiles } from "../../../metering/differences.ts";
import type { LedgerRow } from "../../../metering/ledger.ts";
import { readBillingReference, readLot } from "../report/billing-reference.ts";
import type { CodeOf } from "../report/usage-request.ts";
import { inferredMapping, readMapping } from "./column-mapping.ts";
import { compareLog } from "./compare-log.ts";
import { compareReport, spanOf } from "./compare-report.ts";
import type { LedgerRecord } from "./ledger-record.ts";
import { type BilledLine, type Read, readBillingReport } from "./read-billing-report.ts";
import { type LoggedRecord, readCallLog } from "./read-call-log.ts";

/** Compares the files with the ledger; or every fault in the files, each at its place, and then nothing is compared. */
export async function reconcileFiles(
  files: ReconciledFiles,
  codeOf: CodeOf,
  readLedger: ReadLedger,
): Promise<Reconciled | { readonly faults: readonly Fault[] }> {
  const { report, log, faults } = readFiles(files);
  if (faults.length > 0) return { faults };
  const { from, until } = spanOf([...report, ...log.map(hourOf)]);
  const rows = await readLedger(from, until);
  const ledger = rows.flatMap((row) => toRecord(row, codeOf));
  const differences = [
    ...(files.report === undefined ? [] : compareReport(ledger, report)),
    ...(files.cloudtrail === undefined ? [] : compareLog(ledger, log)),
  ];
  return { from, until, records: ledger.length, differences };
}

function readFiles({ report, mapping, cloudtrail }: ReconciledFiles) {
  const columns = mapping === undefined ? inferredMapping : readMapping(mapping.text);
  if (!("columns" in columns)) return { report: [], log: [], faults: placed(mapping, columns) };
  const billed: Read<BilledLine> = report === undefined ? NOTHING : readBillingReport(report.text, columns);
  const logged: Read<LoggedRecord> = cloudtrail === undefined ? NOTHING : readCallLog(cloudtrail.text);
  const faults = [
    ...placed(report, emptyOr(billed, "has no line beside its header")),
    ...placed(cloudtrail, emptyOr(logged, "has no record that AWS took")),
  ];
  return { report: billed.found, log: logged.found, faults };
}

type NamedFile = NonNullable<ReconciledFiles["report"]>;

const NOTHING = { found: [], faults: [] };

/** With nothing to compare, nothing would differ. */
const emptyOr = ({ found, faults }: Read<unknown>, message: string): readonly Fault[] =>
  found.length === 0 && faults.length === 0 ? [{ at: "", message }] : faults;

const placed = (file: NamedFile | undefined, faults: readonly Fault[]): Fault[] =>
  (file === undefined ? [] : faults).map(({ at, message }) => ({
    at: at === "" ? (file?.name ?? "") : `${file?.name}: ${at}`,
    message,
  }));

const HOUR_MS = 3_600_000;

const hourOf = ({ stampedAt }: LoggedRecord) => {
  const from = Math.floor(stampedAt.getTime() / HOUR_MS) * HOUR_MS;
  return { from: new Date(from), until: new Date(from + HOUR_MS) };
};

/** Of another marketplace, or of nobody: no matter here. */
function toRecord(row: LedgerRow, codeOf: CodeOf): LedgerRecord[] {
  const identity = readBillingReference(row.billing_reference);
  const lot = readLot(row.lot);
  if (identity === undefined || lot === undefined) return [];
  const { productCode } = lot;
  return [
    {
      tenant: row.tenant,
      identity,
      productCode,
      dimension: codeOf(productCode, row.dimension),
      stampedAt: row.stamped_at,
      units: Number(row.units),
      standing: standingOf(row),
    },
  ];
}

function standingOf({ verdict, unknown_attempts: unknown }: LedgerRow): LedgerRecord["standing"] {
  if (verdict === "billed" || verdict === "billed_before") return "billed";
  return unknown > 0 ? "unknown" : "unbilled";
}

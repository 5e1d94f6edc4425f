import { readFile, writeFile } from "node:fs/promises";
import { readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import type { Fault } from "../errors.ts";
import { reconcileAws } from "../marketplaces/aws/aws-operator.ts";
import { differencesCsv, differenceWords, flatDifference, type Reconciled } from "../metering/differences.ts";
import { readLedger } from "../metering/ledger.ts";
import { asOperator } from "./operator-database.ts";

interface ReconcileOptions {
  readonly report?: string;
  readonly mapping?: string;
  readonly cloudtrail?: string;
  readonly json?: boolean;
  readonly csv?: string;
}

/** sysexits.h: the command was used wrongly, or with files that cannot be read. */
const USAGE = 64;
const DIFFERENT = 1;

/**
 * Compares what we billed with the seller's report and CloudTrail's log, and lists what differs in units. Exit code 0
 * when nothing does, 1 when something does, 64 when a file cannot be read: every fault in it is named.
 */
export async function reconcile(options: ReconcileOptions): Promise<void> {
  const { catalog } = await readManifestFile();
  const settings = readSettings();
  const files = await readFiles(options);
  if ("faults" in files) return complain(files.faults);
  const outcome = await asOperator(settings, "reconcile", (store) =>
    reconcileAws(catalog, files, (from, until) => readLedger(store, from, until)),
  );
  if ("faults" in outcome) return complain(outcome.faults);
  if (options.csv !== undefined) await writeFile(options.csv, differencesCsv(outcome.differences));
  process.stdout.write(options.json ? `${JSON.stringify(jsonOf(outcome))}\n` : textOf(outcome));
  if (outcome.differences.length > 0) process.exitCode = DIFFERENT;
}

async function readFiles({ report, mapping, cloudtrail }: ReconcileOptions) {
  if (report === undefined && cloudtrail === undefined) {
    return { faults: [{ at: "--report", message: "is missing: name a report, or a log with --cloudtrail" }] };
  }
  const faults: Fault[] = [];
  const read = async (name: string | undefined) => {
    if (name === undefined) return undefined;
    const text = await readFile(name, "utf8").catch((fault: NodeJS.ErrnoException) => {
      faults.push({ at: name, message: `cannot be read (${fault.code ?? fault.message})` });
      return "";
    });
    return { name, text };
  };
  const files = { report: await read(report), mapping: await read(mapping), cloudtrail: await read(cloudtrail) };
  return faults.length > 0 ? { faults } : files;
}

function complain(faults: readonly Fault[]): void {
  const lines = faults.map(({ at, message }) => `  ${at}: ${message}\n`);
  process.stderr.write(`stallholder: nothing was compared\n${lines.join("")}`);
  process.exitCode = USAGE;
}

function jsonOf({ from, until, records, differences }: Reconciled) {
  return { from, until, records, equal: differences.length === 0, differences: differences.map(flatDifference) };
}

function textOf({ from, until, records, differences }: Reconciled): string {
  const span = `${from.toISOString()} to ${until.toISOString()}, ${records} records of ours`;
  if (differences.length === 0) return `No difference. (${span})\n`;
  const lines = differences.map(flatDifference).map((one) => {
    const place = one.at === "" ? "" : ` (${one.at})`;
    return `${one.difference > 0 ? "+" : ""}${one.difference} ${one.dimension} ${one.from.slice(0, 16)} ${one.payer}\n    ${differenceWords[one.kind]}: ours ${one.ours}, theirs ${one.theirs}${place}\n`;
  });
  const count = differences.length === 1 ? "1 difference" : `${differences.length} differences`;
  return `${count}. (${span})\n${lines.join("")}`;
}

import type { Difference } from "./difference.ts";
import { type LedgerRecord, payersOf } from "./ledger-record.ts";
import type { BilledLine, Payer } from "./read-billing-report.ts";

interface Group {
  readonly payer: Payer;
  readonly productCode: string | undefined;
  readonly dimension: string;
  readonly from: Date;
  readonly until: Date;
  readonly lines: number[];
  theirs: number;
  ours: number;
}

/**
 * Compares what we have billed with the seller's report, by payer, dimension and the periods of its lines. What we have
 * billed within the span of the report and no line speaks of is a difference too.
 */
export function compareReport(ledger: readonly LedgerRecord[], lines: readonly BilledLine[]): Difference[] {
  const groups = groupsOf(lines);
  const places = new Map<string, Group[]>();
  for (const group of groups.values()) {
    const place = placeOf(group.payer, group.dimension);
    const others = places.get(place) ?? [];
    others.push(group);
    places.set(place, others);
  }
  const { from, until } = spanOf(lines);
  const silent: LedgerRecord[] = [];
  for (const record of ledger) {
    if (record.standing !== "billed" || record.units === 0 || record.stampedAt < from || record.stampedAt >= until)
      continue;
    const group = payersOf(record)
      .flatMap((payer) => places.get(placeOf(payer, record.dimension)) ?? [])
      .find((one) => holds(one, record));
    if (group === undefined) silent.push(record);
    else group.ours += record.units;
  }
  return [...[...groups.values()].flatMap(toDifference), ...missing(silent, from, until)];
}

/** The span of time that the lines speak of. */
export function spanOf(lines: readonly { readonly from: Date; readonly until: Date }[]): { from: Date; until: Date } {
  const from = lines.reduce((first, line) => Math.min(first, line.from.getTime()), Number.POSITIVE_INFINITY);
  const until = lines.reduce((last, line) => Math.max(last, line.until.getTime()), Number.NEGATIVE_INFINITY);
  return lines.length === 0
    ? { from: new Date(0), until: new Date(0) }
    : { from: new Date(from), until: new Date(until) };
}

const placeOf = ({ kind, id }: Payer, dimension: string): string => JSON.stringify([kind, id, dimension]);

function groupsOf(lines: readonly BilledLine[]): Map<string, Group> {
  const groups = new Map<string, Group>();
  for (const { line, payer, productCode, dimension, units, from, until } of lines) {
    const key = JSON.stringify([payer, productCode, dimension, from, until]);
    const group = groups.get(key) ?? { payer, productCode, dimension, from, until, lines: [], theirs: 0, ours: 0 };
    group.lines.push(line);
    group.theirs += units;
    groups.set(key, group);
  }
  return groups;
}

function holds({ from, until, productCode }: Group, { stampedAt, productCode: product }: LedgerRecord): boolean {
  return stampedAt >= from && stampedAt < until && (productCode === undefined || productCode === product);
}

function toDifference({ payer, dimension, from, until, lines, ours, theirs }: Group): Difference[] {
  if (ours === theirs) return [];
  const at = `line ${lines.slice(0, 5).join(", ")}`;
  return [{ kind: "other_units", payer, dimension, from, until, ours, theirs, at }];
}

function missing(records: readonly LedgerRecord[], from: Date, until: Date): Difference[] {
  const sums = new Map<string, Difference>();
  for (const record of records) {
    const [payer] = payersOf(record);
    if (payer === undefined) continue;
    const place = placeOf(payer, record.dimension);
    const ours = (sums.get(place)?.ours ?? 0) + record.units;
    sums.set(place, {
      kind: "not_in_report",
      payer,
      dimension: record.dimension,
      from,
      until,
      ours,
      theirs: 0,
      at: "",
    });
  }
  return [...sums.values()];
}

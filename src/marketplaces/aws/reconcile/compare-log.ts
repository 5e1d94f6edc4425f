import type { Difference, DifferenceKind } from "./difference.ts";
import { type LedgerRecord, payersOf, paysFor } from "./ledger-record.ts";
import type { LoggedRecord } from "./read-call-log.ts";

const HOUR_MS = 3_600_000;

/**
 * Compares our records with the calls that CloudTrail logged, hour by hour. Only hours inside the log's span are asked
 * of it: an hour of ours outside it may have been reported at another time.
 */
export function compareLog(ledger: readonly LedgerRecord[], log: readonly LoggedRecord[]): Difference[] {
  const logged = groupBy(log, (one) => placeOf(one.payer.id, one.dimension, one.stampedAt));
  const differences: Difference[] = [];
  const met = new Set<string>();
  for (const record of ledger) {
    const mine = payersOf(record).flatMap(({ id }) => {
      const place = placeOf(id, record.dimension, record.stampedAt);
      const entries = (logged.get(place) ?? []).filter(({ payer }) => paysFor(payer, record));
      if (entries.length > 0) met.add(place);
      return entries;
    });
    differences.push(...judge(record, mine, log));
  }
  for (const [place, entries] of logged) if (!met.has(place)) differences.push(...entries.slice(0, 1).map(strange));
  return differences;
}

/** AWS says `Success` again to the same again, so entries are looked at and never added up. */
function judge(record: LedgerRecord, entries: readonly LoggedRecord[], log: readonly LoggedRecord[]): Difference[] {
  const elsewhere = entries.find(({ region }) => region !== record.identity.region);
  const here = entries.filter(({ region }) => region === record.identity.region);
  return [...(elsewhere === undefined ? [] : [of("other_region", record, elsewhere)]), ...judgeHere(record, here, log)];
}

function judgeHere(record: LedgerRecord, entries: readonly LoggedRecord[], log: readonly LoggedRecord[]): Difference[] {
  const billed = record.standing === "billed";
  const [first] = entries;
  if (first === undefined)
    return billed && record.units > 0 && isCovered(record, log) ? [of("not_in_log", record)] : [];
  const other = entries.find(({ units }) => units !== record.units);
  if (other !== undefined) return [of("other_quantity", record, other)];
  return billed || record.units === 0 ? [] : [of("billed_unnoticed", record, first)];
}

/** A record is reported after its hour and within a day of it. */
function isCovered({ stampedAt, identity }: LedgerRecord, log: readonly LoggedRecord[]): boolean {
  const times = log.flatMap(({ at, region }) => (region === identity.region ? [at.getTime()] : []));
  const first = times.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const last = times.reduce((most, time) => Math.max(most, time), Number.NEGATIVE_INFINITY);
  return stampedAt.getTime() >= first && stampedAt.getTime() + 24 * HOUR_MS <= last;
}

function of(kind: DifferenceKind, record: LedgerRecord, entry?: LoggedRecord): Difference {
  const [payer] = payersOf(record);
  return {
    kind,
    payer: payer ?? { kind: "account", id: "" },
    dimension: record.dimension,
    ...hourOf(record.stampedAt),
    ours: record.standing === "billed" ? record.units : 0,
    theirs: entry?.units ?? 0,
    at: entry?.event ?? "",
  };
}

function strange({ payer, dimension, stampedAt, units, event }: LoggedRecord): Difference {
  return { kind: "not_ours", payer, dimension, ...hourOf(stampedAt), ours: 0, theirs: units, at: event };
}

function hourOf(moment: Date): { from: Date; until: Date } {
  const from = Math.floor(moment.getTime() / HOUR_MS) * HOUR_MS;
  return { from: new Date(from), until: new Date(from + HOUR_MS) };
}

const placeOf = (payer: string, dimension: string, stampedAt: Date): string =>
  JSON.stringify([payer, dimension, hourOf(stampedAt).from.getTime()]);

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item)) ?? [];
    group.push(item);
    groups.set(keyOf(item), group);
  }
  return groups;
}

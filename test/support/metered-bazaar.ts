import type {
  ReportAnswer,
  ReportBatch,
  ReportRecord,
  ReportVerdict,
  UsageReporting,
} from "../../src/metering/reporting.ts";
import { HOUR, type TestClock } from "./clock.ts";

/** What happens to one call. `lost` is applied and its answer lost; `dropped` never arrives. */
export type Line =
  | "taken"
  | "lost"
  | "dropped"
  | "throttled"
  | "misconfigured"
  | "unprocessed"
  | "half unprocessed"
  | "half missing"
  | "thrown"
  /** Taken, after what the test does while the call is under way. */
  | "meanwhile"
  /** The test says when it goes on, and what then happens to it. */
  | Promise<"taken" | "lost" | "dropped">;

export interface Seen {
  readonly lot: string;
  readonly records: readonly ReportRecord[];
}

/** A marketplace that bills usage: it keeps a ledger, holds the rules, and loses what the test says. */
export interface MeteredBazaar extends UsageReporting {
  /** What it bills, by payer, dimension and hour: the first quantity of a key stays. */
  readonly ledger: ReadonlyMap<string, number>;
  /** Every call that was made, whatever became of it. */
  readonly calls: readonly Seen[];
  /** What no sender may ever do, in words; the tests hold this empty. */
  readonly offences: readonly string[];
  /** The next calls, one each; those after them are taken. */
  answer(...lines: readonly Line[]): void;
  /** Decides about each call that no line was given for. */
  otherwise: () => Line;
  meanwhile: () => Promise<void>;
  /** A repeat of what it holds already is answered with `billed`, or with `held_another`. */
  repeats: "billed" | "held_another";
  /** Billing references that it does not know (any more). */
  readonly unsubscribed: Set<string>;
  /** Dimensions for which it refuses whole calls. */
  readonly refused: Set<string>;
  /** Somebody else writes into the ledger. */
  hold(reference: string, dimension: string, hour: Date, units: number): void;
  total(reference?: string): number;
}

const UNPROCESSED: ReportVerdict = { kind: "not_taken", fault: "unprocessed" };
/** Answers to calls that changed nothing. */
const unapplied: Partial<Record<string, ReportAnswer>> = {
  dropped: { kind: "unknown", fault: "The connection was reset." },
  throttled: { kind: "throttled" },
  misconfigured: { kind: "misconfigured", code: "NotAllowed", message: "Who are you?" },
};

type Options = Partial<Pick<UsageReporting, "heartbeats" | "mode" | "most" | "rules">>;

export function meteredBazaar(clock: TestClock, options: Options = {}): MeteredBazaar {
  const ledger = new Map<string, number>();
  const sent = new Map<string, string>();
  const calls: Seen[] = [];
  const offences: string[] = [];
  const lines: Line[] = [];
  const rules = { windowHours: 24, monthGraceHours: 6, ...options.rules };

  const bazaar: MeteredBazaar = {
    most: { records: 25, bytes: 900_000, callsPerSecond: 1_000 },
    rules,
    heartbeats: false,
    ...options,
    ledger,
    calls,
    offences,
    otherwise: () => "taken",
    meanwhile: () => Promise.resolve(),
    repeats: "billed",
    unsubscribed: new Set(),
    refused: new Set(),
    answer: (...more) => {
      lines.push(...more);
    },
    hold: (reference, dimension, hour, units) => {
      ledger.set(keyOf({ billingReference: reference, dimension, stampedAt: hour }), units);
    },
    total: (reference) =>
      [...ledger].reduce((sum, [key, units]) => sum + (key.startsWith(`${reference ?? ""}`) ? units : 0), 0),
    report: async (batch) => {
      calls.push({ lot: batch.lot, records: batch.records });
      offences.push(...offencesOf(batch, bazaar.most.records), ...changed(batch, sent));
      const line = await (lines.shift() ?? bazaar.otherwise());
      if (line === "meanwhile") await bazaar.meanwhile();
      return play(line, batch);
    },
  };

  const play = (line: Awaited<Line>, batch: ReportBatch): ReportAnswer => {
    if (line === "thrown") throw new Error("Something nobody thought of.");
    const fault = unapplied[line] ?? refusalOf(batch, bazaar, clock.now());
    if (fault !== undefined) return fault;
    const half = (index: number) => line.startsWith("half") && index % 2 === 1;
    const taken = batch.records.flatMap((record, index): (readonly [string, ReportVerdict])[] => {
      if (line === "unprocessed" || (line === "half unprocessed" && half(index))) return [[record.key, UNPROCESSED]];
      const verdict = take(record);
      return line === "half missing" && half(index) ? [] : [[record.key, verdict]];
    });
    const answered = { kind: "answered", verdicts: new Map(taken), requestId: "call 1" } as const;
    return line === "lost" ? { kind: "unknown", fault: "time-out" } : answered;
  };

  const take = (record: ReportRecord): ReportVerdict => {
    if (bazaar.unsubscribed.has(record.billingReference)) return { kind: "not_subscribed" };
    const key = keyOf(record);
    const held = ledger.get(key);
    if (held === undefined) ledger.set(key, record.units);
    const same = held === undefined || (held === record.units && bazaar.repeats === "billed");
    return same ? { kind: "billed", id: `id of ${key}` } : { kind: "held_another" };
  };
  return bazaar;
}

function keyOf({
  billingReference,
  dimension,
  stampedAt,
}: Pick<ReportRecord, "billingReference" | "dimension" | "stampedAt">) {
  const hour = new Date(Math.floor(stampedAt.getTime() / HOUR) * HOUR).toISOString().slice(0, 13);
  return `${billingReference} ${dimension} ${hour}`;
}

function refusalOf({ records }: ReportBatch, { refused, rules }: MeteredBazaar, now: Date): ReportAnswer | undefined {
  const bad = records.find(({ dimension }) => refused.has(dimension));
  if (bad !== undefined)
    return { kind: "refused", code: "UnknownDimension", message: `No dimension ${bad.dimension}.` };
  const late = records.some(({ stampedAt }) => now.getTime() >= deadlineOf(stampedAt, rules));
  if (late) return { kind: "refused", code: "OutOfBounds", message: "Too old.", tooOld: true };
  return undefined;
}

function deadlineOf(stampedAt: Date, rules: UsageReporting["rules"]): number {
  const month = Date.UTC(stampedAt.getUTCFullYear(), stampedAt.getUTCMonth() + 1);
  return Math.min(stampedAt.getTime() + rules.windowHours * HOUR, month + rules.monthGraceHours * HOUR);
}

function offencesOf({ records }: ReportBatch, most: number): string[] {
  const faults = records.flatMap(offencesOfOne);
  if (records.length === 0 || records.length > most) faults.push(`a call with ${records.length} records`);
  if (new Set(records.map(keyOf)).size < records.length) faults.push("a key twice in one call");
  return faults;
}

function offencesOfOne({ units, allocations, hour, stampedAt }: ReportRecord): string[] {
  const parts = allocations.reduce((sum, part) => sum + part.units, 0);
  const names = new Set(allocations.flatMap(({ tags }) => Object.keys(tags)));
  const sets = new Set(allocations.map(({ tags }) => JSON.stringify(tags)));
  const faults: readonly (readonly [boolean, string])[] = [
    [!Number.isInteger(units) || units < 0 || units > 2_147_483_647, `${units} units`],
    [stampedAt < hour || stampedAt.getTime() >= hour.getTime() + HOUR, "a stamp outside its hour"],
    [allocations.length > 0 && parts !== units, `allocations of ${parts} for ${units} units`],
    [names.size > 5 || sets.size < allocations.length, "more than five tag names, or a set of tags twice"],
  ];
  return faults.filter(([is]) => is).map(([, fault]) => fault);
}

/** A key that was sent before with other content: the one thing that can bill twice, or not at all. */
function changed({ records }: ReportBatch, sent: Map<string, string>): string[] {
  return records.flatMap((record) => {
    const content = JSON.stringify([record.units, record.stampedAt, record.allocations]);
    const before = sent.get(keyOf(record));
    sent.set(keyOf(record), content);
    return before === undefined || before === content ? [] : [`${keyOf(record)} sent as ${before} and ${content}`];
  });
}

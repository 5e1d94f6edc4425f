import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "../clock.ts";
import { connect, type Database, type DatabaseOptions } from "../db/db.ts";
import { isolate } from "../isolation/isolation.ts";
import type { ReportingByMarketplace } from "./billing.ts";
import { deadlinesJob } from "./deadlines.ts";
import { createIntake, type Intake, WRITERS } from "./intake.ts";
import type { RefusalCode, Verdict } from "./judge.ts";
import { emptyMemory } from "./memory.ts";
import type { Settled } from "./outbox.ts";
import { createReporter, type ReportRound } from "./reporter.ts";
import { type UsageLimit, usageJob } from "./rolling.ts";
import { type BatchStore, storeBatch } from "./store-batch.ts";
import { idOf, readEvent, type UsageEvent, type UsageSource } from "./usage-event.ts";

export type { UsageSource };

/** What became of one event, in the words of the API. */
export type UsageReceipt =
  | { readonly id: string | null; readonly status: "accepted" | "duplicate" }
  | { readonly id: string | null; readonly status: "refused"; readonly code: RefusalCode };

export interface Metering {
  /**
   * A receipt for each item in its order; a faulty one is refused alone. Resolves when what was accepted is durable. A
   * repeat of an id within eight days is `duplicate`, or `usage_conflict` with other content. Throws `unavailable` when
   * it cannot be stored now; a repeat is safe.
   */
  record(source: UsageSource, items: readonly unknown[]): Promise<readonly UsageReceipt[]>;
  /**
   * One round of a worker: seals hours and tenants that ended, sums open hours, fixes what records will say, ends those
   * whose time is over, keeps the tables. True if there was work.
   */
  work(): Promise<boolean>;
  /** One round of one of `REPORT_LANES`: reports a batch of records. True if there was one. */
  report: ReportRound;
  close(): Promise<void>;
}

/** What an operator should know of the reporting. */
export interface ReportingTold {
  /** Records that reached their end. */
  readonly settled: (records: readonly Settled[]) => void;
  /** Records that have waited, and whose deadline is no more than this many hours away. */
  readonly atRisk: (hours: 6 | 1, records: number) => void;
  /** A marketplace refuses our credentials, region or clock. */
  readonly misconfigured: (marketplace: string, lot: string, fault: string) => void;
}

export interface MeteringOptions {
  /** The serving login's: batches and long sums have connections of their own. None is opened before it is needed. */
  readonly url: string;
  readonly clock: Clock;
  readonly dimensions: readonly string[];
  readonly limits: readonly UsageLimit[];
  /** The marketplaces that bill usage; none when absent. */
  readonly reporting?: () => ReportingByMarketplace;
  readonly told?: Partial<ReportingTold>;
  /** Told how many events came to each verdict. */
  readonly count?: (verdict: Verdict, events: number) => void;
  readonly onFault?: DatabaseOptions["onFault"];
  readonly connectMs?: number;
}

const REPORTERS = 4;
/** Sums of an hour of a large service; nothing else of ours takes that long. */
const ROLL_MS = 110_000;

export function createMetering(options: MeteringOptions): Metering {
  const { url, clock, onFault, connectMs } = options;
  const common = { url, ...(onFault && { onFault }), ...(connectMs !== undefined && { connectMs }) };
  const writers = connect({ ...common, connections: WRITERS });
  const jobs = connect({ ...common, connections: 1, statementMs: ROLL_MS });
  const reports = connect({ ...common, connections: REPORTERS });
  const { reporting = NONE } = options;
  const told: ReportingTold = { settled: ignore, atRisk: ignore, misconfigured: ignore, ...options.told };
  const store = isolate(jobs, { role: null });
  const roll = usageJob(store, options);
  const keepDeadlines = deadlinesJob(store, { ...options, reporting, told });
  const notes = noteAfterwards(writers);
  const intake = batchedIntake(writers, new Set(options.dimensions), clock.real === true, notes.note);
  return {
    record: async (source, items) => {
      const receipts = await record(intake, source, items, clock.now().getTime());
      if (options.count !== undefined) countVerdicts(receipts, options.count);
      return receipts;
    },
    work: async () => {
      const rolled = await roll();
      return (await keepDeadlines()) || rolled;
    },
    report: createReporter({ store: isolate(reports, { role: null }), clock, reporting, ...told }),
    close: async () => {
      await notes.stop();
      await Promise.all([writers.close(), jobs.close(), reports.close()]);
    },
  };
}

const NONE = (): ReportingByMarketplace => new Map();
const ignore = (): void => undefined;

function batchedIntake(database: Database, dimensions: ReadonlySet<string>, real: boolean, stored: () => void): Intake {
  let role: Promise<string | null> | undefined;
  const store: Omit<BatchStore, "role"> = { database, dimensions, real, memory: emptyMemory() };
  return createIntake(async (arrivals) => {
    role ??= writerRole(database).catch((fault: unknown) => {
      role = undefined;
      throw fault;
    });
    const verdicts = await storeBatch({ ...store, role: await role }, arrivals);
    stored();
    return verdicts;
  });
}

/** Null where the login cannot take the role: it may add to the days itself then (migrations/0008_metering.sql). */
async function writerRole(database: Database): Promise<string | null> {
  const [row] = await database.run<{ rolname: string }>({
    text: `select rolname from pg_roles where rolname = 'usage_writer' and pg_has_role(current_user, oid,
             case when current_setting('server_version_num')::integer < 160000 then 'member' else 'set' end)`,
  });
  return row?.rolname ?? null;
}

async function record(
  intake: Intake,
  source: UsageSource,
  items: readonly unknown[],
  now: number,
): Promise<readonly UsageReceipt[]> {
  const read = items.map((item) => readEvent(item, source));
  const events = read.filter((one): one is UsageEvent => typeof one !== "string");
  const verdicts = events.length === 0 ? [] : await intake.take({ now, events });
  let next = 0;
  return read.map((one, index) => {
    if (typeof one === "string") return receipt(idOf(items[index]), one);
    return receipt(one.id, verdicts[next++] ?? "usage_malformed");
  });
}

function receipt(id: string | null, verdict: Verdict): UsageReceipt {
  if (verdict === "accepted" || verdict === "duplicate") return { id, status: verdict };
  return { id, status: "refused", code: verdict };
}

function countVerdicts(receipts: readonly UsageReceipt[], count: (verdict: Verdict, events: number) => void): void {
  const verdicts = new Map<Verdict, number>();
  for (const receipt of receipts) {
    const verdict = receipt.status === "refused" ? receipt.code : receipt.status;
    verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1);
  }
  for (const [verdict, events] of verdicts) count(verdict, events);
}

const NOTE_AFTER_MS = 400;

/** Tells the workers that something was stored: once for all that is stored within a moment. */
function noteAfterwards(database: Database) {
  const stopping = new AbortController();
  let noting: Promise<void> | undefined;

  const noteOnce = async (): Promise<void> => {
    await sleep(NOTE_AFTER_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    noting = undefined;
    // A lost note costs a minute: records are brought up to date that often anyway.
    await database.run({ text: "select note_usage()" }).catch(() => undefined);
  };
  return {
    note: (): void => {
      noting ??= noteOnce();
    },
    stop: async (): Promise<void> => {
      stopping.abort();
      await noting;
    },
  };
}

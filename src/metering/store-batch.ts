import { setTimeout as sleep } from "node:timers/promises";
import { type BulkColumns, type BulkRow, copyOf } from "../db/bulk.ts";
import type { Copy } from "../db/copy.ts";
import type { Database } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { type Admission, billedHour, judge, type Verdict } from "./judge.ts";
import { beWary, type Memory, rememberAlive } from "./memory.ts";
import type { UsageEvent } from "./usage-event.ts";

/** What one request brought, when it arrived. */
export interface Arrival {
  readonly now: number;
  readonly events: readonly UsageEvent[];
}

export interface BatchStore {
  /** Connections of their own: a batch holds one until it is committed. */
  readonly database: Database;
  readonly dimensions: ReadonlySet<string>;
  readonly memory: Memory;
  /** Our clock is the system's: then one that runs ahead of the database's is not believed. */
  readonly real: boolean;
  /** The role that may add to the days; null where the login writes itself. */
  readonly role: string | null;
}

const TRIES = 4;
const DAY_MS = 86_400_000;

/**
 * Judges and stores arrivals in one transaction, and answers a verdict for each event in their order, once it is durable.
 * The first try asks for as little as may do, every other for all there is. Repeated after a lost connection too, though the
 * first try may have been committed: its events are duplicates then.
 * Throws `unavailable` when nothing helped; whether something was stored is unknown then, and a repeat tells.
 */
export async function storeBatch(store: BatchStore, arrivals: readonly Arrival[]): Promise<readonly Verdict[][]> {
  for (let tried = 1; ; tried += 1) {
    try {
      const { verdicts, missing } = await attempt(store, arrivals, tried > 1);
      if (verdicts !== undefined) return verdicts;
      if (missing.length > 0) await makeDays(store, missing);
    } catch (fault) {
      if (tried >= TRIES || !mayTryAgain(fault)) throw fault;
      await beforeNext(store.memory, fault, tried);
    }
  }
}

function mayTryAgain(fault: unknown): boolean {
  return isTaken(fault) || (fault instanceof ProviderError && fault.code === "unavailable");
}

/** A key that was not looked for needs no pause. */
async function beforeNext(memory: Memory, fault: unknown, tried: number): Promise<void> {
  const taken = isTaken(fault);
  if (taken) beWary(memory);
  await sleep(Math.random() * 50 * (taken ? tried - 1 : tried));
}

/** One of the keys is there: it was not looked for, or another writer was first. */
function isTaken(fault: unknown): boolean {
  return typeof fault === "object" && fault !== null && "code" in fault && fault.code === "23505";
}

interface Attempt {
  /** Absent when nothing was stored: days are missing, or too little was looked at to be sure. */
  readonly verdicts?: readonly Verdict[][];
  readonly missing: readonly string[];
}

const UNSURE: Attempt = { missing: [] };

interface Accepted {
  readonly event: UsageEvent;
  readonly at: number;
  readonly hour: number;
}

/**
 * What stands behind the gate must be looked at after it is taken, so each statement has a snapshot of its own. Whoever
 * holds the gate and falls silent must not keep others waiting for long. Keys are looked up by their index, also
 * while a table that was planned for is still empty; and nothing is compiled for it. Planned once for a connection: to
 * plan for each batch with its values would cost more than the look itself.
 */
const PRELUDE = `set transaction isolation level read committed; set local idle_in_transaction_session_timeout = 5000; set local synchronous_commit = on;
  set local enable_seqscan = off; set local jit = off; set local plan_cache_mode = force_generic_plan`;

function attempt(store: BatchStore, arrivals: readonly Arrival[], thorough: boolean): Promise<Attempt> {
  const { memory } = store;
  const takeRole = store.role === null ? "" : `; set local role ${store.role}`;
  const look = lookFor(memory, arrivals, thorough);
  return store.database.transaction<Attempt, AdmissionRow>(
    `${PRELUDE}${takeRole}; ${enterSql(look)}`,
    async (tx, [row]) => {
      if (row === undefined) throw new Error("enter_usage gave no row.");
      if (look.relies && row.era !== look.era) return UNSURE;
      const admission = admissionOf(row);
      rememberAlive(memory, row.era, aliveOf(look.tenants, admission));
      const accepted: Accepted[] = [];
      let allNew = true;
      const verdicts = arrivals.map(({ now: ours, events }) => {
        const now = store.real ? Math.min(ours, admission.clock) : ours;
        return events.map((event) => {
          const verdict = judge(event, now, admission, store.dimensions);
          const at = event.at ?? now;
          if (verdict === "accepted") accepted.push({ event, at, hour: billedHour(at, admission.sealedThrough) });
          else allNew = false;
          return verdict;
        });
      });
      if (!allNew) beWary(memory);
      if (!allNew && !look.everywhere) return UNSURE;
      const byDay = groupByDay(accepted);
      const missing = [...byDay.keys()].filter((day) => !memory.days.has(day));
      if (missing.length > 0) return { missing };
      if (accepted.length > 0) tx.copyAtEnd(copiesOf(admission.generation, accepted, byDay));
      return { verdicts, missing };
    },
  );
}

interface Look {
  readonly keys: readonly string[];
  readonly tenants: ReadonlySet<string>;
  /** Whether others were seen alive in this era, and are not asked for. */
  readonly relies: boolean;
  readonly era: string;
  /** Also for keys that the unique index would refuse. */
  readonly everywhere: boolean;
}

function lookFor(memory: Memory, arrivals: readonly Arrival[], thorough: boolean): Look {
  const everywhere = thorough || memory.wary > 0;
  if (memory.wary > 0) memory.wary -= 1;
  const { name: era, alive } = memory.era;
  const tenants = new Set<string>();
  const keys: string[] = [];
  let relies = false;
  for (const { events } of arrivals) {
    for (const { tenant, key } of events) {
      if (thorough || !alive.has(tenant)) tenants.add(tenant);
      else relies = true;
      keys.push(key);
    }
  }
  return { keys, tenants, relies, era, everywhere };
}

/**
 * One message with the beginning of the transaction. Ids of tenants and keys go into its text: their grammar, which `readEvent`
 * holds, is the guard.
 */
function enterSql({ tenants, keys, everywhere }: Look): string {
  return `select * from enter_usage('{${[...tenants].join()}}', '{${keys.join()}}', ${everywhere})`;
}

function* aliveOf(tenants: ReadonlySet<string>, { unknown, closed }: Admission): Iterable<string> {
  for (const tenant of tenants) if (!unknown.has(tenant) && !closed.has(tenant)) yield tenant;
}

interface AdmissionRow {
  readonly generation: number;
  readonly sealed_through: Date;
  readonly clock: Date;
  readonly era: string;
  readonly closing: string[];
  readonly unknown: string[] | null;
  readonly closed: string[] | null;
  readonly known: string[] | null;
  readonly prints: string[] | null;
}

function admissionOf(row: AdmissionRow): Admission {
  return {
    generation: row.generation,
    sealedThrough: row.sealed_through.getTime(),
    clock: row.clock.getTime(),
    unknown: new Set(row.unknown),
    closed: new Set(row.closing.concat(row.closed ?? [])),
    known: new Map(row.known?.map((key, index) => [key.replaceAll("-", ""), printOf(row.prints?.[index])])),
  };
}

function printOf(stored = "0"): string {
  return BigInt.asUintN(64, BigInt(stored)).toString(16).padStart(16, "0");
}

/** Keys in their order, always: two writers with the same events in other orders would wait for each other. */
function copiesOf(
  generation: number,
  accepted: readonly Accepted[],
  byDay: ReadonlyMap<string, readonly Accepted[]>,
): readonly Copy[] {
  const keys = accepted
    .map(({ event }) => event)
    .sort((left, right) => (left.key < right.key ? -1 : 1))
    .map(({ key, print }): BulkRow => [key, print]);
  return [
    copyOf(`usage_keys_${generation % 2}`, KEY_COLUMNS, keys),
    ...[...byDay].map(([day, events]) =>
      copyOf(`usage_days.d${day.replaceAll("-", "")}`, EVENT_COLUMNS, events.map(eventRow)),
    ),
  ];
}

const KEY_COLUMNS: BulkColumns = { key: "uuid", print: "bigint" };

const EVENT_COLUMNS: BulkColumns = {
  occurred_at: "timestamptz",
  billed_hour: "timestamptz",
  from_key: "boolean",
  tenant_id: "text",
  dimension: "text",
  quantity: "numeric",
  id: "text",
  tags: "jsonb",
};

function eventRow({ event, at, hour }: Accepted): BulkRow {
  return [at, hour, event.fromKey, event.tenant, event.dimension, event.quantity, event.id, event.tags];
}

function groupByDay(accepted: readonly Accepted[]): ReadonlyMap<string, readonly Accepted[]> {
  const byDay = new Map<number, Accepted[]>();
  for (const one of accepted) {
    const day = one.hour - (one.hour % DAY_MS);
    const others = byDay.get(day);
    if (others === undefined) byDay.set(day, [one]);
    else others.push(one);
  }
  return new Map([...byDay].map(([day, events]) => [new Date(day).toISOString().slice(0, 10), events]));
}

async function makeDays({ database, memory }: BatchStore, missing: readonly string[]): Promise<void> {
  await database.run({ text: "select make_usage_days($1)", values: [missing] });
  for (const day of missing) memory.days.add(day);
}

import { type Side, sides } from "../commit-proxy.ts";
import { amountOf, sumOf, textOf } from "./amount.ts";
import { type Crash, type Point, points } from "./points.ts";
import type { Played } from "./scenario.ts";
import type { Done, Violation } from "./stage.ts";

/** What a soak came to, as it is kept in docs/proofs. */
export interface Report {
  readonly seed: number;
  readonly started_at: string;
  readonly minutes: number;
  /** Git's hash of the folder `src` that was judged: `git rev-parse HEAD:src`. */
  readonly source?: string;
  readonly scenarios: number;
  /** Scenarios that are in no other figure: a process did not start in time. */
  readonly not_counted: number;
  readonly processes: number;
  readonly crashes: Readonly<Record<Point, Readonly<Record<Side, number>>>>;
  readonly kills_at_points: number;
  readonly kills_at_random: number;
  readonly standstills_past_a_lease: number;
  readonly connections_ended: number;
  readonly database_restarts: number;
  readonly outages_past_a_window: number;
  readonly faults: Readonly<Record<string, number>>;
  readonly tenants: number;
  readonly purchases: number;
  readonly events_sent: number;
  readonly events_resent: number;
  readonly events_acknowledged: number;
  readonly units_acknowledged: string;
  readonly units_billed: number;
  readonly records: number;
  readonly calls: number;
  readonly records_sent: number;
  readonly verdicts: Readonly<Record<string, number>>;
  readonly violations: number;
  /** Kinds of commit points at which no process died, on one side or both. */
  readonly missed: readonly string[];
  readonly failed: readonly {
    /** Plays it again: `npm run soak -- metering --seed <id>`. */
    readonly seed: string;
    readonly violations: readonly Violation[];
    readonly late_starts: readonly string[];
    readonly history: readonly string[];
  }[];
}

export interface Run {
  readonly seed: number;
  readonly startedAt: Date;
  readonly processes: number;
  readonly source?: string | undefined;
}

export function reportOf({ seed, startedAt, processes, source }: Run, all: readonly Played[], endedAt: Date): Report {
  const played = all.filter(counts);
  const sum = (count: (one: Played) => number): number => played.reduce((total, one) => total + count(one), 0);
  const done = (what: keyof Done): number => sum((one) => one.done[what]);
  const crashes = crashesOf(played.flatMap((one) => one.crashes));
  const failed = all.filter((one) => !counts(one) || one.violations.length > 0);
  return {
    seed,
    started_at: startedAt.toISOString(),
    minutes: Math.round((endedAt.getTime() - startedAt.getTime()) / 6_000) / 10,
    ...(source === undefined ? {} : { source }),
    scenarios: played.length,
    not_counted: all.length - played.length,
    processes,
    crashes,
    kills_at_points: sum((one) => one.crashes.length),
    kills_at_random: done("kills"),
    standstills_past_a_lease: done("freezes"),
    connections_ended: done("connectionsEnded"),
    database_restarts: done("restarts"),
    outages_past_a_window: done("outages"),
    faults: totals(played.map(({ faults }) => faults)),
    tenants: sum(({ tenants }) => tenants),
    purchases: sum(({ purchases }) => purchases),
    events_sent: sum(({ events }) => events),
    events_resent: sum(({ resends }) => resends),
    events_acknowledged: sum(({ acknowledged }) => acknowledged),
    units_acknowledged: textOf(sumOf(played, ({ units }) => amountOf(units))),
    units_billed: sum(({ unitsBilled }) => unitsBilled),
    records: sum(({ records }) => records),
    calls: sum(({ calls }) => calls),
    records_sent: sum(({ recordsSent }) => recordsSent),
    verdicts: totals(played.map(({ verdicts }) => verdicts)),
    violations: sum(({ violations }) => violations.length),
    missed: points.flatMap((point) =>
      sides.filter((side) => crashes[point][side] === 0).map((side) => `${side} ${point}`),
    ),
    failed: failed.map(({ script, violations, lateStarts, history }) => {
      return { seed: script.id, violations, late_starts: lateStarts, history };
    }),
  };
}

/** A broken promise counts however late a process was. */
export const counts = ({ lateStarts, violations }: Played): boolean => lateStarts.length === 0 || violations.length > 0;

function crashesOf(crashes: readonly Crash[]): Report["crashes"] {
  const count = (point: Point, side: Side) => crashes.filter((one) => one.point === point && one.side === side).length;
  const rows = points.map((point) => [point, { before: count(point, "before"), after: count(point, "after") }]);
  return Object.fromEntries(rows) as Report["crashes"];
}

function totals(all: readonly Readonly<Record<string, number>>[]): Readonly<Record<string, number>> {
  const names = [...new Set(all.flatMap((one) => Object.keys(one)))].sort();
  return Object.fromEntries(names.map((name) => [name, all.reduce((sum, one) => sum + (one[name] ?? 0), 0)]));
}

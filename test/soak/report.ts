import type { Side } from "./commit-proxy.ts";
import { type Crash, type Point, points } from "./points.ts";
import type { Played } from "./scenario.ts";

/** One that broke a promise, or that does not count. */
export interface FailedScenario {
  /** Plays it again: `npm run soak -- --seed <id>`. */
  readonly seed: string;
  readonly violations: readonly { readonly rule: string; readonly said: string }[];
  readonly late_starts: readonly string[];
  readonly history: readonly string[];
}

/** What a soak came to, as it is kept in docs/proofs. */
export interface Report {
  readonly seed: number;
  readonly started_at: string;
  readonly minutes: number;
  /** Git's hash of the folder `src` that was judged: `git rev-parse HEAD:src`. */
  readonly source?: string;
  readonly scenarios: number;
  /** Scenarios that are in no other figure: the provider did not start in time, so they were not played as written. */
  readonly not_counted: number;
  readonly crashes: Readonly<Record<Point, Readonly<Record<Side, number>>>>;
  readonly kills: number;
  readonly connections_ended: number;
  readonly database_restarts: number;
  readonly tenants: number;
  readonly lifecycle_calls: number;
  readonly product_calls: number;
  readonly owed_calls: Readonly<Record<"delivered" | "given_up" | "cancelled", number>>;
  readonly given_up_because: Readonly<Record<string, number>>;
  readonly samples_of_config: number;
  readonly violations: number;
  /** Kinds of commit points at which no process died, on one side or both. */
  readonly missed: readonly string[];
  readonly failed: readonly FailedScenario[];
}

export interface Run {
  readonly seed: number;
  readonly startedAt: Date;
  readonly source?: string | undefined;
}

export function reportOf({ seed, startedAt, source }: Run, all: readonly Played[], endedAt: Date): Report {
  const played = all.filter(counts);
  const sum = (count: (one: Played) => number): number => played.reduce((total, one) => total + count(one), 0);
  const crashes = crashesOf(played.flatMap((one) => one.crashes));
  const failed = all.filter((one) => !counts(one) || one.violations.length > 0);
  return {
    seed,
    started_at: startedAt.toISOString(),
    minutes: Math.round((endedAt.getTime() - startedAt.getTime()) / 6_000) / 10,
    ...(source === undefined ? {} : { source }),
    scenarios: played.length,
    not_counted: all.length - played.length,
    crashes,
    kills: sum(({ kills }) => kills),
    connections_ended: sum(({ connectionsEnded }) => connectionsEnded),
    database_restarts: sum(({ restarts }) => restarts),
    tenants: sum(({ tenants }) => tenants),
    lifecycle_calls: sum(({ lifecycleCalls }) => lifecycleCalls),
    product_calls: sum(({ productCalls }) => productCalls),
    owed_calls: {
      delivered: sum(({ calls }) => calls.delivered),
      given_up: sum(({ calls }) => calls.given_up),
      cancelled: sum(({ calls }) => calls.cancelled),
    },
    given_up_because: countsOf(played.flatMap(({ givenUp }) => givenUp)),
    samples_of_config: sum(({ samples }) => samples),
    violations: sum(({ violations }) => violations.length),
    missed: points.flatMap((point) =>
      Object.entries(crashes[point])
        .filter(([, count]) => count === 0)
        .map(([side]) => `${side} ${point}`),
    ),
    failed: failed.map(({ script, violations, lateStarts, history }) => {
      return { seed: script.id, violations, late_starts: lateStarts, history };
    }),
  };
}

/** A broken promise counts however late the provider was. */
export const counts = ({ lateStarts, violations }: Played): boolean => lateStarts.length === 0 || violations.length > 0;

function crashesOf(crashes: readonly Crash[]): Report["crashes"] {
  const count = (point: Point, side: Side) => crashes.filter((one) => one.point === point && one.side === side).length;
  const rows = points.map((point) => [point, { before: count(point, "before"), after: count(point, "after") }]);
  return Object.fromEntries(rows) as Report["crashes"];
}

function countsOf(lines: readonly string[]): Readonly<Record<string, number>> {
  return Object.fromEntries(
    [...new Set(lines)].sort().map((line) => [line, lines.filter((one) => one === line).length]),
  );
}

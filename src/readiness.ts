import type { Clock } from "./clock.ts";
import type { Database } from "./db/db.ts";
import { migrationFiles } from "./db/migrate.ts";
import type { HealthCheck } from "./http/health.ts";
import type { Store } from "./isolation/isolation.ts";
import { sealingLag } from "./metering/read.ts";

export interface ReadinessOptions {
  readonly database: Database;
  readonly store: Store;
  readonly clock: Clock;
  readonly isLeaving: () => boolean;
}

const WORKER_SEEN_WITHIN_MS = 60_000;
const LAG_LIMIT_MS = 60_000;
const SEALING_LATE_MS = 15 * 60_000;

/** What `/readyz` looks at. */
export function readinessChecks(options: ReadinessOptions): Readonly<Record<string, HealthCheck>> {
  const { database, store, clock, isLeaving } = options;
  return {
    process: async () => (isLeaving() ? { ok: false, detail: "It is shutting down." } : { ok: true }),
    clock: async () =>
      clock.ready() ? { ok: true } : { ok: false, detail: "The followed clock has not answered yet." },
    database: async () => {
      await database.run({ text: "select 1" });
      return { ok: true };
    },
    migrations: async () => {
      const [row] = await database.run<{ done: string[] }>({ text: "select array_agg(name) as done from migrations" });
      const waiting = (await migrationFiles()).filter((file) => !row?.done.includes(file));
      return waiting.length === 0 ? { ok: true } : { ok: false, detail: `Not migrated yet: ${waiting.join(", ")}.` };
    },
    worker: async () => {
      const [row] = await store.throughDoor<{ seen_at: Date | null }>({
        text: "select max(seen_at) as seen_at from workers",
      });
      const age = row?.seen_at ? clock.now().getTime() - row.seen_at.getTime() : Number.POSITIVE_INFINITY;
      return age <= WORKER_SEEN_WITHIN_MS ? { ok: true } : { ok: false, detail: "No worker has been seen for 60 s." };
    },
    // Told, not red: a late hour is sealed by whoever comes back first, and this process serves none the worse for it.
    sealing: async () => {
      const late = await sealingLag(store, clock.now());
      const minutes = Math.round(late / 60_000);
      return {
        ok: true,
        detail: late <= SEALING_LATE_MS ? "On time." : `Late: an hour has waited for ${minutes} minutes.`,
      };
    },
    lag: async () => {
      const now = clock.now();
      const [row] = await store.throughDoor<{ since: Date | null }>({
        text: "select oldest_untried($1) as since",
        values: [now],
      });
      const lag = row?.since ? now.getTime() - row.since.getTime() : 0;
      return { ok: lag <= LAG_LIMIT_MS, detail: `The oldest untried work is ${Math.round(lag / 1000)} s old.` };
    },
  };
}

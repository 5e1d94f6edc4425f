import type { DatabasesOptions } from "./contract.ts";
import { type Model, tenantNames } from "./names.ts";
import { type Session, within } from "./session.ts";
import type { DatabaseLimits, Surroundings } from "./site.ts";

type Parts = Pick<DatabasesOptions, "store" | "clock" | "tell"> & {
  readonly surroundings: () => Promise<Surroundings>;
};

interface Due {
  readonly tenant: string;
  readonly model: Model;
  readonly limits: Partial<DatabaseLimits>;
  readonly over: "soft" | "hard" | null;
}

const EVERY_MS = 600_000;
const AT_ONCE = 20;
const BYTES_PER_MEGABYTE = 1024 * 1024;
const SOFT = 0.8;

/**
 * Measures the storage of tenants that were not measured for ten minutes, some at a time. Who passes 80 % or all of what
 * the plan allows, or comes back below, is told; beyond all of it new sessions begin read-only.
 */
export async function measureStorage(parts: Parts): Promise<void> {
  const now = parts.clock.now();
  const due = await parts.store.throughDoor<{ take_measurements: Due }>({
    text: "select take_measurements($1, $2, $3)",
    values: [new Date(now.getTime() - EVERY_MS), now, AT_ONCE],
  });
  if (due.length === 0) return;
  const { open, environment } = await parts.surroundings();
  await within(open, undefined, async (session) => {
    for (const { take_measurements: one } of due) {
      const names = tenantNames(environment.environment, one.tenant);
      const bytes = await (one.model === "silo"
        ? siloBytes(session, names.database)
        : bridgeBytes(session, names.schema));
      await note(parts, one, bytes, now);
    }
  });
}

async function bridgeBytes(session: Session, schema: string): Promise<number> {
  const [row] = await session.run<{ bytes: string }>(
    `select coalesce(sum(pg_total_relation_size(c.oid)), 0) as bytes from pg_class c
     where c.relnamespace = (select oid from pg_namespace where nspname = $1) and c.relkind in ('r', 'm', 'S')`,
    [schema],
  );
  return Number(row?.bytes ?? 0);
}

async function siloBytes(session: Session, database: string): Promise<number> {
  const [row] = await session.run<{ bytes: string }>(
    "select pg_database_size(oid) as bytes from pg_database where datname = $1",
    [database],
  );
  return Number(row?.bytes ?? 0);
}

function markOf(bytes: number, { storageMegabytes }: Partial<DatabaseLimits>): Due["over"] {
  if (storageMegabytes === undefined) return null;
  const share = bytes / (storageMegabytes * BYTES_PER_MEGABYTE);
  if (share >= 1) return "hard";
  return share >= SOFT ? "soft" : null;
}

const events = { soft: "soft_mark", hard: "hard_mark", below: "below_marks" } as const;

async function note({ store, tell }: Parts, one: Due, bytes: number, now: Date): Promise<void> {
  const over = markOf(bytes, one.limits);
  await store.asTenant(one.tenant, async (tx) => {
    await tx.query("update tenant_databases set bytes = $1, over = $2, measured_at = $3", [bytes, over, now]);
    if (over === one.over) return;
    await tell(tx, one.tenant, { type: events[over ?? "below"], data: { bytes } });
    // New sessions begin otherwise than before.
    if (over === "hard" || one.over === "hard")
      await tx.query("update tenant_databases set asked = asked + 1, due_at = '-infinity'");
  });
}

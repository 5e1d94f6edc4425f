import { setTimeout as sleep } from "node:timers/promises";
import type { Tx } from "../../db/db.ts";
import { ProviderError } from "../../errors.ts";
import type { Aim, DatabasesOptions } from "./contract.ts";
import { followSettlement } from "./moving/follow.ts";
import { activeMove, workingLogins } from "./moving/rows.ts";
import {
  beginDatabase,
  type DatabaseRow,
  findDatabase,
  finishDatabase,
  type Leased,
  leaseDatabase,
  postponeDatabase,
  type Settled,
} from "./rows.ts";
import type { Session } from "./session.ts";
import { settleTenant } from "./settle.ts";
import type { Surroundings, Target } from "./site.ts";

type Parts = Pick<DatabasesOptions, "store" | "clock" | "aim" | "tell"> & {
  readonly surroundings: () => Promise<Surroundings>;
};

interface Task extends Leased {
  readonly aim: Aim;
  /** A move is under way. */
  readonly moving: boolean;
  /** A move is at the point from which nobody may write. */
  readonly fenced: boolean;
  readonly working: readonly string[];
}

const DAY_MS = 86_400_000;
/** No statement begins later than this: the lease is still ours. */
const BEGIN_WITHIN_MS = 25_000;
const TURN_MS = 3_000;
const LOOK_AGAIN_MS = 50;

/** One settlement: read what should be under a lease, make the server so, write down what is. */
export async function settleDatabase(parts: Parts, tenant: string): Promise<void> {
  const { store, clock } = parts;
  const task = await inTurn(() => store.asTenant(tenant, (tx) => begin(parts, tx, tenant)));
  if (task === undefined) return;
  const settled = outcomeOf(task, clock.now());
  try {
    const surroundings = await parts.surroundings();
    const until = performance.now() + BEGIN_WITHIN_MS;
    const bounded = boundedBy(surroundings, () => performance.now() <= until);
    await settleTenant(bounded, tenant, targetOf(task, settled));
  } catch (fault) {
    await store.asTenant(tenant, (tx) => postponeDatabase(tx, task, wordsOf(fault), clock.now()));
    throw away("The tenants' database server cannot be used now. Please try again.", fault);
  }
  await store.asTenant(tenant, async (tx) => {
    const ours = await finishDatabase(tx, task, settled, clock.now());
    if (!ours) return;
    await tellEnd(parts, tx, task, settled);
    await followSettlement(tx, task.row, settled, clock.now());
  });
}

/** A worker may be at it: it is waited for, but not for long. */
async function inTurn<T>(look: () => Promise<T | "busy">): Promise<T> {
  const until = performance.now() + TURN_MS;
  for (;;) {
    const found = await look();
    if (found !== "busy") return found;
    if (performance.now() > until) throw away("Another change of this database is under way.");
    await sleep(LOOK_AGAIN_MS);
  }
}

async function begin({ clock, aim }: Parts, tx: Tx, tenant: string): Promise<Task | "busy" | undefined> {
  const now = clock.now();
  if ((await findDatabase(tx)) === undefined) {
    const first = await aim(tx);
    if (first === undefined || !isToBegin(first)) return undefined;
    await beginDatabase(tx, tenant, first.model ?? "pool", now);
  }
  const leased = await leaseDatabase(tx, now);
  if (leased === undefined) return "busy";
  const current = await aim(tx);
  if (current === undefined) return undefined;
  const move = await activeMove(tx);
  const fenced = move?.state === "fenced" || move?.state === "verified";
  return { ...leased, aim: current, moving: move !== undefined, fenced, working: await workingLogins(tx, now) };
}

const isToBegin = ({ standing, logins }: Aim): boolean =>
  (standing === "open" || standing === "suspended") && logins.length > 0;

/** What the row says when the server follows. */
function outcomeOf({ row, aim, moving }: Task, now: Date): Settled {
  const { limits } = aim;
  const wanted = aim.model ?? row.wanted;
  const model = row.state === "making" ? wanted : row.model;
  const settled = { model, wanted, limits, keptUntil: null, restoredAt: null, nextAt: null };
  switch (aim.standing) {
    case "open":
      return { ...settled, state: moving ? "moving" : "ready" };
    case "suspended":
      return { ...settled, state: moving ? "moving" : "suspended" };
    case "never":
      return { ...settled, state: "removed" };
    case "ended":
      return ended(row, settled, now);
  }
}

/** After a deprovision: kept for the grace, open again for the time of a restore, and then no more. */
function ended(row: DatabaseRow, settled: Omit<Settled, "state">, now: Date): Settled {
  // Nobody was ever told how to get in.
  if (row.state === "making" || row.state === "removed") return { ...settled, state: "removed" };
  const { keptUntil: known, restoredAt } = row;
  const keptUntil = known ?? new Date(now.getTime() + settled.limits.graceDays * DAY_MS);
  if (keptUntil <= now) return { ...settled, state: "removed" };
  return {
    ...settled,
    keptUntil,
    restoredAt,
    nextAt: keptUntil,
    wanted: settled.model,
    state: restoredAt === null ? "retained" : "ready",
  };
}

const accesses: Readonly<Record<Settled["state"], Target["access"]>> = {
  making: "open",
  ready: "open",
  moving: "open",
  suspended: "closed",
  retained: "kept",
  removed: "none",
};

function targetOf({ row, aim, fenced, working }: Task, { state, model, limits }: Settled): Target {
  const shut = aim.standing === "suspended" || (aim.standing === "open" && fenced);
  const access = shut ? "closed" : accesses[state];
  return { access, model, limits, logins: aim.logins, full: row.over === "hard", working };
}

async function tellEnd({ tell }: Parts, tx: Tx, { row }: Task, settled: Settled): Promise<void> {
  if (settled.state === row.state) return;
  if (settled.state === "retained")
    await tell(tx, row.tenant, { type: "retained", data: { until: settled.keptUntil } });
  // What was never handed out is not spoken of.
  if (settled.state === "removed" && row.state !== "making") await tell(tx, row.tenant, { type: "removed", data: {} });
}

/** Statements begin before the time is over, or not at all. */
export function boundedBy(surroundings: Surroundings, isInTime: () => boolean): Surroundings {
  const bounded = (session: Session): Session => ({
    ...session,
    run: (text, values) => {
      if (!isInTime()) throw new Error("The tenants' server is too slow.");
      return session.run(text, values);
    },
  });
  return {
    ...surroundings,
    open: async (database) => bounded(await surroundings.open(database)),
    openAs: async (login, password) => bounded(await surroundings.openAs(login, password)),
  };
}

const away = (message: string, cause?: unknown) => new ProviderError("unavailable", message, { cause, retryAfter: 5 });

/** For the operator. PostgreSQL's messages name roles and objects, and no password: verifiers are made here. */
export function wordsOf(fault: unknown): string {
  const { code } = Object(fault) as { code?: unknown };
  const message = fault instanceof Error ? fault.message : "The statement failed.";
  return `${typeof code === "string" ? `${code}: ` : ""}${message}`.slice(0, 500);
}

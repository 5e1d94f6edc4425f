import { hostname } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import type { Clock } from "./clock.ts";
import type { Database } from "./db/db.ts";
import { type ClaimedCall, claimOwedCalls, type Delivery, settleOwedCall } from "./deliveries/deliveries.ts";
import type { Metrics } from "./http/metrics.ts";
import type { Store } from "./isolation/isolation.ts";
import type { Logger } from "./log.ts";
import type { Marketplace } from "./marketplaces/marketplace.ts";
import { pictureJob } from "./metering/pictures.ts";
import { REPORT_LANES } from "./metering/reporter.ts";
import type { ProviderJobs } from "./provider/contract.ts";
import { PRODUCT } from "./provider/tell-product.ts";
import type { Subscriptions } from "./subscriptions/subscriptions.ts";

export interface WorkerOptions {
  readonly database: Database;
  readonly store: Store;
  readonly clock: Clock;
  readonly provider: ProviderJobs;
  readonly subscriptions: Pick<Subscriptions, "startDueEvents" | "sweep">;
  readonly marketplaces: ReadonlyMap<string, Marketplace>;
  readonly logger: Logger;
  readonly metrics: Metrics;
}

export interface Worker {
  /** Takes nothing new, ends what runs, and is gone from the list of workers. */
  stop(): Promise<void>;
}

/** A job runs again at once when it answers true ("there was work"), else after a second, or when its bell rings. */
interface Job {
  readonly name: string;
  readonly run: () => Promise<boolean>;
  readonly bell?: Bell;
  /** Resolves when what it started has ended. */
  readonly rest?: () => Promise<unknown>;
}

/** Cuts a pause short. */
interface Bell {
  ring(): void;
  /** Aborted by the next ring. */
  readonly rung: AbortSignal;
}

const LOOK_EVERY_MS = 1_000;
const AFTER_FAULT_MS = 2_000;
/** So many operations, and so many owed calls, are on their way at most. */
const PLACES = 10;
/** Raised by `owe_calls` in the database. */
const DUE = "stallholder_due";
/** A customer's own webhook among them. */
const CUSTOMER = "customer";

/** Runs owed work until stopped: any number of these may run beside each other, in one process or many. */
export function startWorker(options: WorkerOptions): Worker {
  const id = `${hostname()}-${process.pid}`;
  const stopping = new AbortController();
  const jobs = jobsOf(options, id, stopping.signal);
  const unlisten = options.database.listen(DUE, () => {
    for (const { bell } of jobs) bell?.ring();
  });

  const loop = async ({ name, run, bell }: Job): Promise<void> => {
    while (!stopping.signal.aborted) {
      const rung = bell?.rung ?? stopping.signal;
      const pause = await run().then(
        (more) => (more ? 0 : LOOK_EVERY_MS),
        (fault: unknown) => {
          options.logger.error({ err: fault, job: name }, "a job failed; it goes on");
          return AFTER_FAULT_MS;
        },
      );
      if (pause > 0) await pauseFor(pause, AbortSignal.any([stopping.signal, rung]));
    }
  };
  const running = jobs.map(loop);

  return {
    stop: async () => {
      stopping.abort();
      await unlisten();
      await Promise.all(running);
      await Promise.all(jobs.map(({ rest }) => rest?.()));
      await options.store
        .throughDoor({ text: "delete from workers where id = $1", values: [id] })
        .catch(() => undefined);
    },
  };
}

function pauseFor(ms: number, until: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal: until }).catch(() => undefined);
}

function jobsOf(options: WorkerOptions, id: string, stopping: AbortSignal): readonly Job[] {
  const { provider, subscriptions, store, clock, marketplaces, logger } = options;
  const upkeep = [...marketplaces.values()].map((marketplace) => ({
    name: `upkeep of ${marketplace.name}`,
    run: async () => {
      await marketplace.upkeep?.(stopping);
      return false;
    },
  }));
  const claimed = { logger, stopping };
  return [
    sideBySide({ ...claimed, name: "operations", start: (places) => provider.startDueOperations(places) }),
    sideBySide({ ...claimed, name: "owed calls", start: (places) => startDueCalls(options, places) }),
    sideBySide({ ...claimed, name: "databases", start: (places) => provider.startDueDatabases(places) }),
    // Each endpoint has places of its own, so there is no end to all of them together.
    sideBySide({
      ...claimed,
      name: "events",
      seats: Number.POSITIVE_INFINITY,
      start: () => subscriptions.startDueEvents(),
    }),
    { name: "sweep of events", run: everyMinute(() => subscriptions.sweep()) },
    { name: "database watch", run: () => provider.watchDatabases().then(() => false) },
    sideBySide({ ...claimed, name: "moves", start: (places) => provider.startDueMoves(places) }),
    { name: "metering", run: () => provider.meterUsage() },
    { name: "pictures", run: pictureJob(store, clock) },
    { name: "aws connections", run: () => provider.checkAwsConnections() },
    { name: "sweep", run: () => provider.sweep().then(() => false) },
    sideBySide({ ...claimed, name: "rotations", start: (places) => provider.startRotations(places) }),
    { name: "rotations followed", run: () => provider.followRotations().then(() => false) },
    { name: "audit", run: () => anchor(options) },
    { name: "heartbeat", run: () => beat(store, clock, id) },
    ...Array.from({ length: REPORT_LANES }, (_, lane) => ({
      name: `reports ${lane}`,
      run: () => provider.reportUsage(lane),
    })),
    ...upkeep,
  ];
}

interface Claimed {
  readonly name: string;
  /** How much may run at once. */
  readonly seats?: number;
  /** Claims at most so many and starts them: a promise for the end of each. */
  readonly start: (places: number) => Promise<readonly Promise<void>[]>;
  readonly logger: Logger;
  readonly stopping: AbortSignal;
}

/** Work that is claimed and runs in its places: a free one takes what is due next, whoever is slow in another. */
function sideBySide({ name, seats = PLACES, start, logger, stopping }: Claimed): Job {
  const underWay = new Set<Promise<void>>();
  const bell = newBell();
  const seat = (work: Promise<void>): void => {
    const seated = work
      .catch((fault: unknown) => logger.error({ err: fault, job: name }, "one failed; it is left to its lease"))
      .finally(() => {
        underWay.delete(seated);
        // What waited behind it may be due now.
        bell.ring();
      });
    underWay.add(seated);
  };
  const run = async (): Promise<boolean> => {
    if (underWay.size === seats) await Promise.race(underWay);
    if (stopping.aborted) return false;
    const started = await start(seats - underWay.size);
    started.forEach(seat);
    return started.length > 0;
  };
  return { name, run, bell, rest: () => Promise.all(underWay) };
}

/** What has no hurry; a job is looked at once a second. */
function everyMinute(work: () => Promise<void>): Job["run"] {
  let nextAt = Number.NEGATIVE_INFINITY;
  return async () => {
    if (performance.now() < nextAt) return false;
    nextAt = performance.now() + 60_000;
    await work();
    return false;
  };
}

function newBell(): Bell {
  let next = new AbortController();
  return {
    ring: () => {
      next.abort();
      next = new AbortController();
    },
    get rung() {
      return next.signal;
    },
  };
}

/** The log is a witness outside the database: an anchor that it tells of must be there. */
async function anchor({ provider, logger }: WorkerOptions): Promise<boolean> {
  for (const made of await provider.anchorAudit()) logger.info(made, "audit anchored");
  return false;
}

async function beat(store: Store, clock: Clock, id: string): Promise<boolean> {
  await store.throughDoor({
    text: `insert into workers (id, seen_at) values ($1, $2)
           on conflict (id) do update set seen_at = excluded.seen_at`,
    values: [id, clock.now()],
  });
  return false;
}

async function startDueCalls(options: WorkerOptions, places: number): Promise<readonly Promise<void>[]> {
  const claimed = await claimOwedCalls(options.store, options.clock.now(), places);
  return claimed.map((call) => deliverOne(options, call));
}

async function deliverOne(options: WorkerOptions, claimed: ClaimedCall): Promise<void> {
  const { store, clock, logger, metrics } = options;
  const { call } = claimed;
  const startedAt = clock.now();
  const started = performance.now();
  const result = await attempt(options, claimed);
  metrics.countOperation(
    { marketplace: call.marketplace, operation: call.kind, outcome: result.outcome },
    (performance.now() - started) / 1_000,
  );
  const line = { tenant: call.tenant, call: call.kind, attempt: call.attempt, outcome: result.outcome };
  if (result.outcome === "delivered") logger.info(line, "owed call delivered");
  else logger.warn({ ...line, fault: result.fault, status: result.status }, "owed call not delivered");
  await settleOwedCall(store, claimed, startedAt, result, clock.now());
}

async function attempt({ provider, marketplaces }: WorkerOptions, { call }: ClaimedCall): Promise<Delivery> {
  try {
    if (call.marketplace === PRODUCT) return await provider.tellProduct(call);
    if (call.marketplace === CUSTOMER) return await provider.tellCustomer(call);
    const marketplace = marketplaces.get(call.marketplace);
    if (marketplace === undefined)
      return { outcome: "retry", fault: `No marketplace ${call.marketplace} is set up here.` };
    return await marketplace.deliver(call);
  } catch (fault) {
    return { outcome: "retry", fault: fault instanceof Error ? fault.message : "The delivery failed." };
  }
}

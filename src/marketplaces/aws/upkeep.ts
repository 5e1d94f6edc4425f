import { setTimeout as sleep } from "node:timers/promises";
import { pollQueue } from "./inbox/poll-queue.ts";
import { readInbox } from "./inbox/read-inbox.ts";
import { sweepAgreements } from "./inbox/sweep-agreements.ts";
import { resolveParked } from "./intake/register-licence.ts";
import { dueLicences, settleClaimed } from "./licences/settle.ts";
import type { AwsOptions } from "./options.ts";
import { takeRound } from "./rounds.ts";

const NEVER = new AbortController().signal;
const MESSAGES = 100;
const LICENCES = 20;
const ROUNDS = 10;
const DAY_MS = 86_400_000;
/** A licence that waits for AWS or the product goes on by itself; the others do not wait for it. */
const PATIENCE_MS = 1_000;

/**
 * What the worker does about once a second: reads the inbox, settles licences, asks again about parked tokens. Waiting at
 * the queue and the sweep of agreements go on beside it, one of each in a process.
 */
export function awsUpkeep(options: AwsOptions): (stopping?: AbortSignal) => Promise<void> {
  const beside = backgroundJobs(options);
  const settling = new Set<Promise<void>>();

  /** Takes as many as there are places free, and waits a moment for them. Says whether there may be more. */
  const settleSome = async (): Promise<boolean> => {
    const free = LICENCES - settling.size;
    if (free <= 0) return false;
    const views = await dueLicences(options, free);
    const runs = views.map((view) => {
      const run = settleClaimed(options, view)
        .catch((fault: unknown) => options.logger.error({ err: fault }, "a licence was left to its lease"))
        .finally(() => settling.delete(run));
      settling.add(run);
      return run;
    });
    await Promise.race([Promise.all(runs), sleep(PATIENCE_MS, undefined, { ref: false })]);
    return views.length === free;
  };

  return async (stopping = NEVER) => {
    if (options.settings.pollsQueue) beside("queue", () => pollQueue(options, stopping));
    beside("sweep of agreements", () => sweepAgreements(options));
    beside("parked tokens", () => resolveParked(options));
    for (let round = 0; round < ROUNDS && (await readInbox(options, MESSAGES)) === MESSAGES; round += 1);
    for (let round = 0; round < ROUNDS && (await settleSome()); round += 1);
    await forget(options);
  };
}

/** Starts a job unless it still runs. */
function backgroundJobs({ logger }: AwsOptions) {
  const running = new Set<string>();
  return (name: string, run: () => Promise<unknown>): void => {
    if (running.has(name)) return;
    running.add(name);
    run()
      .catch((fault: unknown) => logger.error({ err: fault, job: name }, "a job failed; it goes on"))
      .finally(() => running.delete(name));
  };
}

const HOUR_MS = 3_600_000;
/** Longer than AWS takes a token, and than anything is redelivered or replayed. */
const TOKENS_MS = 7 * DAY_MS;
const MESSAGES_MS = 90 * DAY_MS;

async function forget(options: AwsOptions): Promise<void> {
  if ((await takeRound(options, "forget", HOUR_MS)) === undefined) return;
  const now = options.clock.now().getTime();
  await options.store.throughDoor({
    text: "select aws_forget($1, $2)",
    values: [new Date(now - TOKENS_MS), new Date(now - MESSAGES_MS)],
  });
}

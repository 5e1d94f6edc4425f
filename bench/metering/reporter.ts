import { setTimeout as sleep } from "node:timers/promises";
import { startServed } from "../children.ts";
import type { Length } from "../comparison.ts";
import type { MeasuredDatabase } from "../postgres.ts";
import { type Result, verdict } from "../result.ts";
import { CALLS_PER_SECOND, type Seen } from "../servers/slow-marketplace.ts";
import type { Databases, Trial } from "../trial.ts";
import { fillHour, reopenHours } from "./hours.ts";

const TITLE = "Records reported to a marketplace that answers in 80 ms and takes ten calls a second";
const START_MS = 120_000;
const LOOK_EVERY_MS = 100;

export async function reporter(databases: Databases): Promise<Trial> {
  const database = await databases.copyOfSmall();
  await fillHour(database, 1);
  await database.session(reopenHours);
  return { title: TITLE, run: (length) => measure(database, length) };
}

async function measure({ appUrl }: MeasuredDatabase, { rounds, seconds }: Length): Promise<Result> {
  const worker = await startServed({ server: "reporter", databaseUrl: appUrl });
  try {
    const before = await untilItReports(worker.port);
    await sleep(rounds * seconds * 1_000);
    return resultOf(before, await seenBy(worker.port));
  } finally {
    await worker.stop();
  }
}

async function seenBy(port: number): Promise<Seen> {
  const answer = await fetch(`http://127.0.0.1:${port}/`);
  return (await answer.json()) as Seen;
}

/** For a second: the places beside the first one begin when that one has found something to send. */
async function untilItReports(port: number): Promise<Seen> {
  const until = performance.now() + START_MS;
  for (;;) {
    const seen = await seenBy(port);
    if (seen.calls >= CALLS_PER_SECOND) return seen;
    if (performance.now() > until) throw new Error("Nothing was reported.");
    await sleep(LOOK_EVERY_MS);
  }
}

/** Between two calls: there was always more to report. */
function resultOf(before: Seen, after: Seen): Result {
  const calls = after.calls - before.calls;
  const seconds = (after.lastAt - before.lastAt) / 1_000;
  const records = after.records - before.records;
  return {
    name: "reporter",
    title: TITLE,
    figures: [
      {
        side: "one process",
        calls,
        records,
        throttled: after.throttled,
        recordsPerCall: records / calls,
        rate: records / seconds,
      },
    ],
    verdicts: [
      verdict({ of: "records a call", value: records / calls, least: 24.5 }),
      verdict({ of: "share of the quota", value: calls / seconds / CALLS_PER_SECOND, least: 0.95 }),
      verdict({ of: "calls that were throttled", value: after.throttled, most: 0 }),
    ],
  };
}

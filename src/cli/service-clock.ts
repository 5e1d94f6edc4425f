import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, followClock, systemClock } from "../clock.ts";
import type { Settings } from "../config.ts";

const READY_WITHIN_MS = 1_000;

/** Runs a command by the time that the service has: in development that of its simulator, where one runs. */
export async function withServiceClock<T>(settings: Settings, work: (clock: Clock) => Promise<T>): Promise<T> {
  const { clockUrl, simulatorPort } = settings;
  const url = clockUrl ?? (simulatorPort === undefined ? undefined : `http://127.0.0.1:${simulatorPort}/_clock`);
  if (url === undefined) return work(systemClock);
  const clock = followClock(url);
  try {
    for (let waited = 0; !clock.ready() && waited < READY_WITHIN_MS; waited += 50) await sleep(50);
    return await work(clock);
  } finally {
    clock.stop();
  }
}

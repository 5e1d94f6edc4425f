import { setTimeout as sleep } from "node:timers/promises";
import { type Clock, followClock, systemClock } from "../clock.ts";
import type { Settings } from "../config.ts";
import type { Teardown } from "./teardown.ts";

/** `CLOCK_URL`'s clock, else the clock of the simulator beside us, else the machine's. */
export function chooseClock(
  settings: Settings,
  simulator: { readonly origin: string } | undefined,
  teardown: Teardown,
): Clock {
  const url = settings.clockUrl ?? (simulator === undefined ? undefined : `${simulator.origin}/_clock`);
  if (url === undefined) return systemClock;
  const clock = followClock(url);
  teardown.add("clock", async () => clock.stop());
  return clock;
}

const HEARD_WITHIN_MS = 1_000;

/** The clock of a service that runs already, for one command: it may be a simulator's, which people turn. */
export async function operatorClock({ clockUrl, simulatorPort }: Settings): Promise<Clock> {
  const beside = simulatorPort === undefined ? undefined : `http://127.0.0.1:${simulatorPort}/_clock`;
  const url = clockUrl ?? beside;
  if (url === undefined) return systemClock;
  const clock = followClock(url);
  const until = performance.now() + HEARD_WITHIN_MS;
  while (!clock.ready() && performance.now() < until) await sleep(20);
  clock.stop();
  return clock.ready() ? clock : systemClock;
}

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

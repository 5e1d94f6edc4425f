import { type Report, reportOf } from "./report.ts";
import { type Played, play } from "./scenario.ts";
import { writeScript } from "./script.ts";
import type { World } from "./world.ts";

export interface SoakOptions {
  readonly seed: number;
  /** For so long, and then on until every commit point was met on both sides, but not for ever. */
  readonly minutes?: number;
  /** This one scenario of the seed and no other. */
  readonly only?: number | undefined;
  readonly source?: string | undefined;
  /** Told after each scenario. */
  readonly onPlayed?: (played: Played) => void;
}

/** After the time is over, at most so much longer for what was missed. */
const OVERTIME = 1.5;

/** Plays scenarios against the real service as processes, and reports what they came to. */
export async function runSoak(world: World, options: SoakOptions): Promise<Report> {
  const { seed, source, only, minutes = 0 } = options;
  const run = { seed, startedAt: new Date(), processes: world.members.length, source };
  const played: Played[] = [];
  const hasTime = (most: number): boolean => Date.now() - run.startedAt.getTime() < most * 60_000;
  const goesOn = (): boolean =>
    hasTime(minutes) || (hasTime(minutes * OVERTIME) && reportOf(run, played, new Date()).missed.length > 0);
  const mayRestart = world.database.restart !== undefined;
  for (let index = only ?? 0; only === undefined ? goesOn() : played.length === 0; index += 1) {
    const one = await play(world, writeScript({ seed, index, members: world.members.length, mayRestart }));
    played.push(one);
    options.onPlayed?.(one);
  }
  return reportOf(run, played, new Date());
}

import type { Crash } from "./points.ts";
import { counts, type Report, reportOf } from "./report.ts";
import { type Played, play } from "./scenario.ts";
import { isSlow, targetAt, targets, writeScript } from "./script.ts";
import type { World } from "./world.ts";

export interface SoakOptions {
  readonly seed: number;
  /** For so many scenarios, each for a commit point that was not met before, and none of them slow. */
  readonly scenarios?: number;
  /** Shorter scenarios, other ones than the long of the same seed. */
  readonly isBrief?: boolean;
  /** For so long, and then on until every commit point was met on both sides. */
  readonly minutes?: number;
  /** With `minutes`: and on until so many were played, on a busy machine for longer. */
  readonly least?: number;
  /** This one scenario of the seed and no other. */
  readonly only?: number;
  readonly source?: string | undefined;
  /** Told after each scenario. */
  readonly onPlayed?: (played: Played) => void;
}

/** After the time is over, at most so much longer for what was missed, and for the least number. */
const OVERTIME = 1.5;
const LONGEST = 4;

/** Plays scenarios against the real provider as a process, and reports what they came to. */
export async function runSoak(world: World, options: SoakOptions): Promise<Report> {
  const { seed, source, isBrief = false } = options;
  const mayRestart = world.database.restart !== undefined;
  const startedAt = new Date();
  const played: Played[] = [];
  for (const index of indices(options, played)) {
    const one = await play(world, writeScript({ seed, index, mayRestart, isBrief }));
    played.push(one);
    options.onPlayed?.(one);
  }
  return reportOf({ seed, startedAt, source }, played, new Date());
}

/** Which scenarios of the seed are played. */
function* indices(options: SoakOptions, played: readonly Played[]): Generator<number> {
  const { seed, scenarios, minutes = 0, least = 0, only } = options;
  if (only !== undefined) return yield only;
  const startedAt = performance.now();
  const isWithin = (most: number) => performance.now() - startedAt < most * 60_000;
  const hasTime = () => isWithin(minutes) || (isWithin(minutes * LONGEST) && played.filter(counts).length < least);
  const isMissed = ({ point, side }: Crash) =>
    !played.some((one) => counts(one) && one.crashes.some((crash) => crash.point === point && crash.side === side));
  const isWanted = (target: Crash): boolean =>
    scenarios === undefined ? hasTime() || isMissed(target) : isMissed(target) && !isSlow(target);
  const goesOn = (): boolean =>
    scenarios === undefined
      ? hasTime() || (isWithin(minutes * OVERTIME) && targets.some(isMissed))
      : played.length < scenarios && targets.some(isWanted);
  for (let index = 0; goesOn(); index += 1) if (isWanted(targetAt(seed, index))) yield index;
}

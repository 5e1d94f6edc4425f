import { ownServer } from "../soak-database.ts";
import { type Order, told } from "../told.ts";
import { runSoak } from "./run.ts";
import type { Played } from "./scenario.ts";
import { openWorld } from "./world.ts";

const WORKERS = 2;

/** The money under `kill -9`: every unit that was acknowledged is billed once, or visible with its reason. */
export async function soak(order: Order) {
  const { seed, only, minutes, source } = order;
  const world = await openWorld(await ownServer(), { workers: WORKERS });
  const onPlayed = told<Played>({ name: "metering", order, wanted: ({ script }) => script.crashes });
  const report = await runSoak(world, { seed, only, minutes, source, onPlayed }).finally(() => world.close());
  const isWhole = only !== undefined || report.missed.length === 0;
  return { report, isGood: report.violations === 0 && report.not_counted === 0 && isWhole };
}

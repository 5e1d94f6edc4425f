import { runSoak } from "./run.ts";
import type { Played } from "./scenario.ts";
import { ownServer } from "./soak-database.ts";
import { type Order, told } from "./told.ts";
import { openWorld } from "./world.ts";

/** The life of add-ons under `kill -9`. Brief, it plays scenarios as the one in the default suite does. */
export async function soak(order: Order) {
  const { seed, only, minutes, least, isBrief, source } = order;
  const world = await openWorld(await ownServer());
  const onPlayed = told<Played>({ name: "heroku", order, wanted: ({ script }) => [script.target] });
  const span = only === undefined ? { minutes, least } : { only };
  const report = await runSoak(world, { seed, source, isBrief, ...span, onPlayed }).finally(() => world.close());
  const isWhole = only !== undefined || report.missed.length === 0;
  return { report, isGood: report.violations === 0 && report.not_counted === 0 && isWhole };
}

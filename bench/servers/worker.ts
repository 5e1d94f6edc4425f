import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { monthlyLimits } from "../../src/catalog/catalog.ts";
import { systemClock } from "../../src/clock.ts";
import { readManifestFile } from "../../src/compose.ts";
import { createMetering } from "../../src/metering/metering.ts";

const LOOK_EVERY_MS = 1_000;

/** The metering jobs of a worker, in a process of their own; it serves nothing. */
export async function worker(databaseUrl: string): Promise<Server> {
  const { catalog } = await readManifestFile();
  const metering = createMetering({
    url: databaseUrl,
    clock: systemClock,
    dimensions: catalog.dimensions.map(({ id }) => id),
    limits: monthlyLimits(catalog),
  });
  void keepWorking(() => metering.work());
  return createServer();
}

/** As the worker runs a job: again at once while there is work. */
async function keepWorking(job: () => Promise<boolean>): Promise<never> {
  for (;;) {
    if (!(await job())) await sleep(LOOK_EVERY_MS);
  }
}

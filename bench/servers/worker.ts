import { createServer, type Server } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { monthlyLimits } from "../../src/catalog/catalog.ts";
import { systemClock } from "../../src/clock.ts";
import { readManifestFile } from "../../src/compose.ts";
import { createMetering, type Metering } from "../../src/metering/metering.ts";
import { REPORT_LANES } from "../../src/metering/reporter.ts";
import type { UsageReporting } from "../../src/metering/reporting.ts";
import { PAYING } from "../metering/hours.ts";
import { answerJson } from "./request.ts";
import { slowMarketplace } from "./slow-marketplace.ts";

const LOOK_EVERY_MS = 1_000;
const AFTER_FAULT_MS = 2_000;

/** The metering jobs of a worker, in a process of their own: everything is sealed and frozen, and nothing is sent. */
export async function worker(databaseUrl: string): Promise<Server> {
  const metering = await meteringOf(databaseUrl, { ...slowMarketplace(), mode: "dry" });
  void keepWorking(() => metering.work());
  return createServer();
}

/** The same with the reporting, to a marketplace that keeps its quota; any request is answered with what it has seen. */
export async function reporter(databaseUrl: string): Promise<Server> {
  const marketplace = slowMarketplace();
  const metering = await meteringOf(databaseUrl, marketplace);
  void keepWorking(() => metering.work());
  for (let lane = 0; lane < REPORT_LANES; lane++) void keepWorking(() => metering.report(lane));
  return createServer((_req, res) => answerJson(res, 200, marketplace.seen));
}

async function meteringOf(url: string, usage: UsageReporting): Promise<Metering> {
  const { catalog } = await readManifestFile();
  return createMetering({
    url,
    clock: systemClock,
    dimensions: catalog.dimensions.map(({ id }) => id),
    limits: monthlyLimits(catalog),
    reporting: () => new Map([[PAYING, usage]]),
  });
}

/** As the worker runs a job: again at once while there is work, and after a while when it failed. */
async function keepWorking(job: () => Promise<boolean>): Promise<never> {
  for (;;) {
    const pauseMs = await job().then(
      (more) => (more ? 0 : LOOK_EVERY_MS),
      () => AFTER_FAULT_MS,
    );
    if (pauseMs > 0) await sleep(pauseMs);
  }
}

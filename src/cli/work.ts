import { compose, readManifestFile } from "../compose.ts";
import { readSettings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { createLogger } from "../log.ts";
import { chooseClock } from "./choose-clock.ts";
import { Teardown, untilStopped } from "./teardown.ts";

/** Runs owed work until SIGTERM or SIGINT; what runs then is finished, what is claimed but not begun is left to others. */
export async function work(): Promise<void> {
  const settings = readSettings();
  if (settings.databaseUrl === undefined) {
    throw new ProviderError("config_invalid", "A worker of its own needs a database that others reach too.", {
      faults: [
        { at: "DATABASE_URL", message: "is missing; without it `serve` runs the worker beside the embedded database" },
      ],
    });
  }
  const logger = createLogger({ level: settings.logLevel, fields: { process: "worker" } });
  const teardown = new Teardown(logger);
  const stopped = untilStopped();
  try {
    const clock = chooseClock(settings, undefined, teardown);
    const service = await compose({
      settings,
      manifest: await readManifestFile(),
      databaseUrl: settings.databaseUrl,
      tenantsUrl: settings.tenantDatabaseUrl,
      clock,
      logger,
    });
    teardown.add("database connections", () => service.close());
    const worker = service.startWorker();
    teardown.add("worker", () => worker.stop());
    logger.info("worker started");
    await stopped;
  } finally {
    await teardown.run();
  }
}

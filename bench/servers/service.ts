import type { Server } from "node:http";
import { systemClock } from "../../src/clock.ts";
import { compose, readManifestFile } from "../../src/compose.ts";
import { createServer } from "../../src/http/server.ts";
import { createLogger } from "../../src/log.ts";
import { measuredSettings } from "../parties.ts";

/** The service as production runs it, with the builtin product and without a worker. */
export async function service(databaseUrl: string, level: "info" | "silent" = "info"): Promise<Server> {
  const { app } = await compose({
    settings: measuredSettings(),
    manifest: await readManifestFile(),
    databaseUrl,
    clock: systemClock,
    logger: createLogger({ level }),
  });
  return createServer(app);
}

import cluster from "node:cluster";
import type { Server } from "node:http";
import type { Manifest } from "../catalog/catalog.ts";
import { compose, readManifestFile } from "../compose.ts";
import { readSettings, type Settings } from "../config.ts";
import { migrate } from "../db/migrate.ts";
import { ProviderError } from "../errors.ts";
import { createServer, drain } from "../http/server.ts";
import { createLogger, type Logger } from "../log.ts";
import type { Simulator } from "../simulator/simulator.ts";
import { chooseClock } from "./choose-clock.ts";
import { greeting } from "./greeting.ts";
import { awsToPlay, credentialsAt, withSimulatedAws } from "./simulated.ts";
import { Teardown, untilStopped } from "./teardown.ts";
import { runWebProcesses } from "./web-processes.ts";

/** A request may run this long after the process was asked to stop; Heroku and most hosts kill after 30 s. */
const DRAIN_MS = 25_000;

interface ServeOptions {
  readonly withWorker?: boolean;
}

/** Serves until SIGTERM or SIGINT, then ends what runs and leaves nothing behind. By several processes where that is set. */
export async function serve(options: ServeOptions): Promise<void> {
  const settings = readSettings();
  const manifest = await readManifestFile();
  const logger = createLogger({ level: settings.logLevel, fields: { process: "web", place: cluster.worker?.id } });
  if (settings.webProcesses > 1 && cluster.isPrimary) await runWebProcesses(settings.webProcesses, logger);
  else await serveHere(options, settings, manifest, logger);
}

async function serveHere(
  { withWorker = false }: ServeOptions,
  settings: Settings,
  manifest: Manifest,
  logger: Logger,
): Promise<void> {
  const teardown = new Teardown(logger);
  const stopped = untilStopped();
  try {
    const urls = await database(settings, teardown);
    const simulator = await simulatorBeside(settings, manifest, teardown);
    const clock = chooseClock(settings, simulator, teardown);
    const service = await compose({
      settings: simulator === undefined ? settings : withSimulatedAws(settings, simulator.aws),
      manifest,
      databaseUrl: urls.app,
      tenantsUrl: urls.tenants,
      clock,
      logger,
    });
    teardown.add("database connections", () => service.close());
    if (withWorker || !settings.production) {
      const worker = service.startWorker();
      teardown.add("worker", () => worker.stop());
    }
    const server = createServer(service.app);
    await listen(server, settings);
    teardown.add("requests", () => drain(server, { timeoutMs: DRAIN_MS }));
    teardown.add("rotation", async () => service.leaveRotation());
    if (cluster.isPrimary || cluster.worker?.id === 1)
      process.stdout.write(greeting(settings, manifest, simulator, urls.said));
    await stopped;
  } finally {
    await teardown.run();
    // Its channel to the first process would keep this one alive.
    cluster.worker?.disconnect();
  }
}

interface Urls {
  readonly app: string;
  readonly tenants: string | undefined;
  /** For the greeting: never a password. */
  readonly said: string;
}

/** In development the schema is brought up to date here; in production the release phase has done that. */
async function database(settings: Settings, teardown: Teardown): Promise<Urls> {
  if (settings.databaseUrl !== undefined) {
    if (!settings.production) await migrate({ url: settings.migrationDatabaseUrl ?? settings.databaseUrl });
    return { app: settings.databaseUrl, tenants: settings.tenantDatabaseUrl, said: "the one of DATABASE_URL" };
  }
  const { startEmbedded } = await import("../db/embedded/embedded.ts");
  const embedded = await startEmbedded({ dataDir: settings.dataDir });
  teardown.add("embedded PostgreSQL", () => embedded.stop());
  await migrate({ url: embedded.ownerUrl });
  return {
    app: embedded.appUrl,
    tenants: settings.tenantDatabaseUrl ?? embedded.tenantsUrl,
    said: `PostgreSQL ${embedded.version} on port ${embedded.port}, data in ${settings.dataDir}`,
  };
}

async function simulatorBeside(
  settings: Settings,
  manifest: Manifest,
  teardown: Teardown,
): Promise<Simulator | undefined> {
  if (settings.simulatorPort === undefined) return undefined;
  const { startSimulator } = await import("../simulator/simulator.ts");
  const simulator = await startSimulator({
    port: settings.simulatorPort,
    manifest: credentialsAt(settings, manifest),
    providerOrigin: settings.publicUrl,
    clientSecret: settings.heroku.clientSecret,
    aws: awsToPlay(settings, manifest),
  });
  teardown.add("simulator", () => simulator.close());
  return simulator;
}

function listen(server: Server, { port, host }: Settings): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (fault: NodeJS.ErrnoException) => {
      const busy = fault.code === "EADDRINUSE";
      reject(
        new ProviderError(
          "unavailable",
          busy ? `Port ${port} is taken. Set PORT to another one.` : `Cannot listen: ${fault.message}`,
        ),
      );
    });
    server.listen(port, host, resolve);
  });
}

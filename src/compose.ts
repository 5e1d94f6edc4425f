import { readFile } from "node:fs/promises";
import type { Express } from "express";
import { apiRoutes, hotApiRoutes } from "./api/api.ts";
import { docsRoutes } from "./api/docs.ts";
import { endpointRoutes } from "./api/endpoints.ts";
import { createApp } from "./app.ts";
import { type Manifest, parseManifest } from "./catalog/catalog.ts";
import { coreOf } from "./compose/core.ts";
import type { Surroundings } from "./compose/surroundings.ts";
import { manifestFile, settingsSet } from "./config.ts";
import { consoleRoutes } from "./dashboard/console/console.ts";
import { dashboardRoutes } from "./dashboard/dashboard.ts";
import type { Database } from "./db/db.ts";
import { ProviderError } from "./errors.ts";
import { reconcileAws, sellsOnAws } from "./marketplaces/aws/aws-operator.ts";
import { readinessChecks } from "./readiness.ts";
import { browserSessions } from "./sso/browser-sessions.ts";
import { startWorker, type Worker } from "./worker.ts";

export interface Service {
  readonly app: Express;
  readonly database: Database;
  /** From now on `/readyz` is red: a balancer should look elsewhere. */
  readonly leaveRotation: () => void;
  readonly startWorker: () => Worker;
  /** Ends the connections to the database, after what waits to be stored. */
  readonly close: () => Promise<void>;
}

/** Reads the manifest that `MANIFEST_FILE` names, or else `addon-manifest.json` beside the project's `package.json`. */
export async function readManifestFile(): Promise<Manifest> {
  const path = manifestFile();
  return parseManifest(await readText(path ?? new URL("../addon-manifest.json", import.meta.url)));
}

function readText(path: string | URL): Promise<string> {
  return readFile(path, "utf8").catch((cause: unknown) => {
    const faults = [{ at: "MANIFEST_FILE", message: `${path} cannot be read` }];
    throw new ProviderError("config_invalid", "The manifest cannot be read.", { faults, cause });
  });
}

/** Builds everything by hand: the one place that knows all parts. */
export async function compose(surroundings: Surroundings): Promise<Service> {
  const { settings } = surroundings;
  const core = await coreOf(surroundings);
  const { store, clock, catalog, attempts, metrics, logger, provider } = core;
  const { database, keys, declarations, marketplaces, subscriptions, tokens, close } = core;

  const https = settings.publicUrl.startsWith("https:");
  const sessions = browserSessions({ store, clock, secrets: keys.sessions, secure: https });
  const api = { provider, tokens, catalog, clock, productSecret: settings.product.secret, attempts };
  const marketplaceOf = (name: string) => marketplaces.get(name);
  let leaving = false;

  const app = createApp({
    logger,
    metrics,
    metricsToken: settings.metricsToken,
    trustProxy: settings.trustProxy,
    https,
    attempts,
    checks: readinessChecks({ database, store, clock, isLeaving: () => leaving }),
    intake: { provider, sessions },
    marketplaces,
    hotRoutes: hotApiRoutes(api),
    api: apiRoutes(api),
    endpoints: endpointRoutes({
      subscriptions,
      productSecret: settings.product.secret,
      operatorToken: settings.operatorToken,
      attempts,
    }),
    docs: docsRoutes({ publicUrl: settings.publicUrl, serviceId: catalog.id }),
    dashboard: dashboardRoutes({
      store,
      provider,
      clock,
      catalog,
      declarations,
      marketplaceOf,
      sessions,
      environment: settings.environment,
      publicUrl: settings.publicUrl,
      connectTemplateUrl: settings.aws.connectTemplateUrl,
    }),
    console: consoleRoutes({
      ...{ store, provider, clock, catalog, marketplaces, subscriptions, attempts, customerSessions: sessions },
      reconcile: sellsOnAws(catalog) ? (...asked) => reconcileAws(catalog, ...asked) : undefined,
      manifest: { inForce: surroundings.manifest.file, readFile: readManifestFile },
      settingsSet: settingsSet(),
      publicUrl: settings.publicUrl,
      operatorToken: settings.operatorToken,
      secrets: keys.sessions,
      secure: https,
      ...settings.console,
    }),
  });

  return {
    app,
    database,
    leaveRotation: () => {
      leaving = true;
    },
    startWorker: () => startWorker({ database, store, clock, provider, subscriptions, marketplaces, logger, metrics }),
    close,
  };
}

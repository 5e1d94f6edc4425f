import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import type { Express } from "express";
import { apiRoutes } from "./api/api.ts";
import { docsRoutes } from "./api/docs.ts";
import { endpointRoutes } from "./api/endpoints.ts";
import { createApp } from "./app.ts";
import { type Manifest, parseManifest } from "./catalog/catalog.ts";
import { awsSettings } from "./compose/aws.ts";
import { meteringOf, reportingOf } from "./compose/metering.ts";
import { subscriptionsOf } from "./compose/subscriptions.ts";
import type { Surroundings } from "./compose/surroundings.ts";
import { tenantDatabases } from "./compose/tenant-databases.ts";
import { manifestFile, type Settings } from "./config.ts";
import { keyPrefix } from "./credentials/api-key.ts";
import { lastUse } from "./credentials/last-use.ts";
import { tokenKeys } from "./credentials/token-keys.ts";
import { assets } from "./dashboard/assets.ts";
import { dashboardRoutes } from "./dashboard/dashboard.ts";
import { connect, type Database } from "./db/db.ts";
import { ProviderError } from "./errors.ts";
import { failedAttempts } from "./http/failed-attempts.ts";
import { createMetrics } from "./http/metrics.ts";
import { isolate, type Store, servingRole } from "./isolation/isolation.ts";
import { type AwsMarketplaceParts, awsMarketplace } from "./marketplaces/aws/aws.ts";
import { herokuMarketplace } from "./marketplaces/heroku/heroku.ts";
import type { Marketplace } from "./marketplaces/marketplace.ts";
import { builtinProduct } from "./product/builtin.ts";
import { httpProduct } from "./product/http.ts";
import type { Product } from "./product/product.ts";
import { declaredCredentials } from "./provider/declarations.ts";
import { createProvider } from "./provider/provider.ts";
import { readinessChecks } from "./readiness.ts";
import { derive, deriveEach, type KeyRing, parseKeyRing } from "./secrets/key-ring.ts";
import { vaultOf } from "./secrets/secrets.ts";
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
  const { settings, manifest, clock, logger } = surroundings;
  const { catalog } = manifest;
  const { database, store } = await openDatabase(surroundings);
  const keys = keysOf(parseKeyRing(settings.secretKeys));
  const { vault } = keys;
  const tokens = tokenKeys({ store, vault, clock, issuer: settings.publicUrl });
  const declarations = declaredCredentials(catalog, settings.publicUrl);
  const attempts = failedAttempts();
  const metrics = createMetrics();
  const marketplaces = new Map<string, Marketplace>();
  const metering = meteringOf(surroundings, store, metrics, marketplaces);
  const databases = tenantDatabases({ ...surroundings, catalog, store, vault });
  const uses = lastUse(store, clock);

  const provider = createProvider({
    store,
    clock,
    catalog,
    declarations,
    vault,
    tokens,
    metering,
    product: productOf(settings),
    ...(databases && { databases }),
    mint: { prefix: keyPrefix(catalog.id), pepper: keys.pepper, vault, login: databases?.mintLogin },
    peppers: keys.peppers,
    lastUse: uses,
    auditKey: keys.audit,
    abilitiesOf: (name) => marketplaces.get(name)?.abilities ?? NO_ABILITIES,
    reporting: () => reportingOf(marketplaces),
  });
  const common = { store, vault, clock, catalog, attempts, metrics, logger, provider };
  for (const one of marketplacesOf(surroundings, common)) marketplaces.set(one.name, one);
  const subscriptions = subscriptionsOf(surroundings, { store, vault, metrics });

  const https = settings.publicUrl.startsWith("https:");
  const sessions = browserSessions({ store, clock, secret: keys.session, secure: https });
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
    api: apiRoutes({ provider, tokens, catalog, clock, productSecret: settings.product.secret, attempts }),
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
      publicUrl: settings.publicUrl,
    }),
  });

  return {
    app,
    database,
    leaveRotation: () => {
      leaving = true;
    },
    startWorker: () => startWorker({ database, store, clock, provider, subscriptions, marketplaces, logger, metrics }),
    close: () => closeInTurn([metering, databases, uses, database]),
  };
}

async function closeInTurn(parts: readonly ({ close(): Promise<void> } | undefined)[]): Promise<void> {
  for (const part of parts) await part?.close();
}

/** What is derived from the key ring. */
function keysOf(ring: KeyRing) {
  const { primary } = ring;
  return {
    vault: vaultOf(ring),
    pepper: derive(primary, "pepper"),
    peppers: deriveEach(ring, "pepper"),
    session: derive(primary, "session"),
    audit: { id: primary.id, key: derive(primary, "audit") },
  };
}

/** Where the product is sold. */
function marketplacesOf(
  surroundings: Surroundings,
  common: Omit<AwsMarketplaceParts, "access" | "settings" | "publicUrl" | "assets">,
): readonly Marketplace[] {
  const { settings, manifest } = surroundings;
  const { configVars, deprovision } = common.provider;
  const { publicUrl } = settings;
  return [
    herokuMarketplace({
      ...common,
      settings: herokuSettings(settings, manifest),
      publicUrl,
      configVars,
      deprovision,
    }),
    awsMarketplace({
      ...common,
      ...awsSettings(surroundings),
      publicUrl,
      assets: { stylesheet: assets.stylesheet.path, htmx: assets.htmx.path },
    }),
  ];
}

/** Of a marketplace that is no longer set up: nothing can be told to it. */
const NO_ABILITIES = { pushesConfig: false, wantsCompletion: false, provisionDeadlineSeconds: 43_200 };

async function openDatabase({ databaseUrl, logger }: Surroundings): Promise<{ database: Database; store: Store }> {
  const database = connect({
    url: databaseUrl,
    onFault: (fault) => logger.warn({ err: fault }, "a database connection was lost"),
  });
  const serving = await onceReachable(() => servingRole(database));
  if (serving.warning !== null) logger.warn(serving.warning);
  return { database, store: isolate(database, serving) };
}

const REACHABLE_WITHIN_MS = 30_000;
const LOOK_AGAIN_MS = 500;

/** A database that is just starting, or busy, is waited for; one that stays away is `unavailable`. */
async function onceReachable<T>(look: () => Promise<T>): Promise<T> {
  const until = performance.now() + REACHABLE_WITHIN_MS;
  for (;;) {
    try {
      return await look();
    } catch (fault) {
      const away = fault instanceof ProviderError && fault.code === "unavailable";
      if (!away || performance.now() >= until) throw fault;
      await sleep(LOOK_AGAIN_MS);
    }
  }
}

function productOf({ product }: Settings): Product {
  return product.url === undefined ? builtinProduct : httpProduct({ url: product.url, secret: product.secret });
}

/** Where a setting is absent (in development only), the manifest's own value counts. */
function herokuSettings({ heroku }: Settings, { secrets }: Manifest) {
  return {
    passwords: heroku.passwords.length > 0 ? heroku.passwords : [secrets.password],
    ssoSalts: heroku.ssoSalts.length > 0 ? heroku.ssoSalts : [secrets.ssoSalt],
    clientSecret: heroku.clientSecret,
    apiUrl: heroku.apiUrl,
    idUrl: heroku.idUrl,
  };
}

import { setTimeout as sleep } from "node:timers/promises";
import type { Manifest } from "../catalog/catalog.ts";
import type { Settings } from "../config.ts";
import { keyPrefix } from "../credentials/api-key.ts";
import { customerScopes } from "../credentials/credentials.ts";
import { lastUse } from "../credentials/last-use.ts";
import { tokenKeys } from "../credentials/token-keys.ts";
import { assets } from "../dashboard/assets.ts";
import { connect, type Database } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { failedAttempts } from "../http/failed-attempts.ts";
import { createMetrics } from "../http/metrics.ts";
import { isolate, type Store, servingRole } from "../isolation/isolation.ts";
import { type AwsMarketplaceParts, awsMarketplace } from "../marketplaces/aws/aws.ts";
import { herokuMarketplace } from "../marketplaces/heroku/heroku.ts";
import type { Marketplace } from "../marketplaces/marketplace.ts";
import { builtinProduct } from "../product/builtin.ts";
import { httpProduct } from "../product/http.ts";
import type { Product } from "../product/product.ts";
import { declaredCredentials } from "../provider/declarations.ts";
import { createProvider } from "../provider/provider.ts";
import { derive, deriveEach, type KeyRing, parseKeyRing } from "../secrets/key-ring.ts";
import { vaultOf } from "../secrets/secrets.ts";
import { awsSettings } from "./aws.ts";
import { meteringOf, reportingOf } from "./metering.ts";
import { customerWebhooksOf, subscriptionsOf } from "./subscriptions.ts";
import type { Surroundings } from "./surroundings.ts";
import { tenantAws } from "./tenant-aws.ts";
import { tenantDatabases } from "./tenant-databases.ts";

/** Everything behind the doors: what requests, pages and the worker stand on. */
export async function coreOf(surroundings: Surroundings) {
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
  const abilitiesOf = (name: string) => marketplaces.get(name)?.abilities ?? NO_ABILITIES;
  const uses = lastUse(store, clock);
  const databases = tenantDatabases({ ...surroundings, catalog, store, vault, uses, abilitiesOf });

  const provider = createProvider({
    store,
    clock,
    catalog,
    declarations,
    vault,
    tokens,
    metering,
    webhooks: customerWebhooksOf(surroundings),
    product: productOf(settings),
    ...(databases && { databases }),
    aws: tenantAws({ settings, catalog, clock }),
    mint: {
      prefix: keyPrefix(catalog.id),
      pepper: keys.pepper,
      vault,
      scopes: customerScopes(declarations),
      login: databases?.mintLogin,
    },
    peppers: keys.peppers,
    lastUse: uses,
    auditKey: keys.audit,
    abilitiesOf,
    accountOf: async (tenant) => marketplaces.get(tenant.marketplace)?.accountOf?.(tenant),
    reporting: () => reportingOf(marketplaces),
  });
  const common = { store, vault, clock, catalog, attempts, metrics, logger, provider };
  for (const one of marketplacesOf(surroundings, common)) marketplaces.set(one.name, one);
  const subscriptions = subscriptionsOf(surroundings, { store, vault, metrics });

  return {
    ...common,
    database,
    keys,
    declarations,
    marketplaces,
    subscriptions,
    tokens,
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
    sessions: deriveEach(ring, "session"),
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

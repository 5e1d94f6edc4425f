import { randomBytes } from "node:crypto";
import { createServer as createPlainServer, type Server } from "node:http";
import { type Express, Router } from "express";
import { apiRoutes, hotApiRoutes } from "../../src/api/api.ts";
import { createApp } from "../../src/app.ts";
import { systemClock } from "../../src/clock.ts";
import { readManifestFile } from "../../src/compose.ts";
import { tokenKeys } from "../../src/credentials/token-keys.ts";
import { connect } from "../../src/db/db.ts";
import { failedAttempts } from "../../src/http/failed-attempts.ts";
import { createMetrics } from "../../src/http/metrics.ts";
import { createServer } from "../../src/http/server.ts";
import { isolate } from "../../src/isolation/isolation.ts";
import { createLogger } from "../../src/log.ts";
import { herokuMarketplace } from "../../src/marketplaces/heroku/heroku.ts";
import type { UsageReceipt, UsageSource } from "../../src/metering/metering.ts";
import { readEvent } from "../../src/metering/usage-event.ts";
import type { Provider, Provisioned, ProvisionRequest } from "../../src/provider/contract.ts";
import { parseKeyRing } from "../../src/secrets/key-ring.ts";
import { vaultOf } from "../../src/secrets/secrets.ts";
import { browserSessions } from "../../src/sso/browser-sessions.ts";
import { measuredSettings, PASSWORD } from "../parties.ts";
import { configVars } from "./request.ts";

/** Our whole HTTP side with the real routes of Heroku and of usage over a provider that answers at once. No database is reached. */
export async function intake(): Promise<Server> {
  return createServer(await intakeApp());
}

/** The same, served as Express's documentation says. */
export async function intakeOnStockExpress(): Promise<Server> {
  return createPlainServer(await intakeApp());
}

async function intakeApp(): Promise<Express> {
  const settings = measuredSettings();
  const { catalog } = await readManifestFile();
  const clock = systemClock;
  const store = isolate(connect({ url: "postgres://127.0.0.1:1/none" }), { role: null });
  const vault = vaultOf(parseKeyRing(settings.secretKeys));
  const tokens = tokenKeys({ store, vault, clock, issuer: settings.publicUrl });
  const attempts = failedAttempts();
  const metrics = createMetrics();
  const provider = answeringProvider();
  const heroku = herokuMarketplace({
    store,
    vault,
    clock,
    catalog,
    attempts,
    metrics,
    settings: { ...settings.heroku, passwords: [PASSWORD] },
    publicUrl: settings.publicUrl,
    configVars: provider.configVars,
    deprovision: provider.deprovision,
  });
  const api = { provider, tokens, catalog, clock, productSecret: settings.product.secret, attempts };
  return createApp({
    logger: createLogger({ level: "info" }),
    metrics,
    metricsToken: undefined,
    trustProxy: 0,
    https: true,
    attempts,
    checks: {},
    intake: { provider, sessions: browserSessions({ store, clock, secrets: [randomBytes(32)], secure: true }) },
    marketplaces: new Map([[heroku.name, heroku]]),
    hotRoutes: hotApiRoutes(api),
    api: apiRoutes(api),
    endpoints: Router(),
    docs: Router(),
    dashboard: Router(),
    console: Router(),
  });
}

function answeringProvider(): Provider {
  const provision = async (request: ProvisionRequest) =>
    ({ kind: "done", fresh: true, value: provisioned(request) }) as const;
  const recordUsage: Provider["recordUsage"] = async (source, items) => items.map((item) => accepted(item, source));
  return { provision, recordUsage } as unknown as Provider;
}

function accepted(item: unknown, source: UsageSource): UsageReceipt {
  const event = readEvent(item, source);
  return typeof event === "string"
    ? { id: null, status: "refused", code: event }
    : { id: event.id, status: "accepted" };
}

function provisioned(request: ProvisionRequest): Provisioned {
  return {
    tenant: {
      id: request.resourceId,
      marketplace: request.marketplace,
      resourceId: request.resourceId,
      plan: request.plan,
      region: request.region,
      state: "active",
      reason: null,
      name: request.name,
      requestDigest: "",
      facts: {},
      options: request.options,
      keptSealed: null,
      productConfigSealed: null,
      limits: null,
      entitledUntil: null,
      createdAt: request.at,
      changedAt: request.at,
      endedAt: null,
    },
    config: configVars(request.resourceId),
  };
}

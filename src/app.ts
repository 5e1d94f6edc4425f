import express, { type Express, type Router } from "express";
import type { FailedAttempts } from "./http/failed-attempts.ts";
import { type HealthCheck, healthRoutes } from "./http/health.ts";
import { answerFirst, type HotRoute } from "./http/hot-routes.ts";
import { countRequests, type Metrics, metricsRoute } from "./http/metrics.ts";
import { notFound, problemAnswer } from "./http/problem.ts";
import { logRequests, watched } from "./http/request-log.ts";
import { headersOfHelmet, securityHeaders } from "./http/security-headers.ts";
import type { Logger } from "./log.ts";
import type { Intake, Marketplace } from "./marketplaces/marketplace.ts";

export interface AppOptions {
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly metricsToken: string | undefined;
  readonly trustProxy: number | readonly string[];
  readonly https: boolean;
  readonly attempts: FailedAttempts;
  readonly checks: Readonly<Record<string, HealthCheck>>;
  readonly intake: Intake;
  readonly marketplaces: ReadonlyMap<string, Marketplace>;
  /** Those of the API that are answered before the app, by `METHOD /path`. */
  readonly hotRoutes: Readonly<Record<string, HotRoute>>;
  /** Our own API, its documentation, and the pages; each brings the routes it is mounted with. */
  readonly api: Router;
  readonly endpoints: Router;
  readonly docs: Router;
  readonly dashboard: Router;
  readonly console: Router;
}

/** The whole HTTP side, top to bottom in the order a request meets it. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("query parser", "simple");
  app.set("trust proxy", options.trustProxy);

  const classes = [...ROUTE_CLASSES, ...[...options.marketplaces.keys()].map((name) => `/${name}`)];
  const watches = [logRequests({ logger: options.logger }), countRequests(options.metrics, classes)];
  answerFirst(app, { routes: options.hotRoutes, headers: headersOfHelmet({ https: options.https }), watches });
  app.use(watched(...watches), securityHeaders({ https: options.https }));

  // What is mounted under a name first: a request passes each router above its own route by route.
  for (const [name, marketplace] of options.marketplaces) app.use(`/${name}`, marketplace.routes(options.intake));
  app.use(options.api);
  app.use(options.endpoints);
  app.use(healthRoutes({ checks: options.checks }));
  app.get(
    "/metrics",
    metricsRoute({ metrics: options.metrics, token: options.metricsToken, attempts: options.attempts }),
  );
  app.use("/console", options.console);
  app.use(options.docs);
  app.use(options.dashboard);
  app.use(notFound);
  app.use(problemAnswer);
  return app;
}

const ROUTE_CLASSES = [
  "/v1/keys/verify",
  "/v1/usage",
  "/v1",
  "/dashboard",
  "/console",
  "/assets",
  "/docs",
  "/livez",
  "/readyz",
  "/metrics",
];

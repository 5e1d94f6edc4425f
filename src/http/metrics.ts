import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { RequestHandler } from "express";
import { Counter, collectDefaultMetrics, Histogram, Registry } from "prom-client";
import { sameSecret } from "../same-secret.ts";
import { bearerToken } from "./basic-auth.ts";
import type { FailedAttempts } from "./failed-attempts.ts";
import { whenAnswered } from "./request-log.ts";

/** Labels are closed sets: never a tenant, an address or anything a caller can choose. */
interface OperationLabels {
  readonly marketplace: string;
  readonly operation: string;
  readonly outcome: string;
}

export interface Metrics {
  readonly registry: Registry;
  /** One finished operation of a marketplace, product or job, and how long it took. */
  countOperation(labels: OperationLabels, seconds: number): void;
  /** One answered request, by the class of its route (`routeClasses`). */
  countRequest(route: string, method: string, status: number, seconds: number): void;
  /** Usage events by what became of them: accepted, duplicate, or the code of the refusal. */
  countUsage(verdict: string, events: number): void;
  /** A usage record that reached its end, by its verdict. */
  countRecord(verdict: string): void;
}

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25];

/** A registry of its own for each call, with the process's own figures in it. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const operations = new Histogram({
    name: "stallholder_operation_seconds",
    help: "Operations by marketplace and outcome, and how long they took",
    labelNames: ["marketplace", "operation", "outcome"] as const,
    buckets: SECONDS,
    registers,
  });
  const requests = new Counter({
    name: "stallholder_http_requests_total",
    help: "Answered requests by route class, method and status",
    labelNames: ["route", "method", "status"] as const,
    registers,
  });
  const durations = new Histogram({
    name: "stallholder_http_request_seconds",
    help: "From the arrival of a request to the end of its answer",
    labelNames: ["route"] as const,
    buckets: SECONDS,
    registers,
  });
  const usage = new Counter({
    name: "stallholder_usage_events_total",
    help: "Usage events by verdict: accepted, duplicate, or why they were refused",
    labelNames: ["verdict"] as const,
    registers,
  });
  const records = new Counter({
    name: "stallholder_usage_records_total",
    help: "Usage records that reached their end, by verdict",
    labelNames: ["verdict"] as const,
    registers,
  });
  return {
    registry,
    countRecord: (verdict) => records.inc({ verdict }),
    countUsage: (verdict, events) => usage.inc({ verdict }, events),
    countOperation: (labels, seconds) => operations.observe({ ...labels }, seconds),
    countRequest: (route, method, status, seconds) => {
      requests.inc({ route, method, status });
      durations.observe({ route }, seconds);
    },
  };
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * Counts each answered request. `routes` are path prefixes (`/v1/usage`, `/v1`, `/heroku`); the longest that fits
 * names the class, `other` stands for the rest, so that no address a caller invents becomes a label.
 */
export function requestMetrics(metrics: Metrics, routes: readonly string[]): RequestHandler {
  const longestFirst = routes.toSorted((a, b) => b.length - a.length);
  return function countRequest(req, res, next) {
    whenAnswered(req, res, (seconds) => {
      const route = routeClass(longestFirst, req.originalUrl);
      const method = METHODS.has(req.method) ? req.method : "other";
      metrics.countRequest(route, method, res.statusCode, seconds);
    });
    next();
  };
}

function routeClass(longestFirst: readonly string[], url: string): string {
  return longestFirst.find((prefix) => isUnder(url, prefix)) ?? "other";
}

function isUnder(url: string, prefix: string): boolean {
  const following = url[prefix.length];
  return url.startsWith(prefix) && (following === undefined || following === "/" || following === "?");
}

interface MetricsRoute {
  readonly metrics: Metrics;
  /** Without one, only callers on this machine get in. */
  readonly token: string | undefined;
  readonly attempts: FailedAttempts;
}

/** `GET /metrics`: open to this machine's own callers, to others with the token as `Bearer`. */
export function metricsRoute({ metrics, token, attempts }: MetricsRoute): RequestHandler[] {
  return [
    function admitScraper(req, res, next) {
      const isToken = token !== undefined && sameSecret(bearerToken(req) ?? "", token);
      if (isToken || isLocal(req)) return next();
      return attempts.refuse(req, res, next);
    },
    async function answerMetrics(_req, res) {
      res.setHeader("Content-Type", metrics.registry.contentType);
      res.end(await metrics.registry.metrics());
    },
  ];
}

/** Judged by the socket. A proxy on this machine speaks for somebody else, so what it forwards is not local. */
function isLocal(req: IncomingMessage): boolean {
  if (req.headers["x-forwarded-for"] !== undefined || req.headers["forwarded"] !== undefined) return false;
  const address = (req.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

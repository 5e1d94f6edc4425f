import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { RequestHandler } from "express";
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";
import { sameSecret } from "../same-secret.ts";
import { bearerToken } from "./basic-auth.ts";
import type { FailedAttempts } from "./failed-attempts.ts";
import { addressOf, type Watch, whenAnswered } from "./request-log.ts";
import { sharedMetrics } from "./shared-metrics.ts";

/** Labels are closed sets: never a tenant, an address or anything a caller can choose. */
interface OperationLabels {
  readonly marketplace: string;
  readonly operation: string;
  readonly outcome: string;
}

export interface Metrics {
  readonly registry: Registry;
  /** In Prometheus's text format. */
  readonly text: () => Promise<string>;
  /** One finished operation of a marketplace, product or job, and how long it took. */
  countOperation(labels: OperationLabels, seconds: number): void;
  /** One answered request, by the class of its route (`ROUTE_CLASSES` in app.ts). */
  countRequest(route: string, method: string, status: number, seconds: number): void;
  /** Usage events by what became of them: accepted, duplicate, or the code of the refusal. */
  countUsage(verdict: string, events: number): void;
  /** Reads, at most every ten seconds, what is asked for when the figures are. */
  watchUsage(read: () => Promise<readonly UsageGauge[]>): void;
  /** A usage record that reached its end, by its verdict. */
  countRecord(verdict: string): void;
}

/** A value of one of `usageGauges`, with the closed words that tell it apart. */
export interface UsageGauge {
  readonly gauge: keyof typeof usageGauges;
  readonly marketplace: string;
  readonly reason?: string;
  readonly age?: string;
  readonly deadline?: string;
  readonly value: number;
}

const usageGauges = {
  waiting_records:
    "Usage records that are sealed and not accepted, by how long they have been and how long they may be",
  lost_units: "Units that are billed nowhere, by reason",
  carried_units: "Units that a later record owes",
  to_audit_units: "Units that are billed as far as we know: nobody has seen the answer that says so",
  conflicts: "Usage records for which the marketplace holds another quantity",
} as const;

const READ_EVERY_MS = 10_000;

/** Gauges that share one reading: whichever is collected first in ten seconds reads for all. */
function registerUsageGauges(registers: Registry[], read: () => Promise<readonly UsageGauge[]>): void {
  let readAt = Number.NEGATIVE_INFINITY;
  let reading: Promise<readonly UsageGauge[]> = Promise.resolve([]);
  const recent = (): Promise<readonly UsageGauge[]> => {
    if (performance.now() - readAt >= READ_EVERY_MS) {
      readAt = performance.now();
      // A database that is away is told by readiness; the other figures are still wanted.
      reading = read().catch(() => []);
    }
    return reading;
  };
  for (const [name, help] of Object.entries(usageGauges)) {
    new Gauge({
      name: `stallholder_usage_${name}`,
      help,
      labelNames: ["marketplace", "reason", "age", "deadline"] as const,
      registers,
      // Each web process reads the same.
      aggregator: "first",
      async collect() {
        this.reset();
        for (const { gauge, value, ...labels } of await recent()) if (gauge === name) this.set(labels, value);
      },
    });
  }
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
  new Gauge({ name: "stallholder_web_processes", help: "Processes whose figures these are", registers }).set(1);
  return {
    registry,
    text: sharedMetrics(registry),
    watchUsage: (read) => registerUsageGauges(registers, read),
    countRecord: (verdict) => records.inc({ verdict }),
    countUsage: (verdict, events) => usage.inc({ verdict }, events),
    countOperation: (labels, seconds) => operations.observe({ ...labels }, seconds),
    countRequest: countersOf(requests, durations),
  };
}

type RequestCounter = Counter<"route" | "method" | "status">;

/** Labels are looked up once for each combination, of which there are few: they would cost more than the counting. */
function countersOf(requests: RequestCounter, durations: Histogram<"route">): Metrics["countRequest"] {
  const known = new Map<string, (seconds: number) => void>();
  return (route, method, status, seconds) => {
    const name = `${route} ${method} ${status}`;
    let count = known.get(name);
    if (count === undefined) {
      const [one, duration] = [requests.labels({ route, method, status }), durations.labels({ route })];
      count = (taken) => {
        one.inc();
        duration.observe(taken);
      };
      known.set(name, count);
    }
    count(seconds);
  };
}

const METHODS = new Set(["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]);

/**
 * Counts each answered request. `routes` are path prefixes (`/v1/usage`, `/v1`, `/heroku`); the longest that fits
 * names the class, `other` stands for the rest, so that no address a caller invents becomes a label.
 */
export function countRequests(metrics: Metrics, routes: readonly string[]): Watch {
  const longestFirst = routes.toSorted((a, b) => b.length - a.length);
  return function countAnswer(req, res) {
    whenAnswered(req, res, (seconds) => {
      const route = routeClass(longestFirst, addressOf(req));
      const { method = "other" } = req;
      metrics.countRequest(route, METHODS.has(method) ? method : "other", res.statusCode, seconds);
    });
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
      res.end(await metrics.text());
    },
  ];
}

/** Judged by the socket. A proxy on this machine speaks for somebody else, so what it forwards is not local. */
function isLocal(req: IncomingMessage): boolean {
  if (req.headers["x-forwarded-for"] !== undefined || req.headers["forwarded"] !== undefined) return false;
  const address = (req.socket.remoteAddress ?? "").replace(/^::ffff:/, "");
  return address === "::1" || (isIP(address) === 4 && address.startsWith("127."));
}

import { setTimeout as sleep } from "node:timers/promises";
import { Router } from "express";
import { ProviderError } from "../errors.ts";
import { answerJson } from "./answer.ts";

interface Health {
  readonly ok: boolean;
  /** For the operator; everybody can read it, so it names no secret and no tenant. */
  readonly detail?: string;
}

/** One thing the service needs to work. The signal ends when nobody waits for the result any more. */
export type HealthCheck = (signal: AbortSignal) => Promise<Health>;

interface Readiness {
  readonly status: "ready" | "not_ready";
  readonly checks: Readonly<Record<string, Health>>;
}

const CHECK_WITHIN_MS = 2_000;

/**
 * `GET /livez`: 200 as long as the process answers at all. `GET /readyz`: runs the named checks at once, each for 2 s
 * at most, and answers 200 or 503 with the result of each. Requests that come while checks run share their result.
 */
export function healthRoutes({ checks }: { checks: Readonly<Record<string, HealthCheck>> }): Router {
  const router = Router();
  let running: Promise<Readiness> | undefined;

  router.get("/livez", (_req, res) => {
    res.setHeader("Cache-Control", "no-store");
    answerJson(res, 200, { status: "alive" });
  });
  router.get("/readyz", async (_req, res) => {
    running ??= readiness(checks).finally(() => {
      running = undefined;
    });
    const result = await running;
    res.setHeader("Cache-Control", "no-store");
    answerJson(res, result.status === "ready" ? 200 : 503, result);
  });
  return router;
}

async function readiness(checks: Readonly<Record<string, HealthCheck>>): Promise<Readiness> {
  const results = await Promise.all(
    Object.entries(checks).map(async ([name, check]) => [name, await timed(check)] as const),
  );
  const ready = results.every(([, { ok }]) => ok);
  return { status: ready ? "ready" : "not_ready", checks: Object.fromEntries(results) };
}

async function timed(check: HealthCheck): Promise<Health> {
  const over = new AbortController();
  const late = sleep(CHECK_WITHIN_MS, { ok: false, detail: "It did not answer within 2 s." }, { signal: over.signal });
  try {
    return await Promise.race([check(over.signal), late]);
  } catch (error) {
    return { ok: false, detail: error instanceof ProviderError ? error.message : "It failed." };
  } finally {
    late.catch(() => undefined);
    over.abort();
  }
}

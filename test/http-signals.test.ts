import { setTimeout as sleep } from "node:timers/promises";
import express, { Router } from "express";
import { ProviderError } from "../src/errors.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { type HealthCheck, healthRoutes } from "../src/http/health.ts";
import { listRoutes } from "../src/http/list-routes.ts";
import { countRequests, createMetrics, metricsRoute } from "../src/http/metrics.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { logRequests, noteRequest, requestId, watched } from "../src/http/request-log.ts";
import { createLogger } from "../src/log.ts";
import { closeServers, listen } from "./support/listen.ts";
import { heldBack } from "./support/scripted-product.ts";

afterEach(closeServers);

function collectingLogger() {
  const lines: Record<string, unknown>[] = [];
  let text = "";
  const write = (line: string) => {
    text += line;
    lines.push(JSON.parse(line));
  };
  return { logger: createLogger({ level: "info", destination: { write } }), lines, text: () => text };
}

describe("createLogger", () => {
  const secret = "canary-0123456789abcdef";

  test("a member whose name says that it is secret is redacted at any depth, in lines and in child loggers", () => {
    const { logger, lines, text } = collectingLogger();
    const names = ["authorization", "Set-Cookie", "client_secret", "accessToken", "refresh-token", "password", "salt"];
    for (const name of [...names, "API_KEY", "key", "config", "configVars", "nav-data", "email", "DATABASE_URL"]) {
      logger.info({ [name]: secret, deep: { list: [{ [name]: { also: secret } }] } }, name);
      logger.child({ [name]: secret }).info("child");
    }
    expect(text()).not.toContain(secret);
    expect(lines).toHaveLength(28);
  });

  test("what is no secret stays readable", () => {
    const { logger, lines } = collectingLogger();
    logger.info(
      { tenant: "k3abc", keyId: "2026-05", token_type: "Bearer", at: new Date(0), list: [1, "two"] },
      "plan basic",
    );
    expect(lines[0]).toMatchObject({
      level: "info",
      tenant: "k3abc",
      keyId: "2026-05",
      token_type: "Bearer",
      at: "1970-01-01T00:00:00.000Z",
      list: [1, "two"],
      msg: "plan basic",
    });
  });

  test("an error shows its text, code, stack and causes, and nothing else that hangs on it", () => {
    const { logger, lines, text } = collectingLogger();
    const cause = Object.assign(new Error("refused"), { code: "ECONNREFUSED", request: { body: secret } });
    logger.error(new ProviderError("marketplace_unavailable", "No answer.", { cause }));
    expect(lines[0]?.["err"]).toMatchObject({
      message: "No answer.",
      code: "marketplace_unavailable",
      cause: { message: "refused", code: "ECONNREFUSED", stack: expect.stringContaining("http-signals.test") },
    });
    expect(text()).not.toContain(secret);
  });

  test("secrets are cut out of any text", () => {
    const { logger, text } = collectingLogger();
    logger.info(`to postgres://app:${secret}@db:5432/x with Bearer ${secret}`);
    logger.error(new Error(`GET /sso?id=1&resource-token=${secret}&x=2 Authorization: Basic ${secret}`));
    expect(text()).not.toContain(secret);
    expect(text()).toContain("postgres://app:[redacted]@db:5432/x");
  });
});

describe("logRequests", () => {
  async function linesOf(path: string, headers: Record<string, string> = {}) {
    const { logger, lines } = collectingLogger();
    const leaving = new AbortController();
    const closed = heldBack<void>();
    const app = express().use(watched(logRequests({ logger })), (_req, res, next) => {
      res.once("close", closed.release);
      next();
    });
    app.get(["/livez", "/ok"], (req, res) => {
      noteRequest(req, { marketplace: "market" });
      noteRequest(req, { tenant: "k3abc" });
      res.end(requestId(req));
    });
    app.get("/hangs", () => leaving.abort());
    app.get("/fails", () => {
      throw new Error("broken");
    });
    app.get("/refuses", () => {
      throw new ProviderError("plan_unknown", "No such plan.");
    });
    const { url } = await listen(app.use(problemAnswer));
    const response = await fetch(url + path, { headers, signal: leaving.signal }).catch(() => undefined);
    await closed.promise;
    return { lines, id: response?.headers.get("x-request-id") };
  }

  test("an answered request is one line, with notes and without the query", async () => {
    const { lines, id } = await linesOf("/ok?token=canary");
    expect(lines).toHaveLength(1);
    expect(lines[0]).toEqual({
      level: "info",
      time: expect.any(String),
      request: id,
      method: "GET",
      path: "/ok",
      status: 200,
      ms: expect.any(Number),
      marketplace: "market",
      tenant: "k3abc",
      msg: "answered",
    });
  });

  test("the level follows the status; only our own failures show their error", async () => {
    const failed = (await linesOf("/fails")).lines[0];
    expect(failed).toMatchObject({
      level: "error",
      status: 500,
      code: "internal",
      err: { cause: { message: "broken" } },
    });
    const refused = (await linesOf("/refuses")).lines[0];
    expect(refused).toMatchObject({ level: "warn", status: 422, code: "plan_unknown", source: "127.0.0.1" });
    expect(refused).not.toHaveProperty("err");
    expect((await linesOf("/livez")).lines).toEqual([]);
  });

  test("a client that goes away before the answer leaves a line too", async () => {
    expect((await linesOf("/hangs")).lines).toMatchObject([{ path: "/hangs", aborted: true }]);
  });

  test("a plain id of the caller is kept, any other is replaced", async () => {
    expect((await linesOf("/ok", { "x-request-id": "0a1b-2c3d.x_y" })).id).toBe("0a1b-2c3d.x_y");
    expect((await linesOf("/ok", { "request-id": "from-a-router" })).id).toBe("from-a-router");
    for (const odd of ["short", "with space in it", "a".repeat(129), "a:b:c:d:e"]) {
      expect((await linesOf("/ok", { "x-request-id": odd })).id).toMatch(/^[0-9a-f-]{36}$/);
    }
  });
});

describe("metrics", () => {
  async function serve(token?: string) {
    const metrics = createMetrics();
    const app = express().use(watched(countRequests(metrics, ["/v1", "/v1/usage", "/metrics"])));
    app.get("/metrics", metricsRoute({ metrics, token, attempts: failedAttempts() }));
    const { url } = await listen(app.use(problemAnswer));
    return { metrics, url };
  }

  test("operations and requests are counted by closed labels, with the figures of the process", async () => {
    const { metrics, url } = await serve();
    metrics.countOperation({ marketplace: "market", operation: "provision", outcome: "done" }, 0.2);
    for (const path of ["/v1/usage?x=1", "/v1/usage/", "/v1/usages", "/v1x", "/made/up"]) await fetch(url + path);
    const count = (route: string) => `stallholder_http_requests_total{route="${route}",method="GET",status="404"}`;
    const scrape = async () => (await fetch(`${url}/metrics`)).text();
    // The last request is counted when its answer is out, which may be after its caller has it.
    const until = performance.now() + 5_000;
    while (!(await scrape()).includes(`${count("other")} 2`) && performance.now() < until) await sleep(10);
    const text = await scrape();
    expect(text).toContain('operation_seconds_count{marketplace="market",operation="provision",outcome="done"} 1');
    for (const [route, times] of [
      ["/v1/usage", 2],
      ["/v1", 1],
      ["other", 2],
    ]) {
      expect(text).toContain(`${count(String(route))} ${times}`);
    }
    expect(text).toContain("process_cpu_seconds_total");
    expect(text).not.toContain("made");
  });

  test("a caller on this machine needs no token; one who came through a proxy does", async () => {
    const { url } = await serve("the metrics token");
    const status = async (headers: Record<string, string>) => (await fetch(`${url}/metrics`, { headers })).status;
    const forwarded = { "x-forwarded-for": "127.0.0.1" };
    expect(await status({})).toBe(200);
    expect(await status(forwarded)).toBe(401);
    expect(await status({ forwarded: "for=127.0.0.1" })).toBe(401);
    expect(await status({ ...forwarded, authorization: "Bearer the metrics" })).toBe(401);
    expect(await status({ ...forwarded, authorization: "Bearer the metrics token" })).toBe(200);
  });

  test("without a token nobody gets in from elsewhere", async () => {
    const { url } = await serve();
    const headers = { "x-forwarded-for": "10.0.0.1", authorization: "Bearer undefined" };
    expect((await fetch(`${url}/metrics`, { headers })).status).toBe(401);
  });
});

describe("healthRoutes", () => {
  async function readyz(checks: Record<string, HealthCheck>) {
    const { url } = await listen(express().use(healthRoutes({ checks })));
    const response = await fetch(`${url}/readyz`);
    return { url, status: response.status, body: await response.json() };
  }

  test("ready is 200 when every check is, and each tells its detail", async () => {
    const database = async () => ({ ok: true, detail: "12 migrations" });
    expect(await readyz({ database })).toMatchObject({
      status: 200,
      body: { status: "ready", checks: { database: { ok: true, detail: "12 migrations" } } },
    });
  });

  test("a check that fails, throws or hangs makes it 503 within the time limit, while livez stays 200", async () => {
    let given: AbortSignal | undefined;
    const { url, status, body } = await readyz({
      fine: async () => ({ ok: true }),
      red: async () => ({ ok: false, detail: "no worker" }),
      throws: async () => Promise.reject(new Error("password=canary")),
      hangs: (signal) => {
        given = signal;
        return new Promise(() => undefined);
      },
    });
    expect(status).toBe(503);
    expect(body).toEqual({
      status: "not_ready",
      checks: {
        fine: { ok: true },
        red: { ok: false, detail: "no worker" },
        throws: { ok: false, detail: "It failed." },
        hangs: { ok: false, detail: "It did not answer within 2 s." },
      },
    });
    expect(given?.aborted).toBe(true);
    expect((await fetch(`${url}/livez`)).status).toBe(200);
  });

  test("requests that come together share one run of the checks", async () => {
    let runs = 0;
    const slow = async () => {
      runs++;
      await sleep(100);
      return { ok: true };
    };
    const { url } = await listen(express().use(healthRoutes({ checks: { slow } })));
    await Promise.all(Array.from({ length: 10 }, () => fetch(`${url}/readyz`)));
    expect(runs).toBe(1);
    await fetch(`${url}/readyz`);
    expect(runs).toBe(2);
  });
});

describe("listRoutes", () => {
  test("walks every Router to its routes", () => {
    const nothing = () => undefined;
    const inner = Router().get("/", nothing).delete("/:id", nothing);
    const outer = Router().use(nothing).use("/things", inner).post("/sso", nothing).all("/any", nothing);
    const app = express().use(nothing).use("/market", outer).use(Router().get("/livez", nothing));
    app.all(["/both", "/ways"], nothing);
    expect(listRoutes(app).map(({ method, path }) => `${method} ${path}`)).toEqual([
      "GET /market/things",
      "DELETE /market/things/:id",
      "POST /market/sso",
      "ALL /market/any",
      "GET /livez",
      "ALL /both",
      "ALL /ways",
    ]);
  });
});

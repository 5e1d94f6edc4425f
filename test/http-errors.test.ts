import { setTimeout as sleep } from "node:timers/promises";
import express, { Router } from "express";
import { ProviderError } from "../src/errors.ts";
import { bearerToken } from "../src/http/basic-auth.ts";
import { failedAttempts } from "../src/http/failed-attempts.ts";
import { errorAnswer, notFound, problemAnswer } from "../src/http/problem.ts";
import { logRequests, watched } from "../src/http/request-log.ts";
import { securityHeaders } from "../src/http/security-headers.ts";
import { createLogger } from "../src/log.ts";
import { sameSecret } from "../src/same-secret.ts";
import { closeServers, listen } from "./support/listen.ts";

afterEach(closeServers);

describe("errors", () => {
  async function answerTo(thrown: unknown, method = "GET"): Promise<Response> {
    const app = express().use(watched(logRequests({ logger: createLogger({ level: "silent" }) })));
    app.get("/", (_req, _res, next) => next(thrown));
    app.get("/things/:id", (_req, res) => res.end());
    app.get("/begun", (_req, res, next) => {
      res.write("half");
      next(thrown);
    });
    const { url } = await listen(app.use(notFound, problemAnswer));
    return fetch(typeof thrown === "string" ? url + thrown : url, { method, headers: { "x-request-id": "req-12345" } });
  }

  test("a fault of the caller becomes a problem document with its code and every fault", async () => {
    const faults = [{ at: "/plan", message: "is missing" }];
    const response = await answerTo(new ProviderError("request_malformed", "No plan.", { faults }));
    expect(response.status).toBe(400);
    expect(response.headers.get("content-type")).toBe("application/problem+json");
    expect(response.headers.get("x-request-id")).toBe("req-12345");
    expect(await response.json()).toEqual({
      type: "/docs/errors#request_malformed",
      title: "The request is malformed",
      status: 400,
      detail: "No plan.",
      instance: "req-12345",
      code: "request_malformed",
      faults,
    });
  });

  test("an unknown error is a 500 without its text", async () => {
    const response = await answerTo(new Error("password=hunter2"));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain("hunter2");
  });

  test("401 names the scheme, and a delay becomes Retry-After", async () => {
    const unknown = await answerTo(new ProviderError("not_authenticated", "Who?"));
    expect([unknown.status, unknown.headers.get("www-authenticate")]).toEqual([401, 'Bearer realm="stallholder"']);
    const later = await answerTo(new ProviderError("unavailable", "Later.", { retryAfter: 2.1 }));
    expect([later.status, later.headers.get("retry-after")]).toEqual([503, "3"]);
  });

  test("HEAD gets the headers alone, an unknown address 404, a broken escape 400", async () => {
    const head = await answerTo(new ProviderError("tenant_gone", "Gone."), "HEAD");
    expect([head.status, await head.text()]).toEqual([410, ""]);
    expect((await answerTo("/nowhere")).status).toBe(404);
    expect((await answerTo("/things/%ff")).status).toBe(400);
  });

  test("an answer that has begun is cut off", async () => {
    await expect(answerTo("/begun").then((response) => response.text())).rejects.toThrow();
  });

  test("a marketplace's router answers in its own shape and with its own status", async () => {
    const router = Router().post("/", () => {
      throw new ProviderError("request_conflict", "Another plan.");
    });
    router.use(
      errorAnswer({
        type: "application/json",
        challenge: 'Basic realm="x"',
        body: ({ code, message }) => JSON.stringify({ id: code, message }),
        status: () => 422,
      }),
    );
    const { url } = await listen(express().use("/market", router).use(problemAnswer));
    const response = await fetch(`${url}/market`, { method: "POST" });
    expect([response.status, await response.json()]).toEqual([
      422,
      { id: "request_conflict", message: "Another plan." },
    ]);
  });
});

describe("securityHeaders", () => {
  async function headersOf(https: boolean): Promise<Headers> {
    const app = express().use(securityHeaders({ https }), (_req, res) => res.end());
    return (await fetch((await listen(app)).url)).headers;
  }

  test("each answer carries the strict set, without the name of the framework", async () => {
    const headers = await headersOf(false);
    expect(headers.get("content-security-policy")?.split(";").toSorted()).toEqual([
      "base-uri 'none'",
      "connect-src 'self'",
      "default-src 'none'",
      "form-action 'self'",
      "frame-ancestors 'none'",
      "img-src 'self' data:",
      "script-src 'self'",
      "style-src 'self'",
    ]);
    expect(headers.get("referrer-policy")).toBe("no-referrer");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("x-powered-by")).toBeNull();
  });

  test("only a public https address asks browsers to stay on https", async () => {
    expect((await headersOf(false)).get("strict-transport-security")).toBeNull();
    expect((await headersOf(true)).get("strict-transport-security")).toBe("max-age=31536000");
  });
});

describe("failedAttempts", () => {
  test("a hundred wrong secrets are 401, the next 429 with Retry-After, and the right one is let in throughout", async () => {
    const attempts = failedAttempts();
    const app = express().use(
      (req, res, next) =>
        sameSecret(bearerToken(req) ?? "", "the right one") ? next() : attempts.refuse(req, res, next),
      (_req, res) => res.end(),
    );
    const { url } = await listen(app.use(problemAnswer));
    const ask = (token: string) => fetch(url, { headers: { authorization: `Bearer ${token}` } });

    for (let i = 0; i < 100; i++) expect((await ask(`wrong ${i}`)).status).toBe(401);
    const refused = await ask("wrong");
    expect(refused.status).toBe(429);
    expect(Number(refused.headers.get("retry-after"))).toBeGreaterThan(0);
    expect((await ask("the right one")).status).toBe(200);
  });

  test("the count starts again after its window", async () => {
    const attempts = failedAttempts({ limit: 1, windowMs: 200 });
    const app = express().use((req, res, next) => attempts.refuse(req, res, next));
    const { url } = await listen(app.use(problemAnswer));
    expect([(await fetch(url)).status, (await fetch(url)).status]).toEqual([401, 429]);
    await sleep(250);
    expect((await fetch(url)).status).toBe(401);
  });

  test("the caller's own error is answered while the limit is not reached", async () => {
    const attempts = failedAttempts();
    const app = express().use((req, res, next) =>
      attempts.refuse(req, res, next, new ProviderError("signin_refused", "No.")),
    );
    expect((await fetch((await listen(app.use(problemAnswer))).url)).status).toBe(403);
  });
});

import { request } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import express, { type Express } from "express";
import { ProviderError } from "../src/errors.ts";
import { failedAttempts, refusing, wrongCredentials } from "../src/http/failed-attempts.ts";
import { answeredBy, answerFirst, type HotRoute } from "../src/http/hot-routes.ts";
import { countRequests, createMetrics } from "../src/http/metrics.ts";
import { problemAnswer } from "../src/http/problem.ts";
import { logRequests, watched } from "../src/http/request-log.ts";
import { headersOfHelmet, securityHeaders } from "../src/http/security-headers.ts";
import { drain } from "../src/http/server.ts";
import { createLogger } from "../src/log.ts";

import { closeServers, listen } from "./support/listen.ts";
import { heldBack } from "./support/scripted-product.ts";

afterEach(closeServers);

interface Served {
  readonly app: Express;
  readonly lines: string[];
  /** Answered requests by method, route and status, of `/metrics`. */
  counted(): Promise<readonly string[]>;
}

/** One route, hot and in the app, as the service has it. */
function appOf(route: HotRoute): Served {
  const lines: string[] = [];
  const logger = createLogger({ level: "info", destination: { write: (line: string) => void lines.push(line) } });
  const metrics = createMetrics();
  const watches = [logRequests({ logger }), countRequests(metrics, ["/hot"])];
  const app = express().disable("x-powered-by").disable("etag");
  answerFirst(app, { routes: { "POST /hot": route }, headers: headersOfHelmet({ https: true }), watches });
  app.use(watched(...watches), securityHeaders({ https: true }));
  app.post("/hot", refusing(failedAttempts(), answeredBy(route)));
  app.use(problemAnswer);
  const counted = async () => (await metrics.text()).split("\n").filter((line) => line.includes("requests_total{"));
  return { app, lines, counted };
}

const post = (url: string, headers: Record<string, string> = {}) => fetch(url, { method: "POST", headers });

test("a hot route is answered before the app, and what is spelled otherwise by the app", async () => {
  const { app } = appOf(async () => ({ answered: true }));
  const passed: string[] = [];
  const behind = express().use((req, _res, next) => {
    passed.push(req.url);
    next();
  }, app);
  answerFirst(behind, { routes: { "POST /hot": async () => ({ hot: true }) }, headers: [], watches: [] });
  const { url } = await listen(behind);
  for (const path of ["/hot", "/hot?x=1", "/hot/"]) expect((await post(url + path)).status).toBe(200);
  expect((await fetch(`${url}/hot`)).status).toBe(404);
  expect(passed).toEqual(["/hot?x=1", "/hot/", "/hot"]);
});

test("its answer is the app's, header for header", async () => {
  const { url } = await listen(appOf(async () => ({ text: "é" })).app);
  const [hot, other] = [
    await post(`${url}/hot`, { "x-request-id": "given-by-a-router" }),
    await post(`${url}/hot?x=1`, { "x-request-id": "given-by-a-router" }),
  ];
  const headers = ({ headers: found }: Response) => [...found].filter(([name]) => name !== "date").toSorted();
  expect(headers(hot)).toEqual(headers(other));
  expect(hot.headers.get("x-request-id")).toBe("given-by-a-router");
  expect(await hot.json()).toEqual(await other.json());
});

test("what it throws is refused once, by the app: one call, one line, one count", async () => {
  let calls = 0;
  const { app, lines, counted } = appOf(async () => {
    calls += 1;
    throw new ProviderError("plan_unknown", "No such plan.");
  });
  const { url } = await listen(app);
  const response = await post(`${url}/hot`);
  expect([response.status, response.headers.get("content-type")]).toEqual([422, "application/problem+json"]);
  expect(response.headers.get("x-content-type-options")).toBe("nosniff");
  expect(await response.json()).toMatchObject({ code: "plan_unknown", instance: response.headers.get("x-request-id") });
  await sleep(20);
  expect(calls).toBe(1);
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([{ path: "/hot", status: 422, code: "plan_unknown" }]);
  expect(await counted()).toEqual(['stallholder_http_requests_total{route="/hot",method="POST",status="422"} 1']);
});

test("nothing that is thrown is an unhandled fault, not even nothing", async () => {
  const { url } = await listen(appOf(() => Promise.reject(undefined)).app);
  expect((await post(`${url}/hot`)).status).toBe(500);
});

test("wrong credentials are counted before the app too: the 101st is refused as one too many", async () => {
  const { url } = await listen(appOf(() => Promise.reject(wrongCredentials())).app);
  const answers: number[] = [];
  for (let n = 0; n < 101; n += 1) answers.push((await post(`${url}/hot`)).status);
  expect(answers.slice(0, 100).every((status) => status === 401)).toBe(true);
  expect(answers[100]).toBe(429);
});

test("an answered request is one line and one count; one whose client has gone says so", async () => {
  const asked = heldBack<void>();
  const answered = heldBack<void>();
  const { app, lines, counted } = appOf(async (req) => {
    if (req.headers["x-slow"] === undefined) return {};
    asked.release();
    await answered.promise;
    return {};
  });
  const { url, port } = await listen(app);
  await post(`${url}/hot`);
  const leaving = request({ port, path: "/hot", method: "POST", headers: { "x-slow": "1" } });
  leaving.on("error", () => undefined).end();
  await asked.promise;
  leaving.destroy();
  await sleep(50);
  answered.release();
  await sleep(50);
  const told = lines.map((line) => JSON.parse(line));
  expect(told).toMatchObject([{ level: "info", path: "/hot", status: 200 }, { aborted: true }]);
  expect(told[0]).not.toHaveProperty("aborted");
  expect(await counted()).toEqual(['stallholder_http_requests_total{route="/hot",method="POST",status="200"} 2']);
});

test("a server that drains tells the client of a hot route to leave, too", async () => {
  const asked = heldBack<void>();
  const answered = heldBack<void>();
  const { app } = appOf(async () => {
    asked.release();
    await answered.promise;
    return {};
  });
  const { url, server } = await listen(app);
  const before = post(`${url}/hot`);
  await asked.promise;
  const drained = drain(server, { timeoutMs: 5_000 });
  const meanwhile = post(`${url}/hot`);
  await sleep(50);
  answered.release();
  expect((await before).status).toBe(200);
  const { headers } = await meanwhile;
  expect([headers.get("connection"), headers.get("content-security-policy")]).toEqual(["close", expect.any(String)]);
  expect(await drained).toBe(true);
});

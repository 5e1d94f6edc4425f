import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import type { Done, ServerLoad } from "./load-job.ts";
import { basicHeader, bearerHeader } from "./parties.ts";

/** The parts of autocannon's programmatic interface that are used here; it brings no types. */
interface Run {
  on(event: "response", heard: (client: unknown, status: number, bytes: number, ms: number) => void): void;
  then<T>(done: (result: Totals) => T): Promise<T>;
}
interface Totals {
  readonly errors: number;
  readonly non2xx: number;
  readonly mismatches: number;
  readonly requests: { readonly total: number };
  readonly duration: number;
}
const autocannon = createRequire(import.meta.url)("autocannon") as (options: object) => Run;

const SAMPLE_MS = 50;

/** Asks one question over many connections, as fast as it is answered. */
export async function loadServer(job: ServerLoad): Promise<Done> {
  const asked = askers[job.question](job.subjects);
  const times: number[] = [];
  const run = autocannon({
    url: `http://127.0.0.1:${job.port}`,
    connections: job.connections,
    duration: job.seconds,
    sampleInt: SAMPLE_MS,
    requests: [requestOf(asked)],
    ...(asked.isRight === undefined ? {} : { verifyBody: asked.isRight }),
  });
  run.on("response", (_client, _status, _bytes, ms) => times.push(ms));
  return run.then(({ errors, non2xx, mismatches, requests, duration }) => ({
    units: requests.total * (asked.units ?? 1),
    seconds: duration,
    times: Float64Array.from(times).sort(),
    failures: errors + non2xx + mismatches,
  }));
}

interface Asked {
  readonly path: string;
  readonly authorization: string;
  /** Of the next request, or of all. */
  readonly body: string | (() => string);
  /** How many units of work are in a request; one when absent. */
  readonly units?: number;
  /** Whether an answer says that the work was done; 2xx alone says so when absent. */
  readonly isRight?: (answer: string) => boolean;
}

function requestOf({ path, authorization, body }: Asked): object {
  const fixed = { method: "POST", path, headers: { "content-type": "application/json", authorization } };
  if (typeof body === "string") return { ...fixed, body };
  return { ...fixed, setupRequest: (request: object) => ({ ...request, body: body() }) };
}

const heroku = { path: "/heroku/resources", authorization: basicHeader };
const usage = { path: "/v1/usage", authorization: bearerHeader };
const EVENTS = 100;

const askers: Readonly<Record<ServerLoad["question"], (subjects: readonly string[]) => Asked>> = {
  "same-purchase": () => ({ ...heroku, body: purchaseBody(randomUUID(), {}) }),
  "new-purchase": () => ({
    ...heroku,
    body: () => purchaseBody(randomUUID(), { oauth_grant: { code: randomUUID(), type: "authorization_code" } }),
  }),
  key: (keys) => ({
    path: "/v1/keys/verify",
    authorization: bearerHeader,
    body: () => JSON.stringify({ key: oneOf(keys) }),
  }),
  event: (tenants) => ({
    ...usage,
    body: () => JSON.stringify(event(randomUUID(), tenants)),
    isRight: (answer) => answer.includes('"accepted"'),
  }),
  events: (tenants) => ({
    ...usage,
    body: manyEvents(tenants),
    units: EVENTS,
    isRight: (answer) => answer.split('"accepted"').length === EVENTS + 1,
  }),
};

const oneOf = <T>(values: readonly T[]): T | undefined => values[Math.floor(Math.random() * values.length)];

function event(id: string, tenants: readonly string[]): object {
  return { id, tenant: oneOf(tenants), dimension: "requests", quantity: 1, time: new Date().toISOString() };
}

const BODIES = 40;

/** Bodies that were made before: of each event, the first half of the id is new in each request. */
function manyEvents(tenants: readonly string[]): () => string {
  const bodies = Array.from({ length: BODIES }, () => {
    const events = Array.from({ length: EVENTS }, () => event(`?${randomUUID().slice(18)}`, tenants));
    return JSON.stringify(events).split("?");
  });
  return () => oneOf(bodies)?.join(randomUUID().slice(0, 18)) ?? "";
}

/** As Heroku sends it. */
function purchaseBody(uuid: string, grant: object): string {
  return JSON.stringify({
    uuid,
    name: "acme-search-cubic-12345",
    plan: "basic",
    region: "amazon-web-services::us-east-1",
    callback_url: `https://api.heroku.com/addons/${uuid}`,
    options: { size: "large" },
    log_drain_token: "d.01234567-89ab-cdef-0123-456789abcdef",
    ...grant,
  });
}

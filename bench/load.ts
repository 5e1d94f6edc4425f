import { randomUUID } from "node:crypto";
import { createRequire } from "node:module";
import { basicHeader, bearerHeader } from "./parties.ts";

/** What is asked: the same purchase without a grant, a new purchase each time, or a verdict on one of many keys. */
export type Question = "same-purchase" | "new-purchase" | "key";

export interface LoadJob {
  readonly port: number;
  readonly question: Question;
  readonly seconds: number;
  readonly connections: number;
  /** For the question `key`. */
  readonly keys?: readonly string[];
}

export interface LoadResult {
  readonly requests: number;
  readonly seconds: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** How much of a core this generator used: near 1 it is the generator that was measured. */
  readonly busy: number;
  /** Answers other than 2xx, and connections that broke. */
  readonly failures: number;
}

/** The parts of autocannon's programmatic interface that are used here; it brings no types. */
interface Run {
  on(event: "response", heard: (client: unknown, status: number, bytes: number, ms: number) => void): void;
  then<T>(
    done: (result: { errors: number; non2xx: number; requests: { total: number }; duration: number }) => T,
  ): Promise<T>;
}
const autocannon = createRequire(import.meta.url)("autocannon") as (options: object) => Run;

const SAMPLE_MS = 50;

async function fire(job: LoadJob): Promise<LoadResult> {
  const before = process.cpuUsage();
  const times: number[] = [];
  const run = autocannon({
    url: `http://127.0.0.1:${job.port}`,
    connections: job.connections,
    duration: job.seconds,
    sampleInt: SAMPLE_MS,
    requests: [requestOf(job)],
  });
  run.on("response", (_client, _status, _bytes, ms) => times.push(ms));
  return run.then(({ errors, non2xx, requests, duration }) => {
    const { user, system } = process.cpuUsage(before);
    const sorted = Float64Array.from(times).sort();
    return {
      requests: requests.total,
      seconds: duration,
      p50Ms: at(sorted, 0.5),
      p99Ms: at(sorted, 0.99),
      busy: (user + system) / (duration * 1_000_000),
      failures: errors + non2xx,
    };
  });
}

const at = (sorted: Float64Array, share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;

function requestOf({ question, keys = [] }: LoadJob): object {
  const fixed = { method: "POST", path: question === "key" ? "/v1/keys/verify" : "/heroku/resources" };
  const headers = {
    "content-type": "application/json",
    authorization: question === "key" ? bearerHeader : basicHeader,
  };
  if (question === "same-purchase") return { ...fixed, headers, body: purchaseBody(randomUUID(), {}) };
  const body =
    question === "key"
      ? () => JSON.stringify({ key: keys[Math.floor(Math.random() * keys.length)] })
      : () => purchaseBody(randomUUID(), { oauth_grant: { code: randomUUID(), type: "authorization_code" } });
  return { ...fixed, headers, setupRequest: (request: object) => ({ ...request, body: body() }) };
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

if (process.send !== undefined) {
  process.on("message", (job: LoadJob) => {
    fire(job).then(
      (result) => process.send?.(result),
      (fault: Error) => process.send?.({ fault: fault.message }),
    );
  });
  process.on("disconnect", () => process.exit());
}

import { randomUUID } from "node:crypto";
import type { Done, ServerLoad } from "./load-job.ts";
import { basicHeader, bearerHeader } from "./parties.ts";
import { openSender, type Sender } from "./sender.ts";

/** Asks one question over many connections, each as soon as the one before is answered. */
export async function loadServer(job: ServerLoad): Promise<Done> {
  const asked = askers[job.question](job.subjects);
  const senders = await Promise.all(Array.from({ length: job.connections }, () => openSender(job.port)));
  const times: number[] = [];
  let failures = 0;
  const startedAt = performance.now();
  const until = startedAt + job.seconds * 1_000;
  const keepAsking = async (sender: Sender): Promise<void> => {
    for (let at = performance.now(); at < until; ) {
      const { status, body } = await sender.ask(asked.head, asked.body());
      const now = performance.now();
      times.push(now - at);
      at = now;
      if (status >= 300 || asked.isRight?.(body) === false) failures += 1;
    }
  };
  await Promise.all(senders.map(keepAsking));
  const seconds = (performance.now() - startedAt) / 1_000;
  for (const sender of senders) sender.close();
  return { units: times.length * (asked.units ?? 1), seconds, times: Float64Array.from(times).sort(), failures };
}

interface Asked {
  /** Up to the length of the body. */
  readonly head: string;
  /** Of the next request. */
  readonly body: () => string;
  /** How many units of work are in a request; one when absent. */
  readonly units?: number;
  /** Whether an answer says that the work was done; 2xx alone says so when absent. */
  readonly isRight?: (answer: string) => boolean;
}

const post = (path: string, authorization: string): string =>
  `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: ${authorization}\r\n`;

const heroku = post("/heroku/resources", basicHeader);
const verify = post("/v1/keys/verify", bearerHeader);
const usage = post("/v1/usage", bearerHeader);
const EVENTS = 100;

const askers: Readonly<Record<ServerLoad["question"], (subjects: readonly string[]) => Asked>> = {
  "same-purchase": () => {
    const body = purchaseBody(randomUUID(), {});
    return { head: heroku, body: () => body };
  },
  "new-purchase": () => ({
    head: heroku,
    body: () => purchaseBody(randomUUID(), { oauth_grant: { code: randomUUID(), type: "authorization_code" } }),
  }),
  key: (keys) => ({ head: verify, body: () => JSON.stringify({ key: oneOf(keys) }) }),
  event: (tenants) => ({
    head: usage,
    body: () => JSON.stringify(event(randomUUID(), tenants)),
    isRight: (answer) => answer.includes('"accepted"'),
  }),
  events: (tenants) => ({
    head: usage,
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

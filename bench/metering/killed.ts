import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { startServed } from "../children.ts";
import type { Length } from "../comparison.ts";
import { fill } from "../fill.ts";
import { bearerHeader, measuredMint } from "../parties.ts";
import { type MeasuredDatabase, type MeasuredServer, openPostgres } from "../postgres.ts";
import { type Result, verdict } from "../result.ts";
import { openSender, type Sender } from "../sender.ts";
import type { Trial } from "../trial.ts";
import { tenantsOf } from "./tables.ts";

const TITLE = "PostgreSQL killed under load: one event a request, each sent again until it is acknowledged";
const TENANTS = 1_000;
const SENDERS = 64;
const PAUSE_MS = 50;
/** The database recovers in seconds, also where others use the machine. */
const LONGEST_MS = 120_000;
const HEAD = `POST /v1/usage HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nAuthorization: ${bearerHeader}\r\n`;

/** What the senders were told. */
interface Told {
  readonly acknowledged: string[];
  /** Of them, so many were stored already when they came again. */
  duplicates: number;
  sentAgain: number;
}

/** On a server of its own: all its connections end whenever it is killed. */
export async function killed(): Promise<Trial> {
  return {
    title: TITLE,
    run: async (length) => {
      const server = await openPostgres(undefined);
      try {
        return await measure(server, length);
      } finally {
        await server.close();
      }
    },
  };
}

async function measure(server: MeasuredServer, { rounds, seconds }: Length): Promise<Result> {
  const database = await server.database();
  await fill(database, TENANTS, await measuredMint());
  const tenants = await tenantsOf(database);
  const service = await startServed({ server: "service", databaseUrl: database.appUrl });
  const told: Told = { acknowledged: [], duplicates: 0, sentAgain: 0 };
  const startedAt = performance.now();
  let isOver = false;
  const sending = Promise.all(
    Array.from({ length: SENDERS }, () => keepSending(service.port, tenants, told, () => isOver)),
  );
  const killing = killAgainAndAgain(database, rounds, seconds).finally(() => {
    isOver = true;
  });
  try {
    await Promise.all([sending, killing]);
  } finally {
    await service.stop();
  }
  return resultOf(
    { rounds, told, seconds: (performance.now() - startedAt) / 1_000 },
    await heldAgainst(database, told),
  );
}

async function killAgainAndAgain(database: MeasuredDatabase, times: number, seconds: number): Promise<void> {
  for (let n = 0; n < times; n++) {
    await sleep(seconds * 1_000);
    process.kill(await busyProcess(database), "SIGKILL");
  }
  await sleep(seconds * 1_000);
  await busyProcess(database);
}

/**
 * One of PostgreSQL's that works for the service, as soon as there is one again. When it is killed, all others end at
 * once and the database recovers from its log.
 */
async function busyProcess(database: MeasuredDatabase): Promise<number> {
  const until = performance.now() + LONGEST_MS;
  while (performance.now() < until) {
    const found = await database.session((query) => query<{ pid: number }>(BUSY)).catch(() => []);
    if (found[0] !== undefined) return found[0].pid;
    await sleep(PAUSE_MS);
  }
  throw new Error("The service did not come back to its database.");
}

const BUSY = `select pid from pg_stat_activity
  where datname = current_database() and pid <> pg_backend_pid() and state = 'active' limit 1`;

async function keepSending(port: number, tenants: readonly string[], told: Told, isOver: () => boolean): Promise<void> {
  let sender = await openSender(port);
  for (let n = 0; !isOver(); n++) {
    const id = randomUUID();
    const event = { id, tenant: tenants[n % tenants.length], dimension: "requests", quantity: 1 };
    const body = JSON.stringify({ ...event, time: new Date().toISOString() });
    const until = performance.now() + LONGEST_MS;
    while (!(await isTaken(sender, body, told))) {
      if (performance.now() > until) throw new Error(`Event ${id} was not acknowledged.`);
      told.sentAgain += 1;
      sender.close();
      await sleep(PAUSE_MS);
      sender = await openSender(port);
    }
    told.acknowledged.push(id);
  }
  sender.close();
}

async function isTaken(sender: Sender, body: string, told: Told): Promise<boolean> {
  const answer = await sender.ask(HEAD, body).catch(() => undefined);
  const outcome = /"(accepted|duplicate)"/.exec(answer?.body ?? "")?.[1];
  if (outcome === "duplicate") told.duplicates += 1;
  return outcome !== undefined;
}

/** Ids that were acknowledged and are not there, and ids that are there more than once. */
function heldAgainst(database: MeasuredDatabase, { acknowledged }: Told): Promise<{ lost: number; double: number }> {
  return database.session(async (query) => {
    await query("create temp table told (id text)");
    await query("insert into told select jsonb_array_elements_text($1::jsonb)", [JSON.stringify(acknowledged)]);
    const [row] = await query<{ lost: number; double: number }>(
      `select (select count(*)::int from told where id not in (select id from usage_events)) as lost,
              (select count(*)::int from (select id from usage_events group by id having count(*) > 1) x) as double`,
    );
    return row ?? { lost: Number.NaN, double: Number.NaN };
  });
}

function resultOf(
  { rounds, told, seconds }: { rounds: number; told: Told; seconds: number },
  { lost, double }: { lost: number; double: number },
): Result {
  const { acknowledged, duplicates, sentAgain } = told;
  const figures = { side: `killed ${rounds} times`, seconds, events: acknowledged.length, sentAgain, duplicates };
  return {
    name: "killed",
    title: TITLE,
    figures: [figures],
    verdicts: [
      verdict({ of: "events acknowledged and lost", value: lost, most: 0 }),
      verdict({ of: "events stored twice", value: double, most: 0 }),
    ],
  };
}

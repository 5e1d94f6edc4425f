import { setTimeout as sleep } from "node:timers/promises";
import { type Generator, startServed } from "../children.ts";
import { type Length, warmUp } from "../comparison.ts";
import type { MeasuredDatabase } from "../postgres.ts";
import { median, mediansOf, type Result, verdict } from "../result.ts";
import type { Databases, Sizes, Trial } from "../trial.ts";
import { DIMENSIONS, fillHour, reopenHours } from "./hours.ts";
import { tenantsOf } from "./tables.ts";

const TITLE = "An hour is sealed, and what its records will say is fixed, while events come in, one a request";
const SENDERS = 64;
const EVENTS_A_RECORD = 4;
/** Enough: filling the hour again takes longer than sealing it. */
const MOST_ROUNDS = 3;
const LONGEST_SECONDS = 300;
const LOOK_EVERY_MS = 200;

interface Sample {
  readonly before: Load;
  readonly meanwhile: Load;
  readonly seconds: number;
}

interface Load {
  readonly rate: number;
  readonly p99Ms: number;
}

export async function seal(databases: Databases, { sealedTenants }: Sizes): Promise<Trial> {
  const { database } = await databases.filled(sealedTenants);
  await fillHour(database, EVENTS_A_RECORD);
  const records = sealedTenants * DIMENSIONS.length;
  return { title: TITLE, run: (length, generator) => measure(database, records, length, generator) };
}

async function measure(
  database: MeasuredDatabase,
  records: number,
  length: Length,
  generator: Generator,
): Promise<Result> {
  const { rounds, seconds } = length;
  const subjects = await tenantsOf(database);
  const server = await startServed({ server: "service", databaseUrl: database.appUrl });
  const job = { question: "event", port: server.port, connections: SENDERS, seconds, subjects } as const;
  const fire = async (): Promise<Load> => {
    const { units, seconds: took, p99Ms } = await generator.fire(job);
    return { rate: units / took, p99Ms };
  };
  const samples: Sample[] = [];
  try {
    await warmUp(length, () => generator.fire(job));
    for (let round = 0; round < Math.min(rounds, MOST_ROUNDS); round++) {
      await database.session(reopenHours);
      const before = await fire();
      samples.push({ before, ...(await whileSealed(database, records, fire)) });
    }
  } finally {
    await server.stop();
  }
  return resultOf(samples, records);
}

/** Loads of a moment each, one after the other, until a worker that begins with them has sealed everything. */
async function whileSealed(
  database: MeasuredDatabase,
  records: number,
  fire: () => Promise<Load>,
): Promise<Omit<Sample, "before">> {
  const worker = await startServed({ server: "worker", databaseUrl: database.appUrl });
  try {
    let done = false;
    const sealing = untilSealed(database, records).finally(() => {
      done = true;
    });
    const loads: Load[] = [];
    while (!done) loads.push(await fire());
    return { seconds: await sealing, meanwhile: mediansOf(loads) };
  } finally {
    await worker.stop();
  }
}

/** Answers how many seconds it took. */
function untilSealed(database: MeasuredDatabase, records: number): Promise<number> {
  const startedAt = performance.now();
  return database.session(async (query) => {
    for (;;) {
      await sleep(LOOK_EVERY_MS);
      const seconds = (performance.now() - startedAt) / 1_000;
      if (seconds > LONGEST_SECONDS) throw new Error("The hour was not sealed in time.");
      const [rolled] = await query("select from usage_rolls where summed_through > 'epoch'");
      if (rolled === undefined) continue;
      const [left] = await query("select from usage_records where state = 'sealed' and frozen_at is null limit 1");
      if (left !== undefined) continue;
      const [row] = await query<{ frozen: number }>(
        "select count(*)::integer as frozen from usage_records where frozen_at is not null",
      );
      if (row?.frozen !== records) throw new Error(`${row?.frozen} records were frozen, not ${records}.`);
      return seconds;
    }
  });
}

function resultOf(samples: readonly Sample[], records: number): Result {
  const [before, meanwhile] = [
    mediansOf(samples.map((one) => one.before)),
    mediansOf(samples.map((one) => one.meanwhile)),
  ];
  const { seconds } = mediansOf(samples.map((one) => ({ seconds: one.seconds })));
  const ratio = median(samples.map((one) => one.meanwhile.rate / one.before.rate));
  return {
    name: "seal",
    title: TITLE,
    figures: [
      { side: "before", ...before },
      { side: "meanwhile", ...meanwhile, seconds, records },
    ],
    verdicts: [
      verdict({ of: `seconds for ${records.toLocaleString("en")} records`, value: seconds, most: 120 }),
      verdict({ of: "meanwhile", against: "before", value: ratio, least: 0.6 }),
    ],
  };
}

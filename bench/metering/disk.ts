import { type Generator, startServed } from "../children.ts";
import type { Length } from "../comparison.ts";
import type { MeasuredDatabase } from "../postgres.ts";
import { type Result, verdict } from "../result.ts";
import type { Databases, Sizes, Trial } from "../trial.ts";
import { tenantsOf } from "./tables.ts";

const TITLE = "Room on the disk for an event that came through the API, with every index";
const SENDERS = 64;

export async function disk(databases: Databases, { diskEvents }: Sizes): Promise<Trial> {
  const database = await databases.copyOfSmall();
  const subjects = await tenantsOf(database);
  return {
    title: TITLE,
    run: async (length, generator) => {
      await store(database, subjects, diskEvents, length, generator);
      return resultOf(await bytesOf(database));
    },
  };
}

async function store(
  database: MeasuredDatabase,
  subjects: readonly string[],
  events: number,
  { seconds }: Length,
  generator: Generator,
): Promise<void> {
  const server = await startServed({ server: "service", databaseUrl: database.appUrl });
  try {
    for (let stored = 0; stored < events; ) {
      const job = { question: "events", port: server.port, connections: SENDERS, seconds, subjects } as const;
      stored += (await generator.fire(job)).units;
    }
  } finally {
    await server.stop();
  }
}

interface Bytes {
  readonly events: number;
  readonly key: number;
  readonly event: number;
}

function bytesOf(database: MeasuredDatabase): Promise<Bytes> {
  return database.session(async (query) => {
    const [row] = await query<Bytes>(
      `select n as events,
         (pg_total_relation_size('usage_keys_0') + pg_total_relation_size('usage_keys_1'))::float8 / n as key,
         (select sum(pg_total_relation_size(inhrelid)) from pg_inherits
          where inhparent = 'usage_events'::regclass)::float8 / n as event
       from (select count(*)::integer as n from usage_events) stored`,
    );
    if (row === undefined) throw new Error("Nothing was stored.");
    return row;
  });
}

function resultOf({ events, key, event }: Bytes): Result {
  return {
    name: "disk",
    title: TITLE,
    figures: [{ side: "an event", events, keyBytes: key, eventBytes: event }],
    verdicts: [
      verdict({ of: "bytes while its key is kept", value: key + event, most: 300 }),
      verdict({ of: "bytes after that", value: event, most: 200 }),
    ],
  };
}

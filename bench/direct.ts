import { randomFillSync, randomUUID } from "node:crypto";
import pg from "pg";
import { copyAndCommit } from "../src/db/copy.ts";
import { scopedWorks } from "./isolation/scoped.ts";
import type { DatabaseLoad, Done, Work } from "./load-job.ts";

/** The database alone, with as many connections at once; what is counted is committed. */
export async function loadDatabase(job: DatabaseLoad): Promise<Done> {
  const clients = await connectionsTo(job);
  const times: number[] = [];
  let units = 0;
  const startedAt = performance.now();
  const until = startedAt + job.seconds * 1_000;
  const keepWorking = async (client: pg.Client): Promise<void> => {
    const work = works[job.direct](job.subjects);
    for (let at = performance.now(); at < until; ) {
      const did = await work(client);
      units += did;
      const now = performance.now();
      times.push(now - at);
      at = now;
    }
  };
  await Promise.all(clients.map(keepWorking));
  const seconds = (performance.now() - startedAt) / 1_000;
  return { units, seconds, times: Float64Array.from(times).sort(), failures: 0 };
}

const connected = new Map<string, Promise<readonly pg.Client[]>>();

/** They stay open for the next time, so that what they used of the processor can be read from outside. */
function connectionsTo({ databaseUrl, connections, logins, direct }: DatabaseLoad): Promise<readonly pg.Client[]> {
  const urls = logins ?? Array.from({ length: connections }, () => databaseUrl);
  const key = `${direct} ${urls.join()}`;
  const known = connected.get(key);
  if (known !== undefined) return known;
  const made = Promise.all(urls.map(connect));
  connected.set(key, made);
  return made;
}

async function connect(connectionString: string): Promise<pg.Client> {
  const client = new pg.Client({ connectionString });
  // The database is dropped in the end, connections and all.
  client.on("error", () => undefined);
  await client.connect();
  return client;
}

const works: Readonly<Record<DatabaseLoad["direct"], (tenants: readonly string[]) => Work>> = {
  commits: commitOne,
  copy: copyMany,
  ...scopedWorks,
};

const INSERT = `insert into plain_events (tenant_id, id, dimension, quantity, occurred_at) values ($1, $2, $3, $4, $5)
on conflict do nothing`;

function commitOne(tenants: readonly string[]): Work {
  return async (client) => {
    const tenant = tenants[Math.floor(Math.random() * tenants.length)];
    await client.query({ name: "one", text: INSERT, values: [tenant, randomUUID(), "requests", 1, new Date()] });
    return 1;
  };
}

const ROWS = 2_000;

/** The rows of our events and their keys, in a transaction with two binary COPYs whose bytes were made before. */
function copyMany(tenants: readonly string[]): Work {
  const now = Date.now();
  const day = new Date(now).toISOString().slice(0, 10).replaceAll("-", "");
  const keys = copyBytes((row) => [orderedKey(row), Buffer.alloc(8, row)]);
  const events = copyBytes((row) => [
    timestamp(now),
    timestamp(now - (now % 3_600_000)),
    Buffer.alloc(1),
    Buffer.from(tenants[row % tenants.length] ?? ""),
    Buffer.from("requests"),
    NUMERIC_ONE,
    Buffer.from(randomUUID()),
    null,
  ]);
  return async (client) => {
    renewKeys(keys);
    await client.query("begin");
    await copyAndCommit(client, [
      { statement: "copy usage_keys_0 from stdin with (format binary)", data: keys },
      { statement: `copy usage_days.d${day} from stdin with (format binary)`, data: events },
    ]);
    return ROWS;
  };
}

const SIGNATURE = Buffer.from("PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0", "latin1");
/** Count of columns, length of the key. */
const BEFORE_KEY = 6;
const KEY_ROW_BYTES = BEFORE_KEY + 16 + 4 + 8;
const NUMERIC_ONE = Buffer.from("00010000000000000001", "hex");
const MS_OF_2000 = 946_684_800_000;

function copyBytes(rowOf: (row: number) => readonly (Buffer | null)[]): Buffer {
  const rows = Array.from({ length: ROWS }, (_, row) => {
    const cells = rowOf(row);
    return Buffer.concat([int16(cells.length), ...cells.flatMap((cell) => [int32(cell?.length ?? -1), cell ?? EMPTY])]);
  });
  return Buffer.concat([SIGNATURE, ...rows, int16(-1)]);
}

const EMPTY = Buffer.alloc(0);

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function timestamp(ms: number): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(ms - MS_OF_2000) * 1_000n);
  return bytes;
}

/** Random, but in ascending order within the batch, as ours are. */
function orderedKey(row: number): Buffer {
  return inOrder(row, randomFillSync(Buffer.alloc(16)));
}

function inOrder(row: number, key: Buffer): Buffer {
  key.writeUInt16BE(Math.floor(((row + Math.random()) * 65_536) / ROWS));
  return key;
}

const random = Buffer.alloc(ROWS * 16);

/**
 * Random bytes are asked for once: asking for them key by key took a third of the processor time of this side, all of it
 * in one thread, so that its rate was the generator's more than that of COPY.
 */
function renewKeys(copy: Buffer): void {
  randomFillSync(random);
  for (let row = 0; row < ROWS; row++) {
    const key = inOrder(row, random.subarray(row * 16, (row + 1) * 16));
    key.copy(copy, SIGNATURE.length + row * KEY_ROW_BYTES + BEFORE_KEY);
  }
}

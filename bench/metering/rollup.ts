import type { Length } from "../comparison.ts";
import type { MeasuredDatabase, Query } from "../postgres.ts";
import { mediansOf, type Result, verdict } from "../result.ts";
import type { Databases, Sizes, Trial } from "../trial.ts";
import { DIMENSIONS, fillHour, reopenHours } from "./hours.ts";
import { tenantsOf } from "./tables.ts";

const TITLE = "Sums of an hour: once from its events, or kept with each that comes";
const BATCH = 500;
/** Of the hour's events, so many are counted one at a time. */
const SINGLES = 0.02;
const IN_BATCHES = 0.25;

/** What one event costs. */
interface Cost {
  /** User and system time of the database's session. */
  readonly databaseMicros: number;
  readonly seconds: number;
}

export async function rollup(databases: Databases, { hourEvents }: Sizes): Promise<Trial> {
  const database = await databases.copyOfSmall();
  const tenants = await tenantsOf(database);
  await fillHour(database, hourEvents / (tenants.length * DIMENSIONS.length));
  await database.session((query) => keepCounters(query));
  return { title: TITLE, run: (length) => measure(database, tenants, hourEvents, length) };
}

async function measure(
  database: MeasuredDatabase,
  tenants: readonly string[],
  events: number,
  { rounds }: Length,
): Promise<Result> {
  const rolled: Cost[] = [];
  const batched: Cost[] = [];
  const single: Cost[] = [];
  await database.session(async (query) => {
    await query("set synchronous_commit = off");
    for (let round = 0; round < rounds; round++) {
      await reopenHours(query);
      rolled.push(await costOf(database, events, () => query("select roll_usage('[]', now())")));
      batched.push(await counted(database, query, tenants, events * IN_BATCHES, BATCH));
      single.push(await counted(database, query, tenants, events * SINGLES, 1));
    }
  });
  const [once, each, one] = [mediansOf(rolled), mediansOf(batched), mediansOf(single)];
  return {
    name: "rollup",
    title: `${TITLE} (cost of a million events)`,
    figures: [
      { side: "rolled up", ...millionTimes(once) },
      { side: `counted by batches of ${BATCH}`, ...millionTimes(each) },
      { side: "counted one by one", ...millionTimes(one) },
    ],
    verdicts: [
      verdict({
        of: "database time of a roll-up",
        against: "counting by batches",
        value: once.databaseMicros / each.databaseMicros,
        most: 0.25,
      }),
      verdict({
        of: "seconds of a roll-up",
        against: "counting by batches",
        value: once.seconds / each.seconds,
        most: 0.25,
      }),
    ],
  };
}

async function costOf(database: MeasuredDatabase, events: number, work: () => Promise<unknown>): Promise<Cost> {
  const before = await database.cpuMicros();
  const startedAt = performance.now();
  await work();
  const seconds = (performance.now() - startedAt) / 1_000;
  const after = await database.cpuMicros();
  return { databaseMicros: ((after ?? Number.NaN) - (before ?? 0)) / events, seconds: seconds / events };
}

const millionTimes = ({ databaseMicros, seconds }: Cost): Cost => ({
  databaseMicros: databaseMicros * MILLION,
  seconds: seconds * MILLION,
});
const MILLION = 1_000_000;

/** A row for each record that comes out of the roll-up, there already: most events of an hour find theirs. */
async function keepCounters(query: Query): Promise<void> {
  await query(`create table counters (tenant_id text, hour timestamptz, dimension text, quantity numeric not null,
    primary key (tenant_id, hour, dimension))`);
  await query(`insert into counters select tenant_id, billed_hour, dimension, 0 from usage_events group by 1, 2, 3`);
  await query("vacuum analyze counters");
}

/** The sum of the batch first, and in the order of the keys: as cheap as it can be done, and without deadlocks. */
const COUNT = `insert into counters as c (tenant_id, hour, dimension, quantity)
select tenant, $4::timestamptz, dimension, sum(quantity)
from unnest($1::text[], $2::text[], $3::numeric[]) as e(tenant, dimension, quantity)
group by 1, 3 order by 1, 3
on conflict (tenant_id, hour, dimension) do update set quantity = c.quantity + excluded.quantity`;

async function counted(
  database: MeasuredDatabase,
  query: Query,
  tenants: readonly string[],
  events: number,
  size: number,
): Promise<Cost> {
  const [row] = await query<{ hour: Date }>("select max(hour) as hour from counters");
  const batches = Array.from({ length: Math.ceil(events / size) }, () => batchOf(tenants, size));
  return costOf(database, batches.length * size, async () => {
    for (const batch of batches) await query(COUNT, [...batch, row?.hour]);
  });
}

function batchOf(tenants: readonly string[], size: number): readonly (readonly unknown[])[] {
  const some = (values: readonly string[]) =>
    Array.from({ length: size }, () => values[Math.floor(Math.random() * values.length)]);
  return [some(tenants), some(DIMENSIONS), Array.from({ length: size }, () => 1)];
}

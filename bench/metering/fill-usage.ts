import type { MeasuredDatabase, Query } from "../postgres.ts";

const DAYS = 30;
/** The keys of so many days are in either generation, when it is about to be turned. */
const DAYS_OF_KEYS = 8;
const DAY_MS = 86_400_000;
const MOST_TENANTS = 10_000;

/**
 * Puts `count` events into the days up to today, and the keys of the last sixteen days into both generations, in two
 * sessions beside each other. Answers how many seconds it took.
 */
export async function fillUsage(database: MeasuredDatabase, count: number): Promise<number> {
  const startedAt = performance.now();
  const dailyKeys = Math.ceil(count / DAYS) * DAYS_OF_KEYS;
  await Promise.all([
    fillEvents(database, count, MOST_TENANTS),
    unhurried(database, async (query) => {
      for (const table of ["usage_keys_0", "usage_keys_1"]) await fillKeys(query, table, dailyKeys);
    }),
  ]);
  await database.session(async (query) => {
    await query("vacuum analyze");
    await query("checkpoint");
  });
  return Math.round((performance.now() - startedAt) / 100) / 10;
}

/** Puts `count` events, without keys, into the days up to today: of the first `tenants` by their ids, in turn. */
export async function fillEvents(database: MeasuredDatabase, count: number, tenants: number): Promise<void> {
  const today = Date.now();
  const days = Array.from({ length: DAYS }, (_, ago) => new Date(today - ago * DAY_MS).toISOString().slice(0, 10));
  await database.session((query) => query("select make_usage_days($1::date[])", [days]));
  await unhurried(database, async (query) => {
    await query(TENANTS, [tenants]);
    await query("analyze some_tenants");
    const [some] = await query<{ many: number }>("select count(*)::integer as many from some_tenants");
    for (const day of days) await query(eventsOf(day), [Math.ceil(count / DAYS), some?.many]);
  });
}

/** A session in which a commit does not wait for the disk. */
export function unhurried(database: MeasuredDatabase, work: (query: Query) => Promise<void>): Promise<void> {
  return database.session(async (query) => {
    await query("set synchronous_commit = off");
    await query("set maintenance_work_mem = '512MB'");
    await work(query);
  });
}

const TENANTS = `create temp table some_tenants as
select row_number() over () - 1 as place, id from (select id from tenants order by id limit $1) t`;

/** In the order of their times; the id has the length of a UUID. */
const eventsOf = (day: string): string => `
insert into usage_days.d${day.replaceAll("-", "")}
  (occurred_at, billed_hour, from_key, tenant_id, dimension, quantity, id, tags)
select at, date_trunc('hour', at, 'UTC'), false, t.id, 'requests', 1, 'evt_' || md5(i::text), null
from generate_series(0, $1::bigint - 1) i
cross join lateral (select timestamptz '${day}T00:00:00Z' + i * interval '86399 seconds' / $1::bigint as at) moment
join some_tenants t on t.place = i % $2::bigint`;

/** As full as an index becomes when its keys come in any order. */
async function fillKeys(query: Query, table: string, count: number): Promise<void> {
  await query(`alter table ${table} drop constraint ${table}_pkey`);
  await query(
    `insert into ${table} (key, print) select md5('${table}' || i)::uuid, i from generate_series(1, $1::bigint) i`,
    [count],
  );
  await query(`alter table ${table} add primary key (key) with (fillfactor = 70)`);
}

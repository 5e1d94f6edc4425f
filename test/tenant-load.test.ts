import pg from "pg";
import { openWorld, type World } from "./support/tenant-probes/world.ts";

/** Minutes of this: `LOAD_SECONDS=300`. */
const SECONDS = Number(process.env["LOAD_SECONDS"] ?? 4);
const LANES = 4;

let world: World;
const pools: pg.Pool[] = [];

beforeAll(async () => {
  world = await openWorld();
});

afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await world.drop();
});

/** The word in every row of a tenant's; it stays, whatever else changes. */
interface Side {
  readonly tenant: string;
  readonly word: string;
  readonly login: pg.Pool;
}

interface Seen {
  own: number;
  foreign: string[];
  refused: number;
  calls: number;
}

const pick = <T>(all: readonly T[]): T => all[Math.floor(Math.random() * all.length)] as T;

/** Statements of all kinds, as a customer or as the vendor within the tenant would send them. */
const statements = (word: string): readonly string[] => [
  "select item from orders",
  "select item from orders order by n desc limit 5",
  "select string_agg(item, ' ') as item from orders",
  "select o.item from orders o join visits v using (tenant_id)",
  "select item from order_list",
  `insert into orders (id, item) values (gen_random_uuid(), '${word} new') returning item`,
  `update orders set item = '${word} ' || md5(random()::text) where n % 3 = 1 returning item`,
  "delete from orders where n % 7 = 3 returning item",
  `insert into orders (id, item) select id, item from orders limit 1 on conflict (tenant_id, id) do update set item = '${word} again' returning item`,
  "with gone as (delete from orders where n % 11 = 5 returning item) select item from gone",
  "select item::int from orders",
  "select item from orders where tenant_id <> (select max(tenant_id) from orders)",
];

function note(seen: Seen, word: string, rows: readonly { item?: string | null }[]): void {
  for (const { item } of rows) {
    if (item === null || item === undefined) continue;
    if (
      item
        .split(/\s/)
        .filter((part) => part.startsWith("word-"))
        .every((part) => part === word)
    )
      seen.own += 1;
    else seen.foreign.push(item);
  }
}

/** One lane: a random one of the two tenants each time, by its own login or through the vendor's shared connections. */
async function work(sides: readonly Side[], vendor: pg.Pool, seen: Seen, until: number): Promise<void> {
  while (performance.now() < until) {
    const { tenant, word, login } = pick(sides);
    const sql = pick(statements(word));
    const byVendor = Math.random() < 0.5;
    const client = await (byVendor ? vendor : login).connect();
    try {
      await client.query(byVendor ? `begin; select set_config('app.tenant_id', '${tenant}', true)` : "begin");
      note(seen, word, (await client.query(sql)).rows);
      if (Math.random() < 0.2) throw new Error("as planned");
      await client.query("commit");
    } catch (fault) {
      // A word in an error is seen as much as one in a row.
      const text = fault instanceof pg.DatabaseError ? `${fault.message} ${fault.detail ?? ""}` : "";
      note(seen, word, [{ item: text.replaceAll('"', " ") }]);
      seen.refused += 1;
      await client.query("rollback");
    } finally {
      seen.calls += 1;
      client.release();
    }
  }
}

async function load(sides: readonly Side[], vendor: pg.Pool, seconds: number): Promise<Seen> {
  const seen: Seen = { own: 0, foreign: [], refused: 0, calls: 0 };
  const until = performance.now() + seconds * 1_000;
  await Promise.all(Array.from({ length: LANES }, () => work(sides, vendor, seen, until)));
  return seen;
}

async function twoSides(): Promise<readonly Side[]> {
  const sides = [world.a.pool, world.b.pool].map(({ id, url }, n) => {
    const login = new pg.Pool({ connectionString: url, max: 2 });
    pools.push(login);
    return { tenant: id, word: `word-${n}`, login };
  });
  for (const { tenant, word } of sides) {
    await world.look(`delete from lines; delete from orders where tenant_id = '${tenant}'; update visits set word = 'x';
      insert into orders select '${tenant}', gen_random_uuid(), '${word} ' || g from generate_series(1, 40) g`);
  }
  return sides;
}

test(`two tenants under random load on one pool for ${SECONDS} s never see a row of the other's`, async () => {
  const sides = await twoSides();
  const vendor = new pg.Pool({ connectionString: world.place.vendor.url, max: 2 });
  pools.push(vendor);
  const seen = await load(sides, vendor, SECONDS);
  if (process.env["LOAD_SECONDS"] !== undefined) {
    const { calls, own, refused, foreign } = seen;
    process.stderr.write(
      `${calls} calls, ${own} rows of their own, ${foreign.length} of the other's, ${refused} refused\n`,
    );
  }
  expect(seen.foreign).toEqual([]);
  expect(seen.own).toBeGreaterThan(seen.calls);
  expect(seen.calls).toBeGreaterThan(50);
  const mixed = await world.look<{ count: number }>(
    `select count(*)::int as count from orders where (tenant_id, split_part(item, ' ', 1)) not in (${sides
      .map(({ tenant, word }) => `('${tenant}', '${word}')`)
      .join(", ")})`,
  );
  expect(mixed).toEqual([{ count: 0 }]);

  // So that this can fail: without the wall it is seen at once.
  await world.look("alter table orders disable row level security");
  expect((await load(sides, vendor, 1)).foreign.length).toBeGreaterThan(0);
}, 3_600_000);

import type pg from "pg";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { type Pooler, poolerIsHere, startPooler, throughPooler } from "./support/pgbouncer.ts";
import { plantRows, probe } from "./support/probes.ts";
import { tableProbes } from "./support/table-probes.ts";
import { open } from "./support/tenant-server.ts";
import type { WalledTable } from "./support/walled-table.ts";

// The probes are numbered. These run on each of our own tables; the others are in isolation-walls.test.ts, and those of
// a customer's own login in tenant-probes-*.test.ts.
const numbers = [...new Set(tableProbes.map(({ n }) => n))];
const titles = numbers.map((n) => {
  const all = tableProbes.filter((one) => one.n === n).map(({ what }) => what);
  return [n, all.join(", ")] as const;
});
const tenants = { a: mintTenantId(), b: mintTenantId() };

let home: TestDatabase;
let superuser: pg.Client;
let tables: readonly WalledTable[];

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
  tables = await plantRows(superuser, tenants);
});

afterAll(async () => {
  await superuser.end();
  await home.drop();
});

describe("as the serving role, tenant a", () => {
  let app: pg.Client;
  beforeAll(async () => {
    app = await open(home.appUrl);
  });
  afterAll(() => app.end());

  test.each(titles)("probe %i finds nothing of b in any table: %s", async (n) => {
    expect(await probe(app, tables, tenants, { n })).toEqual([]);
  });

  test("probe 5 does not wait for a row of b that b has locked", async () => {
    await superuser.query("begin");
    for (const { name, tenantColumn } of tables) {
      await superuser.query(`select from ${name} where ${tenantColumn} = '${tenants.b}' for update`);
    }
    expect(await probe(app, tables, tenants, { n: 5 })).toEqual([]);
    await superuser.query("rollback");
  });
});

(poolerIsHere ? describe : describe.skip)(throughPooler, () => {
  let pooler: Pooler;
  let app: pg.Client;
  beforeAll(async () => {
    pooler = await startPooler([home.appUrl]);
    app = await open(pooler.behind(home.appUrl));
  });
  afterAll(async () => {
    await app.end();
    await pooler.stop();
  });

  test.each(titles)("probe %i finds nothing of b in any table: %s", async (n) => {
    expect(await probe(app, tables, tenants, { n })).toEqual([]);
  });

  test("a setting that outlives its transaction would be seen by the next: ours never does", async () => {
    const clients = await Promise.all(Array.from({ length: 6 }, () => open(pooler.behind(home.appUrl))));
    const count = "select count(*)::int as count from tenants";
    const scoped = async (client: pg.Client, tenant: string) => {
      await client.query(`begin; select set_config('app.tenant_id', '${tenant}', true)`);
      const { rows } = await client.query("select id from tenants");
      await client.query("commit");
      return rows.map(({ id }) => id).join();
    };
    for (let round = 0; round < 20; round += 1) {
      const tenant = (n: number) => ((n + round) % 2 === 0 ? tenants.a : tenants.b);
      expect(await Promise.all(clients.map((client, n) => scoped(client, tenant(n))))).toEqual(
        clients.map((_, n) => tenant(n)),
      );
      const left = await Promise.all(clients.map(async (client) => (await client.query(count)).rows[0]));
      expect(left).toEqual(clients.map(() => ({ count: 0 })));
    }
    // So that this can fail: a session's setting does bleed.
    await clients[0]?.query(`select set_config('app.tenant_id', '${tenants.b}', false)`);
    const bled = await Promise.all(
      clients.map(async (client) => {
        const counts: number[] = [];
        for (let time = 0; time < 10; time += 1) counts.push((await client.query(count)).rows[0].count);
        return counts;
      }),
    );
    expect(bled.flat()).toContain(1);
    await Promise.all(clients.map((client) => client.end()));
  });
});

describe("the same probes", () => {
  /** A column that may not be null holds by itself. */
  const decisive = titles.filter(([n]) => n !== 9);
  let holed: pg.Client;
  let without: readonly WalledTable[];

  beforeAll(async () => {
    const name = tables.find((one) => one.name === "owed_calls")?.name;
    await superuser.query(`alter table ${name} disable row level security; alter table ${name} owner to stallholder_app;
      create unique index felt on ${name} (sequence); analyze ${name}`);
    without = tables.filter((one) => one.name === name);
    holed = await open(home.appUrl);
  });
  afterAll(() => holed.end());

  test.each(decisive)("probe %i notices a table without wall, whose owner serves, unique over all: %s", async (n) => {
    const faults = await probe(holed, without, tenants, { n });
    expect(faults.length).toBeGreaterThan(0);
  });
});

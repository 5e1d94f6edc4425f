import type pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import { isolate, type Store, servingRole } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { bothWays } from "./support/pgbouncer.ts";
import { plantRows } from "./support/probes.ts";
import { open } from "./support/tenant-server.ts";
import type { WalledTable } from "./support/walled-table.ts";

// The probes of the one way in, `asTenant`; their numbers go on those of isolation-probes.test.ts.
const [a, b] = [mintTenantId(), mintTenantId()];
let home: TestDatabase;
let superuser: pg.Client;
let tables: readonly WalledTable[];
/** A thousand tenants, each with a row in one of the tables. */
let homes: readonly { readonly tenant: string; readonly table: WalledTable }[];

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
  const all = await plantRows(superuser, { a, b });
  tables = all.filter(({ unique, keys, tenantColumn }) => !unique && keys.includes(tenantColumn));
  homes = Array.from({ length: 1_000 }, (_, n) => ({ tenant: mintTenantId(), table: oneOf(tables, n) }));
  await superuser.query("set session_replication_role = replica");
  for (const table of tables) {
    const { name, tenantColumn } = table;
    await superuser.query(
      `insert into ${name} select (jsonb_populate_record(x, jsonb_build_object('${tenantColumn}', m))).* from ${name} x, unnest($1::text[]) m
       where x.${tenantColumn} = $2`,
      [homes.flatMap((one) => (one.table === table ? [one.tenant] : [])), a],
    );
  }
  await superuser.query("set session_replication_role = default; analyze");
});

afterAll(async () => {
  await superuser.end();
  await home.drop();
});

/** Minutes of this with ISOLATION_CALLS=1000000. */
const CALLS = Number(process.env["ISOLATION_CALLS"] ?? 1_000);

interface WayIn {
  readonly database: Database;
  readonly store: Store;
}

async function wayIn(url: string, connections: number): Promise<WayIn> {
  const database = connect({ url, connections });
  return { database, store: isolate(database, await servingRole(database)) };
}

function oneOf<T>(list: readonly T[], n = Math.floor(Math.random() * list.length)): T {
  const chosen = list[n % list.length];
  if (chosen === undefined) throw new Error("There is nothing to choose from.");
  return chosen;
}

/** Calls of random tenants, some of which throw or lose their connection, on their tables: what they saw. */
async function seenBy({ database, store }: WayIn, calls: number, among: typeof homes) {
  const seen = { foreign: 0, empty: 0, done: 0, thrown: 0, lost: 0 };
  const one = async (): Promise<void> => {
    const { tenant, table } = oneOf(among);
    const { name, tenantColumn } = table;
    const fate = Math.random();
    try {
      await store.asTenant(tenant, async (tx) => {
        const rows = await tx.query<{ whose: string }>(`select ${tenantColumn} as whose from ${name}`);
        seen.foreign += rows.filter(({ whose }) => whose !== tenant).length;
        if (rows.length === 0) seen.empty += 1;
        if (fate < 0.3) throw new Error("as planned");
        if (fate < 0.31) await tx.query("select pg_terminate_backend(pg_backend_pid())").catch(() => undefined);
        seen.done += 1;
      });
    } catch (fault) {
      if ((fault as Error).message === "as planned") seen.thrown += 1;
      else seen.lost += 1;
    }
    const [left] = await database
      .run<{ count: number }>({ text: `select count(*)::int as count from ${name}` })
      .catch(() => []);
    seen.foreign += left?.count ?? 0;
  };
  const lanes = Math.min(20, calls);
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let n = 0; n < calls / lanes; n += 1) await one();
    }),
  );
  return seen;
}

bothWays(
  () => home.appUrl,
  (url) => {
    test(`probe 39: ${CALLS} calls of a thousand tenants on five connections, some of which throw or are killed, see no foreign row`, async () => {
      const way = await wayIn(url(), 5);
      const seen = await seenBy(way, CALLS, homes);
      await way.database.close();
      expect([seen.foreign, seen.empty]).toEqual([0, 0]);
      expect(seen.thrown).toBeGreaterThan(CALLS / 10);
      expect(seen.done).toBeGreaterThan(CALLS / 3);
    }, 3_600_000);

    test("probe 39 notices whichever table is without its wall", async () => {
      const way = await wayIn(url(), 5);
      expect(tables.length).toBeGreaterThan(5);
      for (const table of tables) {
        await superuser.query(`alter table ${table.name} disable row level security`);
        const theirs = homes.filter((one) => one.table === table);
        const { foreign } = await seenBy(way, 1, theirs);
        await superuser.query(`alter table ${table.name} enable row level security`);
        expect([table.name, foreign >= theirs.length]).toEqual([table.name, true]);
      }
      await way.database.close();
    });

    test("probe 40: one connection serves many at once without hanging", async () => {
      const { database, store } = await wayIn(url(), 1);
      const counts = await Promise.all(
        Array.from({ length: 30 }, () => store.asTenant(a, (tx) => tx.query("select from tenants"))),
      );
      expect(counts.map((rows) => rows.length)).toEqual(Array.from({ length: 30 }, () => 1));
      await database.close();
    });
  },
);

test("probe 41: three hundred texts that are no id never reach the database", async () => {
  const tails = [
    "'",
    "';",
    "'; drop table tenants; --",
    "', true)--",
    "\\",
    "\0",
    "%",
    "\n",
    "/*",
    "$$",
    " ",
    "\u0000'",
    "𝒶",
    "é",
    "|",
  ];
  const vectors = tails.flatMap((tail) => [
    ...[
      tail,
      `${a}${tail}`,
      `${tail}${a}`,
      `${a.slice(0, 13)}${tail}${a.slice(13)}`,
      `${a.slice(0, -tail.length)}${tail}`,
    ],
    ...[
      a.toUpperCase() + tail,
      `${a}${tail}${b}`,
      `${tail}${tail}`,
      `0${a.slice(1)}${tail}`,
      `${a.slice(0, 25)}1${tail}`,
    ],
    ...[`${a} or 1=1${tail}`, `(select '${b}')${tail}`, `${a}::text${tail}`, `E'${b}${tail}`, `${a}\r${tail}`],
    ...[`${a}\t${tail}`, `-${a}${tail}`, `${a.slice(1)}${tail}`, `${b}${a}${tail}`, `${a.replace(/./, "A")}${tail}`],
  ]);
  expect(vectors).toHaveLength(300);
  const deaf: Database = {
    run: () => Promise.reject(new Error("It reached the database.")),
    listen: () => async () => undefined,
    close: async () => undefined,
    transaction: () => Promise.reject(new Error("It reached the database.")),
  };
  const counting = isolate(deaf, { role: null });
  for (const vector of vectors) {
    await expect(counting.asTenant(vector, async () => undefined)).rejects.toMatchObject({ code: "tenant_not_found" });
  }
  await expect(counting.asTenant(a, async () => undefined)).rejects.toThrow("It reached");
});

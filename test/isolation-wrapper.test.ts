import type pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import { isolate, type Store, servingRole } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { plantRows } from "./support/probes.ts";
import { open } from "./support/tenant-server.ts";

// The probes of the one way in, `asTenant`; their numbers go on those of isolation-probes.test.ts.
const [a, b] = [mintTenantId(), mintTenantId()];
let home: TestDatabase;
let superuser: pg.Client;
let database: Database;
let store: Store;

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
  await plantRows(superuser, { a, b });
  database = connect({ url: home.appUrl, connections: 5 });
  store = isolate(database, await servingRole(database));
});

afterAll(async () => {
  await Promise.all([superuser.end(), database.close()]);
  await home.drop();
});

/** Minutes of this with ISOLATION_CALLS=1000000. */
const CALLS = Number(process.env["ISOLATION_CALLS"] ?? 1_000);

test(`probe 39: ${CALLS} calls of a thousand tenants on five connections, some of which throw or are killed, see no foreign row`, async () => {
  const many = Array.from({ length: 1_000 }, () => mintTenantId());
  await superuser.query("set session_replication_role = replica");
  await superuser.query(
    `insert into owed_calls select (jsonb_populate_record(x, jsonb_build_object('tenant_id', m))).* from owed_calls x, unnest($1::text[]) m
     where x.tenant_id = $2`,
    [many, a],
  );
  await superuser.query("set session_replication_role = default");
  const lanes = 20;
  const seen = { foreign: 0, empty: 0, done: 0, thrown: 0, lost: 0 };
  const one = async (): Promise<void> => {
    const tenant = many[Math.floor(Math.random() * many.length)] ?? a;
    const fate = Math.random();
    try {
      await store.asTenant(tenant, async (tx) => {
        const rows = await tx.query<{ tenant_id: string }>("select tenant_id from owed_calls");
        seen.foreign += rows.filter((row) => row.tenant_id !== tenant).length;
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
      .run<{ count: number }>({ text: "select count(*)::int as count from owed_calls" })
      .catch(() => []);
    seen.foreign += left?.count ?? 0;
  };
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      for (let n = 0; n < CALLS / lanes; n += 1) await one();
    }),
  );
  expect(seen.foreign).toBe(0);
  expect(seen.empty).toBe(0);
  expect(seen.thrown).toBeGreaterThan(CALLS / 10);
  expect(seen.done).toBeGreaterThan(CALLS / 3);
}, 3_600_000);

test("probe 40: one connection serves many at once without hanging", async () => {
  const narrow = connect({ url: home.appUrl, connections: 1 });
  const single = isolate(narrow, await servingRole(narrow));
  const counts = await Promise.all(
    Array.from({ length: 30 }, () => single.asTenant(a, (tx) => tx.query("select from tenants"))),
  );
  expect(counts.map((rows) => rows.length)).toEqual(Array.from({ length: 30 }, () => 1));
  await narrow.close();
});

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
  const deaf: Database = { ...database, transaction: () => Promise.reject(new Error("It reached the database.")) };
  const counting = isolate(deaf, { role: null });
  for (const vector of vectors) {
    await expect(counting.asTenant(vector, async () => undefined)).rejects.toMatchObject({ code: "tenant_not_found" });
  }
  await expect(counting.asTenant(a, async () => undefined)).rejects.toThrow("It reached");
});

import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import { isolate, servingRole } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { bothWays } from "./support/pgbouncer.ts";
import { plantRows } from "./support/probes.ts";
import { open } from "./support/tenant-server.ts";
import { refusal, rowsOf, type WallProbe, type Walls, wallProbes } from "./support/wall-probes.ts";
import type { WalledTable } from "./support/walled-table.ts";

// The probes that are not run on each table by itself; their numbers go on those of isolation-probes.test.ts.
const tenants = { a: mintTenantId(), b: mintTenantId() };
const { a, b } = tenants;
const titled = wallProbes.map((probe) => [probe.n, probe.what, probe] as const);
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

const list = async (sql: string): Promise<string[]> => {
  const { rows } = await superuser.query<[string]>({ text: sql, rowMode: "array" });
  return rows.map(([first]) => first);
};

const unwalled = ({ name }: WalledTable) => `alter table ${name} disable row level security`;
const walled = ({ name }: WalledTable) => `alter table ${name} enable row level security`;
const literal = (row: object): string => pg.escapeLiteral(JSON.stringify(row));

/** What the serving role has there while the tests around it run. */
function wallsAt(url: () => string): () => Walls {
  let database: Database;
  let walls: Walls;
  beforeAll(async () => {
    database = connect({ url: url(), connections: 5 });
    const store = isolate(database, await servingRole(database));
    walls = { tenants, tables, superuser, app: await open(url()), url: url(), store };
  });
  afterAll(async () => {
    await Promise.all([walls.app.end(), database.close()]);
  });
  return () => walls;
}

bothWays(
  () => home.appUrl,
  (url) => {
    const walls = wallsAt(url);

    test.each(titled)("probe %s: %s", async (_n, _what, { run }) => {
      expect(await run(walls())).toEqual([]);
    });

    test("probe 13: a reference to b's row and one to none are refused alike", async () => {
      const { rows } = await superuser.query<{ table: string; columns: string[] }>(
        `select conrelid::regclass::text as table, array(select attname::text from pg_attribute
           where attrelid = conrelid and attnum = any(conkey)) as columns
         from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace and conparentid = 0`,
      );
      let compared = 0;
      for (const { table, columns } of rows) {
        const known = tables.find(({ name }) => name === table);
        if (known === undefined || columns.length < 2) continue;
        const own = { ...known.theirs, [known.tenantColumn]: a };
        const strange = { ...own };
        for (const column of columns.filter((name) => name !== known.tenantColumn)) {
          const value = own[column as keyof typeof own] as unknown;
          Object.assign(strange, { [column]: typeof value === "number" ? value + 1_000_000 : crypto.randomUUID() });
        }
        const insert = (row: object) =>
          `insert into ${table} select * from jsonb_populate_record(null::${table}, ${literal(row)})`;
        expect(await refusal(walls(), insert(own))).toBe(await refusal(walls(), insert(strange)));
        compared += 1;
      }
      expect(compared).toBeGreaterThan(1);
    });

    test("probe 36: whoever holds our advisory lock holds nobody up", async () => {
      const { app, store } = walls();
      await app.query("begin; select pg_advisory_lock(7355609)");
      const call = `[{"marketplace": "x", "kind": "x", "lane": "x"}]`;
      await store.asTenant(b, (tx) => tx.query("select owe_calls($1, $2, now())", [b, call]));
      await app.query("select pg_advisory_unlock_all(); rollback");
    });
  },
);

test("probe 14: all of b goes, and nothing of a", async () => {
  const before = await rowsOf({ tables, superuser }, a);
  await superuser.query("begin");
  for (const { name, tenantColumn } of [...tables, ...tables]) {
    await superuser.query("savepoint one");
    await superuser
      .query(`delete from ${name} where ${tenantColumn} = '${b}'`)
      .catch(() => superuser.query("rollback to one"));
  }
  expect(await list(`select id from tenants where id = '${b}'`)).toEqual([]);
  expect(await rowsOf({ tables, superuser }, a)).toBe(before);
  await superuser.query("rollback");
});

test("probe 21: there are no views at all", async () => {
  expect(
    await list(
      "select relname::text from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace",
    ),
  ).toEqual([]);
});

test("probes 27, 31: no statement of ours keeps a cursor beyond its transaction, sets for a session, or explains", async () => {
  const files = [
    ...(await readdir("src", { recursive: true }))
      .filter((name) => name.endsWith(".ts"))
      .map((name) => join("src", name)),
    ...(await readdir("migrations")).map((name) => join("migrations", name)),
  ];
  expect(files.length).toBeGreaterThan(100);
  const banned = [
    /\bwith\s+hold\b/i,
    /set_config\([^)]*,\s*false\s*\)/i,
    /\bset\s+(session\s+)?app\.\w+\s*(=|to\b)/i,
    /[`"']\s*explain\s+(analyze|\(|select)/i,
  ];
  for (const file of files) {
    const text = await readFile(file, "utf8");
    for (const pattern of banned) expect([file, pattern.exec(text)?.[0]]).toEqual([file, undefined]);
  }
});

test("probe 35: no channel carries anything but a wake-up", async () => {
  const texts = await Promise.all(
    (await readdir("migrations")).map((name) => readFile(join("migrations", name), "utf8")),
  );
  const sent = texts.flatMap((text) =>
    [...text.matchAll(/pg_notify\(([^)]*)\)|^\s*notify\b.*/gim)].map(([, what]) => what),
  );
  expect(new Set(sent)).toEqual(new Set(["'stallholder_due', ''"]));
});

describe("the same probes", () => {
  const walls = wallsAt(() => home.appUrl);
  const probeOf = (number: string): WallProbe => {
    const probe = wallProbes.find(({ n }) => n === number);
    if (probe === undefined) throw new Error(`There is no probe ${number}.`);
    return probe;
  };
  /** What it finds while the flaw is there. */
  const noticed = async (number: string, some: Partial<Walls>, flaw: string, mend: string) => {
    await superuser.query(flaw);
    const faults = await probeOf(number).run({ ...walls(), ...some });
    await superuser.query(mend);
    return faults;
  };

  test.each(["22", "24, 25", "28", "29", "32", "37", "38"])(
    "probe %s notices a serving role whom nothing binds",
    async (number) => {
      const app = await open(home.superuserUrl);
      const faults = await probeOf(number).run({ ...walls(), app, url: home.superuserUrl });
      await app.end();
      expect(faults).not.toEqual([]);
    },
  );

  test("probe 29 notices each table without its wall", async () => {
    for (const table of tables) {
      const faults = await noticed("29", { tables: [table] }, unwalled(table), walled(table));
      expect(faults).toContainEqual(expect.stringMatching(`^${table.name} told .*${b}`));
    }
  });

  test("probe 23 notices a function that reads a table without its wall", async () => {
    const table = tables.find(({ theirs }) => JSON.stringify(theirs).includes('"secret '));
    if (table === undefined) throw new Error("No table holds a secret.");
    const faults = await noticed(
      "23",
      {},
      `${unwalled(table)};
       create function tells() returns setof text language sql stable as 'select to_jsonb(t)::text from ${table.name} t';
       grant execute on function tells() to stallholder_app`,
      `drop function tells(); ${walled(table)}`,
    );
    expect(faults).toEqual([expect.stringMatching(/^tells answered/)]);
  });

  test("probe 34 notices a store that writes values into its statements", async () => {
    const { store } = walls();
    const careless: Walls["store"] = {
      ...store,
      asTenant: (tenant, work) =>
        store.asTenant(tenant, (tx) =>
          work({ ...tx, query: (text, [value] = []) => tx.query(text.replace("$1", `'${value}'`)) }),
        ),
    };
    const faults = await probeOf("34").run({ ...walls(), store: careless });
    expect(faults).toEqual([expect.stringContaining("literal-")]);
  });

  test("probe 46 notices each table without its wall that the writer of usage may read", async () => {
    for (const table of tables) {
      const faults = await noticed(
        "46",
        { tables: [table] },
        `${unwalled(table)}; grant select on ${table.name} to usage_writer`,
        `${walled(table)}; revoke select on ${table.name} from usage_writer`,
      );
      expect(faults).toContain(`select from ${table.name} gave what it asked for`);
    }
  });
});

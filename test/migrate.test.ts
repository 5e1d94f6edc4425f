import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import pg from "pg";
import { migrate, migrationFiles, pendingMigrations } from "../src/db/migrate.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";

let home: TestDatabase;
let superuser: pg.Client;

beforeAll(async () => {
  home = await ownDatabase();
  superuser = new pg.Client({ connectionString: home.superuserUrl });
  await superuser.connect();
});

afterAll(async () => {
  await closeProxies();
  await superuser.end();
  await home.drop();
});

describe("migrate", () => {
  async function emptyDatabase(): Promise<TestDatabase> {
    const empty = await ownDatabase();
    const client = new pg.Client({ connectionString: empty.superuserUrl });
    await client.connect();
    await client.query(
      "drop schema public, usage_days, reporting cascade; create schema public authorization pg_database_owner",
    );
    await client.end();
    return empty;
  }

  test("called by four at once on an empty database runs every file once, and after that nothing", async () => {
    const empty = await emptyDatabase();
    const url = empty.ownerUrl;
    const ran = await Promise.all(Array.from({ length: 4 }, () => migrate({ url })));
    expect(ran.filter((names) => names.length > 0)).toEqual([await migrationFiles()]);
    expect([await migrate({ url }), await pendingMigrations({ url })]).toEqual([[], []]);
    await empty.drop();
  });

  test("passes the lock that a killed process left", async () => {
    const empty = await emptyDatabase();
    const url = empty.ownerUrl;
    expect(await pendingMigrations({ url })).toEqual(await migrationFiles());
    const client = new pg.Client({ connectionString: url });
    await client.connect();
    await client.query("insert into migrations_lock (is_locked) values (1)");
    expect(await migrate({ url })).toEqual(await migrationFiles());
    await client.end();
    await empty.drop();
  });

  test("goes on when it loses the connection that holds its lock", async () => {
    const empty = await emptyDatabase();
    const folder = await mkdtemp(join(tmpdir(), "stallholder-migrations-"));
    await writeFile(join(folder, "0001_slow.sql"), "select pg_sleep(0.5);");
    const migrating = migrate({ url: empty.ownerUrl, folder: pathToFileURL(`${folder}/`) });
    const holders = "select pg_terminate_backend(pid) from pg_stat_activity where datname = $1 and query ~ 'advisory'";
    while ((await superuser.query(holders, [empty.name])).rowCount === 0) await sleep(20);
    expect(await migrating).toEqual(["0001_slow.sql"]);
    await rm(folder, { recursive: true });
    await empty.drop();
  });

  test.each([
    ["is not there", "postgres://nobody@127.0.0.1:1/nothing"],
    ["goes away meanwhile", undefined],
  ])("says that the service is unavailable when the database %s", async (_, absent) => {
    const empty = await emptyDatabase();
    const proxy = await pgProxy(empty.ownerUrl);
    proxy.cut({ statement: "create table tenants", when: "before" });
    await expect(migrate({ url: absent ?? proxy.url })).rejects.toMatchObject({ code: "unavailable" });
    expect(proxy.cuts).toBe(absent === undefined ? 1 : 0);
    await empty.drop();
  });

  test("names the file with an error and rolls back all it was about to do", async () => {
    const empty = await emptyDatabase();
    const folder = await mkdtemp(join(tmpdir(), "stallholder-migrations-"));
    await writeFile(join(folder, "0001_good.sql"), "create table good (id text);");
    await writeFile(join(folder, "0002_bad.sql"), "create table half (id text);\nselect nonsense();\n");
    const broken = migrate({ url: empty.ownerUrl, folder: pathToFileURL(`${folder}/`) });
    await expect(broken).rejects.toThrow(/^Migration 0002_bad.sql failed and was rolled back: .*nonsense/);
    const client = new pg.Client({ connectionString: empty.ownerUrl });
    await client.connect();
    const { rows } = await client.query("select to_regclass('good') as good, to_regclass('half') as half");
    expect(rows).toEqual([{ good: null, half: null }]);
    expect(await migrate({ url: empty.ownerUrl })).toEqual(await migrationFiles());
    await client.end();
    await rm(folder, { recursive: true });
    await empty.drop();
  });
});

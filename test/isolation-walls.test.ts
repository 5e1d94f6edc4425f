import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { connect, type Database } from "../src/db/db.ts";
import { isolate, type Store, servingRole } from "../src/isolation/isolation.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { onDatabase, ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { plantRows } from "./support/probes.ts";
import { open } from "./support/tenant-server.ts";
import type { WalledTable } from "./support/walled-table.ts";

// The probes that are not run on each table by itself; their numbers go on those of isolation-probes.test.ts.
const [a, b] = [mintTenantId(), mintTenantId()];
let home: TestDatabase;
let superuser: pg.Client;
let app: pg.Client;
let database: Database;
let store: Store;
let tables: readonly WalledTable[];

beforeAll(async () => {
  home = await ownDatabase();
  [superuser, app] = [await open(home.superuserUrl), await open(home.appUrl)];
  tables = await plantRows(superuser, { a, b });
  database = connect({ url: home.appUrl, connections: 5 });
  store = isolate(database, await servingRole(database));
});

afterAll(async () => {
  await Promise.all([superuser.end(), app.end(), database.close()]);
  await home.drop();
});

/** The code of a refusal, or undefined. */
async function refusal(client: pg.Client, sql: string): Promise<string | undefined> {
  try {
    await client.query(`begin; select set_config('app.tenant_id', '${a}', true)`);
    await client.query(sql);
    return undefined;
  } catch (fault) {
    return (fault as pg.DatabaseError).code;
  } finally {
    await client.query("rollback");
  }
}

async function list(sql: string, client = superuser): Promise<string[]> {
  const { rows } = await client.query<[string]>({ text: sql, rowMode: "array" });
  return rows.map(([first]) => first);
}

const rowsOf = async (tenant: string): Promise<string> => {
  const all = [];
  for (const { name, tenantColumn } of tables) {
    all.push(await list(`select to_jsonb(t)::text from ${name} t where ${tenantColumn} = '${tenant}'`));
  }
  return JSON.stringify(all);
};

const literal = (row: object): string => pg.escapeLiteral(JSON.stringify(row));

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
    expect(await refusal(app, insert(own))).toBe(await refusal(app, insert(strange)));
    compared += 1;
  }
  expect(compared).toBeGreaterThan(1);
});

test("probe 14: all of b goes, and nothing of a", async () => {
  const before = await rowsOf(a);
  await superuser.query("begin");
  for (const { name, tenantColumn } of [...tables, ...tables]) {
    await superuser.query("savepoint one");
    await superuser
      .query(`delete from ${name} where ${tenantColumn} = '${b}'`)
      .catch(() => superuser.query("rollback to one"));
  }
  expect(await list(`select id from tenants where id = '${b}'`)).toEqual([]);
  expect(await rowsOf(a)).toBe(before);
  await superuser.query("rollback");
});

test("probe 21: there are no views at all", async () => {
  expect(
    await list(
      "select relname::text from pg_class where relkind in ('v', 'm') and relnamespace = 'public'::regnamespace",
    ),
  ).toEqual([]);
});

test("probe 22: no partition is read by its name", async () => {
  const leaves = await list(
    "select c.oid::regclass::text from pg_class c where relispartition and relkind in ('r', 'p')",
  );
  expect(leaves.length).toBeGreaterThan(0);
  for (const leaf of leaves) expect(await refusal(app, `select from ${leaf}`)).toBe("42501");
});

test("probe 23: no function that is no door tells or changes anything of b", async () => {
  const { rows } = await superuser.query<{ name: string; types: string[] }>(
    `select p.proname as name, array(select format_type(t, null) from unnest(p.proargtypes) t) as types from pg_proc p
     where p.pronamespace = 'public'::regnamespace and not p.prosecdef and p.prorettype <> 'trigger'::regtype
       and has_function_privilege('stallholder_app', p.oid, 'execute')`,
  );
  expect(rows.length).toBeGreaterThan(2);
  const before = await rowsOf(b);
  const made: Readonly<Record<string, string>> = {
    text: `'${b}'`,
    jsonb: "'[]'",
    "timestamp with time zone": "now()",
    integer: "1",
  };
  for (const { name, types } of rows) {
    const call = `select ${name}(${types.map((type) => `${made[type] ?? "null"}::${type}`).join(", ")}) as answer`;
    await app.query(`begin; select set_config('app.tenant_id', '${a}', true)`);
    const answer = await app.query(call).catch(() => ({ rows: [] }));
    await app.query("commit").catch(() => app.query("rollback"));
    for (const { theirs } of tables) {
      const secrets = Object.values(theirs).filter((value) => typeof value === "string" && value.startsWith("secret "));
      for (const secret of secrets) expect(JSON.stringify(answer.rows)).not.toContain(secret);
    }
  }
  expect(await rowsOf(b)).toBe(before);
});

test("probes 24, 25: no role can be taken but that of the usage writer, and no session", async () => {
  const roles = await list(
    // Other tests make and drop such roles on this server meanwhile.
    "select quote_ident(rolname) from pg_roles where rolname not in ('stallholder_app', 'usage_writer') and rolname !~ '_[a-z][a-z2-7]{25}'",
  );
  for (const role of roles) {
    expect(await refusal(app, `set role ${role}`)).toBe("42501");
    expect(await refusal(app, `set session authorization ${role}`)).toBe("42501");
  }
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

test("probe 28: nothing can be made that would be taken for ours", async () => {
  for (const sql of [
    "create temp table tenants (id text)",
    "create function pg_temp.this_tenant() returns text language sql as $$ select 'x' $$",
    "create function public.this_tenant(int) returns text language sql as $$ select 'x' $$",
    "create table usage_days.mine (id text)",
    "create operator public.= (function = texteq, leftarg = text, rightarg = text)",
  ]) {
    expect(await refusal(app, sql)).toBe("42501");
  }
});

test("probe 29: a leaky predicate that costs nothing is shown own rows only", async () => {
  await superuser.query(`create function leak(row_text text) returns boolean language plpgsql cost 0.0000001 as
    $$ begin raise notice '%', row_text; return true; end $$; grant execute on function leak to stallholder_app`);
  const seen: string[] = [];
  app.on("notice", ({ message }) => seen.push(message ?? ""));
  for (const { name } of tables) {
    expect(await refusal(app, `select from ${name} t where leak(t::text) and t::text like '%'`)).toBeUndefined();
  }
  expect(seen.length).toBeGreaterThan(8);
  expect(seen.filter((text) => text.includes(b))).toEqual([]);
});

test("probe 32: no sequence can be read or moved", async () => {
  const sequences = await list("select oid::regclass::text from pg_class where relkind = 'S'");
  for (const sequence of sequences) {
    expect(await refusal(app, `select last_value from ${sequence}`)).toBe("42501");
    expect(await refusal(app, `select setval('${sequence}', 1)`)).toBe("42501");
  }
});

test("probe 34: what another tenant's transaction asks is not in the list of sessions", async () => {
  const word = `literal-${crypto.randomUUID()}`;
  await store.asTenant(b, async (tx) => {
    await tx.query("select count(*) from tenants where name = $1", [word]);
    const { rows } = await app.query(
      "select query from pg_stat_activity where usename = current_user and pid <> pg_backend_pid()",
    );
    expect(rows.some(({ query }) => query.includes("where name = $1"))).toBe(true);
    expect(JSON.stringify(rows)).not.toContain(word);
  });
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

test("probe 36: whoever holds our advisory lock holds nobody up", async () => {
  await app.query("select pg_advisory_lock(7355609)");
  const call = `[{"marketplace": "x", "kind": "x", "lane": "x"}]`;
  await store.asTenant(b, (tx) => tx.query("select owe_calls($1, $2, now())", [b, call]));
  await app.query("select pg_advisory_unlock_all()");
});

test("probes 37, 38: other databases are closed, and files, programs and extensions", async () => {
  // On a given server they are its administrator's matter.
  for (const name of process.env["TEST_DATABASE_URL"] === undefined ? ["postgres", "template1"] : []) {
    await expect(open(onDatabase(home.appUrl, name))).rejects.toMatchObject({ code: "42501" });
  }
  for (const sql of [
    "copy (select 1) to program 'true'",
    "copy tenants from program 'true'",
    "copy (select 1) to '/tmp/x'",
    "select pg_read_file('/etc/hostname')",
    "select pg_ls_dir('.')",
    "select lo_import('/etc/hostname')",
    "create extension dblink",
    "create table mine (id int)",
    "load 'x'",
  ]) {
    expect([sql, await refusal(app, sql)]).toEqual([sql, expect.stringMatching(/^(42501|0A000|58P01)$/)]);
  }
});

test("probe 46: the role that stores usage reads and changes nothing else", async () => {
  await app.query("begin; set local role usage_writer");
  for (const { name } of tables) {
    await app.query("savepoint one");
    for (const sql of [`select from ${name}`, `update ${name} set tenant_id = tenant_id`, `delete from ${name}`]) {
      await expect(app.query(sql)).rejects.toMatchObject({ code: expect.stringMatching(/42501|42703/) });
      await app.query("rollback to one");
    }
  }
  await app.query("rollback");
});

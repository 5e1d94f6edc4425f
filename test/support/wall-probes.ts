import type pg from "pg";
import type { Store } from "../../src/isolation/isolation.ts";
import { onDatabase } from "./cluster.ts";
import { open } from "./tenant-server.ts";
import type { Tenants, WalledTable } from "./walled-table.ts";

/** Who probes, and what is probed. */
export interface Walls {
  readonly tenants: Tenants;
  readonly tables: readonly WalledTable[];
  readonly superuser: pg.Client;
  /** The serving role. */
  readonly app: pg.Client;
  /** Where it logs in. */
  readonly url: string;
  readonly store: Store;
}

/** A probe that is not run on each table by itself. */
export interface WallProbe {
  readonly n: string;
  readonly what: string;
  /** What went wrong, in words. */
  readonly run: (walls: Walls) => Promise<readonly string[]>;
}

/** Tries it as tenant a, and takes it back: the code of a refusal, or undefined. */
export async function refusal({ app, tenants }: Walls, sql: string): Promise<string | undefined> {
  try {
    await app.query(`begin; select set_config('app.tenant_id', '${tenants.a}', true)`);
    await app.query(sql);
    return undefined;
  } catch (fault) {
    return (fault as pg.DatabaseError).code;
  } finally {
    await app.query("rollback");
  }
}

/** Those that are not refused. */
async function unrefused(walls: Walls, statements: readonly string[], refused = /^42501$/): Promise<string[]> {
  const faults: string[] = [];
  for (const sql of statements) {
    const code = await refusal(walls, sql);
    if (code === undefined || !refused.test(code)) faults.push(`${sql} gave ${code ?? "what it asked for"}`);
  }
  return faults;
}

async function list({ superuser }: Walls, sql: string): Promise<readonly string[]> {
  const { rows } = await superuser.query<[string]>({ text: sql, rowMode: "array" });
  if (rows.length === 0) throw new Error(`There is nothing to probe: ${sql}`);
  return rows.map(([first]) => first);
}

/** Everything of one tenant's. */
export async function rowsOf({ tables, superuser }: Pick<Walls, "tables" | "superuser">, tenant: string) {
  const all: unknown[] = [];
  for (const { name, tenantColumn } of tables) {
    const { rows } = await superuser.query(
      `select to_jsonb(t)::text as row from ${name} t where ${tenantColumn} = '${tenant}'`,
    );
    all.push(rows);
  }
  return JSON.stringify(all);
}

const ARGUMENTS: Readonly<Record<string, string>> = {
  jsonb: "'[]'",
  "timestamp with time zone": "now()",
  integer: "1",
};

/** Calls every function that is no door, with b's id wherever a text is asked for. */
async function calls(walls: Walls): Promise<readonly string[]> {
  const { superuser, app, tables, tenants } = walls;
  const { rows } = await superuser.query<{ name: string; types: string[] }>(
    `select p.proname as name, array(select format_type(t, null) from unnest(p.proargtypes) t) as types from pg_proc p
     where p.pronamespace = 'public'::regnamespace and not p.prosecdef and p.prorettype <> 'trigger'::regtype
       and has_function_privilege('stallholder_app', p.oid, 'execute')`,
  );
  if (rows.length < 3) throw new Error("There are no functions to call.");
  const secrets = tables.flatMap(({ theirs }) =>
    Object.values(theirs).filter((value) => typeof value === "string" && value.startsWith("secret ")),
  );
  const before = await rowsOf(walls, tenants.b);
  const faults: string[] = [];
  for (const { name, types } of rows) {
    const given = types.map((type) => `${type === "text" ? `'${tenants.b}'` : (ARGUMENTS[type] ?? "null")}::${type}`);
    await app.query(`begin; select set_config('app.tenant_id', '${tenants.a}', true)`);
    const answer = await app.query(`select ${name}(${given.join(", ")}) as answer`).catch(() => ({ rows: [] }));
    await app.query("commit").catch(() => app.query("rollback"));
    const text = JSON.stringify(answer.rows);
    if (secrets.some((secret) => text.includes(String(secret)))) faults.push(`${name} answered ${text}`);
  }
  if ((await rowsOf(walls, tenants.b)) !== before) faults.push("A function changed what is b's.");
  return faults;
}

/** A function that tells its argument, in a predicate of every table. */
async function leaks(walls: Walls): Promise<readonly string[]> {
  const { superuser, app, tables, tenants } = walls;
  await superuser.query(`create or replace function leak(row_text text) returns boolean language plpgsql cost 0.0000001 as
    $$ begin raise notice '%', row_text; return true; end $$; grant execute on function leak to stallholder_app`);
  const told: string[] = [];
  const hear = ({ message }: { message?: string | undefined }) => told.push(message ?? "");
  app.on("notice", hear);
  const faults: string[] = [];
  for (const { name } of tables) {
    told.length = 0;
    const code = await refusal(walls, `select from ${name} t where leak(t::text) and t::text like '%'`);
    if (code !== undefined || told.length === 0) faults.push(`${name} told nothing: ${code}`);
    faults.push(...told.filter((text) => text.includes(tenants.b)).map((text) => `${name} told ${text}`));
  }
  app.off("notice", hear);
  await superuser.query("drop function leak");
  return faults;
}

/** What the list of sessions shows of a transaction of b's. */
async function sessions({ store, app, tenants }: Walls): Promise<readonly string[]> {
  const word = `literal-${crypto.randomUUID()}`;
  return store.asTenant(tenants.b, async (tx) => {
    await tx.query("select count(*) from tenants where name = $1", [word]);
    const { rows } = await app.query(
      "select query from pg_stat_activity where usename = 'stallholder_app' and pid <> pg_backend_pid()",
    );
    const asked: string[] = rows.map(({ query }) => query);
    if (!asked.some((text) => text.includes("from tenants where name = "))) return ["The session of b is not there."];
    return asked.filter((text) => text.includes(word));
  });
}

/** What the role that stores usage may do with the tables. */
async function usageWriter({ app, tables }: Walls): Promise<readonly string[]> {
  const faults: string[] = [];
  await app.query("begin; set local role usage_writer");
  for (const { name } of tables) {
    await app.query("savepoint one");
    for (const sql of [`select from ${name}`, `update ${name} set tenant_id = tenant_id`, `delete from ${name}`]) {
      const code = await app.query(sql).then(
        () => "what it asked for",
        (fault: pg.DatabaseError) => fault.code ?? "",
      );
      if (!/^(42501|42703)$/.test(code)) faults.push(`${sql} gave ${code}`);
      await app.query("rollback to one");
    }
  }
  await app.query("rollback");
  return faults;
}

/** Databases beside ours, which on a given server are its administrator's matter. */
async function otherDatabases({ url }: Walls): Promise<readonly string[]> {
  const faults: string[] = [];
  for (const name of process.env["TEST_DATABASE_URL"] === undefined ? ["postgres", "template1"] : []) {
    const answer = await open(onDatabase(url, name)).then(
      (client) => client.end().then(() => "it is open"),
      (fault: pg.DatabaseError) => fault.message,
    );
    if (!answer.includes(`permission denied for database "${name}"`)) faults.push(`${name}: ${answer}`);
  }
  return faults;
}

/** Each may be run again and again. */
export const wallProbes: readonly WallProbe[] = [
  {
    n: "22",
    what: "no partition is read by its name",
    run: async (walls) => {
      const leaves = await list(
        walls,
        "select c.oid::regclass::text from pg_class c where relispartition and relkind in ('r', 'p')",
      );
      return unrefused(
        walls,
        leaves.map((leaf) => `select from ${leaf}`),
      );
    },
  },
  { n: "23", what: "no function that is no door tells or changes anything of b", run: calls },
  {
    n: "24, 25",
    what: "no role can be taken but that of the usage writer, and no session",
    run: async (walls) => {
      // Other tests make and drop roles on this server meanwhile: one that is gone (22023) is not taken either.
      const roles = await list(
        walls,
        "select quote_ident(rolname) from pg_roles where rolname not in ('stallholder_app', 'usage_writer') and rolname !~ '_[a-z][a-z2-7]{25}'",
      );
      return unrefused(
        walls,
        roles.flatMap((role) => [`set role ${role}`, `set session authorization ${role}`]),
        /^(42501|22023)$/,
      );
    },
  },
  {
    n: "28",
    what: "nothing can be made that would be taken for ours",
    run: (walls) =>
      unrefused(walls, [
        "create temp table tenants (id text)",
        "create function pg_temp.this_tenant() returns text language sql as $$ select 'x' $$",
        "create function public.this_tenant(int) returns text language sql as $$ select 'x' $$",
        "create table usage_days.mine (id text)",
        "create operator public.= (function = texteq, leftarg = text, rightarg = text)",
      ]),
  },
  { n: "29", what: "a leaky predicate that costs nothing is shown own rows only", run: leaks },
  {
    n: "32",
    what: "no sequence can be read or moved",
    run: async (walls) => {
      const sequences = await list(walls, "select oid::regclass::text from pg_class where relkind = 'S'");
      return unrefused(
        walls,
        sequences.flatMap((name) => [`select last_value from ${name}`, `select setval('${name}', 1)`]),
      );
    },
  },
  { n: "34", what: "what another tenant's transaction asks is not in the list of sessions", run: sessions },
  { n: "37", what: "other databases are closed", run: otherDatabases },
  {
    n: "38",
    what: "files, programs and extensions are closed",
    run: (walls) =>
      unrefused(
        walls,
        [
          "copy (select 1) to program 'true'",
          "copy tenants from program 'true'",
          "copy (select 1) to '/dev/null'",
          "select pg_read_file('/etc/hostname')",
          "select pg_ls_dir('.')",
          "select lo_import('/etc/hostname')",
          "create extension dblink",
          "create table mine (id int)",
          "load 'x'",
        ],
        /^(42501|0A000|58P01)$/,
      ),
  },
  { n: "46", what: "the role that stores usage reads and changes nothing else", run: usageWriter },
];

import type pg from "pg";
import { systemClock } from "../src/clock.ts";
import { connect } from "../src/db/db.ts";
import { migrate } from "../src/db/migrate.ts";
import { isolate, servingRole } from "../src/isolation/isolation.ts";
import { createMetering } from "../src/metering/metering.ts";
import { mintTenantId } from "../src/tenants/tenants.ts";
import { ownDatabase, type TestDatabase } from "./support/cluster.ts";
import { plantRows, probe, walledTables } from "./support/probes.ts";
import { listed, open } from "./support/tenant-server.ts";
import type { WalledTable } from "./support/walled-table.ts";

const a = mintTenantId();
const b = mintTenantId();
const tenants = { a, b };

let home: TestDatabase;
let superuser: pg.Client;
let app: pg.Client;
let owner: pg.Client;
let tables: readonly WalledTable[];

beforeAll(async () => {
  home = await ownDatabase();
  superuser = await open(home.superuserUrl);
  tables = await plantRows(superuser, tenants);
  [app, owner] = await Promise.all([open(home.appUrl), open(home.ownerUrl)]);
});

afterAll(async () => {
  await Promise.all([superuser.end(), app.end(), owner.end()]);
  await home.drop();
});

describe("the wall", () => {
  const everythingOf = async (tenant: string): Promise<unknown[]> => {
    const rows: unknown[] = [];
    for (const { name, tenantColumn } of tables)
      rows.push(await listed(superuser, `select t from ${name} t where ${tenantColumn} = '${tenant}'`));
    return rows;
  };

  test("holds for the serving login against every probe on every table, and leaves the other tenant as it was", async () => {
    const before = await everythingOf(b);
    expect(tables.length).toBeGreaterThan(8);
    expect(await probe(app, tables, tenants)).toEqual([]);
    expect(await everythingOf(b)).toEqual(before);
  });

  test("holds for the owner that takes the serving role", async () => {
    expect(await probe(owner, tables, tenants, { role: "stallholder_app" })).toEqual([]);
  });

  test("holds for the owner itself, where it has to serve", async () => {
    expect(await probe(owner, tables, tenants, { owns: true })).toEqual([]);
  });

  test("that is broken on one table is noticed by the probes", async () => {
    const broken = await ownDatabase();
    const [god, holed] = await Promise.all([open(broken.superuserUrl), open(broken.appUrl)]);
    const planted = await plantRows(god, tenants);
    const some = planted.filter(({ name }) => ["owed_calls", "operations"].includes(name));
    await god.query("drop policy tenant on owed_calls; create policy tenant on owed_calls using (true)");
    const faults = await probe(holed, some, tenants);
    expect(faults.every((fault) => fault.includes("owed_calls"))).toBe(true);
    expect(faults).toHaveLength(19);
    await Promise.all([god.end(), holed.end()]);
    await broken.drop();
  });

  test("cannot be walked round: roles, sessions, files, extensions, temporary tables, sequences", async () => {
    const roles = await listed(
      superuser,
      // Other tests make and drop tenants' roles on this server meanwhile.
      "select quote_ident(rolname) from pg_roles where rolname not in ('stallholder_app', 'usage_writer') and rolname !~ '_[a-z][a-z2-7]{25}'",
    );
    const sequences = await listed(
      superuser,
      "select relname from pg_class where relkind = 'S' and relnamespace = 'public'::regnamespace",
    );
    const attempts = [
      ...roles.flatMap((role) => [`set role ${role}`, `set session authorization ${role}`]),
      ...sequences.map((sequence) => `select last_value from ${sequence}`),
      "copy (select 1) to program 'true'",
      "select pg_read_file('/etc/hostname')",
      "select lo_import('/etc/hostname')",
      "create extension dblink",
      "set session authorization usage_writer",
      "insert into usage_keys_0 values (gen_random_uuid(), 1)",
      "insert into usage_days.d20260301 select * from usage_events",
      "create temp table tenants (id text)",
      "create table public.mine (id text)",
      "create schema mine",
    ];
    for (const attempt of attempts) {
      await expect(app.query(attempt)).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("lets the role that stores usage add to keys and days, and do and see nothing else", async () => {
    const able = await listed(
      superuser,
      `select n.nspname || '.' || c.relname || ' ' || p.privilege from pg_class c
         join pg_namespace n on n.oid = c.relnamespace
         cross join unnest(array['select', 'insert', 'update', 'delete', 'truncate', 'references', 'trigger']) p(privilege)
       where n.nspname in ('public', 'usage_days') and c.relkind in ('r', 'p')
         and has_table_privilege('usage_writer', c.oid, p.privilege) order by 1`,
    );
    expect(able).toEqual(["public.usage_keys_0 insert", "public.usage_keys_1 insert", "usage_days.d20260301 insert"]);
    await app.query("begin; set local role usage_writer");
    await expect(app.query("select * from usage_days.d20260301")).rejects.toMatchObject({ code: "42501" });
    await app.query("rollback");
  });

  test("keeps the helpers of the doors from touching another tenant", async () => {
    const before = await everythingOf(b);
    const credential = JSON.stringify([{ id: crypto.randomUUID(), kind: "api-key", var: "X" }]);
    const calls = [
      [`select append_event('${b}', 'planted', 'me', now(), now(), '{}')`, undefined],
      [`select owe_calls('${b}', '[{"marketplace": "x", "kind": "x", "lane": "x"}]', now())`, "42501"],
      [`select append_audit('${b}', 'planted', 'me', now(), now(), '{}')`, "42501"],
      [`select put_credentials('${b}', '${credential}', now())`, "42501"],
    ] as const;
    for (const [call, code] of calls) {
      await app.query("begin");
      await app.query("select set_config('app.tenant_id', $1, true)", [a]);
      expect(
        await app.query(call).then(
          () => undefined,
          (fault: pg.DatabaseError) => fault.code,
        ),
      ).toBe(code);
      await app.query("commit");
    }
    expect(await everythingOf(b)).toEqual(before);
  });
});

describe("the serving role", () => {
  /** A login with a database of its own, migrated by it as on a small hosted server. */
  async function hosted(
    attributes: string,
    work: (own: TestDatabase, url: string, login: string) => Promise<void>,
    grant = "",
  ) {
    const own = await ownDatabase();
    const login = `login_${own.name.slice(-12)}`;
    await superuser.query(`create role ${login} login password 'x' ${attributes}; ${grant.replace("LOGIN", login)}`);
    await superuser.query(
      `alter database ${own.name} owner to ${login}; grant connect, temp on database ${own.name} to public`,
    );
    const god = await open(own.superuserUrl);
    await god.query(
      "drop schema public, usage_days, reporting cascade; create schema public authorization pg_database_owner",
    );
    await god.end();
    const url = Object.assign(new URL(own.superuserUrl), { username: login, password: "x" }).href;
    await migrate({ url });
    await work(own, url, login);
    await own.drop();
    await superuser.query(`drop role ${login}`);
  }

  async function served(url: string) {
    const database = connect({ url });
    const serving = await servingRole(database);
    const [row] = await isolate(database, serving).asTenant(a, (tx) =>
      tx.query("select current_user::text as as, has_database_privilege(current_database(), 'temp') as temp"),
    );
    await database.close();
    return { ...serving, ...row };
  }

  /** What becomes of fifty events of tenant a, which this login stores. */
  async function storedBy(url: string) {
    const metering = createMetering({ url, clock: systemClock, dimensions: ["pages"], limits: [] });
    const events = Array.from({ length: 50 }, (_, id) => ({
      id: `evt_${id}`,
      tenant: a,
      dimension: "pages",
      quantity: 1,
    }));
    const receipts = await metering.record({ kind: "product" }, events);
    await metering.close();
    return [...new Set(receipts.map(({ status }) => status))];
  }

  test("cannot be taken by a login without rights: that one serves as owner, is warned of, and the wall holds", async () => {
    await hosted("nocreaterole", async (own, url, login) => {
      const warning = expect.stringContaining("as owner");
      expect(await served(url)).toEqual({ role: null, warning, as: login, temp: true });
      const [god, client] = await Promise.all([open(own.superuserUrl), open(url)]);
      await plantRows(god, tenants);
      expect(await probe(client, await walledTables(god, tenants), tenants, { owns: true })).toEqual([]);
      await god.query("update tenants set state = 'active'; delete from usage_closings");
      expect(await storedBy(url)).toEqual(["accepted"]);
      await Promise.all([god.end(), client.end()]);
    });
  });

  test("is taken by a login that only administers it, because migrating makes it a member; else it is not", async () => {
    const [separate] = await listed(superuser, "select current_setting('server_version_num')::int >= 160000");
    const bare = separate ? "with admin true, inherit false, set false" : "with admin option";
    const check = async (_own: TestDatabase, url: string, login: string) => {
      expect(await served(url)).toEqual({ role: "stallholder_app", warning: null, as: "stallholder_app", temp: false });
      await superuser.query(`revoke stallholder_app from ${login} ${separate ? `granted by ${login}` : ""}`);
      expect(await served(url)).toMatchObject({ role: null, warning: expect.stringContaining("as owner"), as: login });
    };
    await hosted("createrole", check, `grant stallholder_app to LOGIN ${bare}`);
  });

  test("that bypasses the wall is warned of", async () => {
    await superuser.query("begin; alter role stallholder_app bypassrls");
    const run = async (statement: { text: string }) => (await superuser.query(statement.text)).rows;
    const serving = await servingRole({ run } as unknown as ReturnType<typeof connect>);
    await superuser.query("rollback");
    expect(serving.warning).toMatch(/stallholder_app bypasses row level security/);
  });
});

import { buy, one, rotate, rowOf, URL_VAR, urlOf } from "./support/database-shop.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;
let shop: TestProvider;

beforeAll(async () => {
  server = await tenantsServer();
  shop = await testProvider({ tenants: server });
});

afterAll(async () => {
  await closeProviders();
  await server.drop();
});

test("a customer of the pool is known by the login, whatever role the session takes", async () => {
  const { tenant, url } = await buy(shop, "basic");
  const known = `select ${server.environment}_stallholder.tenant() as tenant`;
  await asCustomer(url, async (client) => {
    for (const change of ["select 1", "reset role", "set role none"]) {
      await client.query(change);
      expect((await client.query(known)).rows).toEqual([{ tenant: tenant.id }]);
    }
  });
});

test("a customer of the pool makes nothing in the shared database", async () => {
  const { url } = await buy(shop, "basic");
  await asCustomer(url, async (client) => {
    for (const making of [
      "create table public.mine (id int)",
      "create temp table mine (id int)",
      "create schema mine",
      "select lo_create(0)",
      "select pg_advisory_lock(1)",
    ]) {
      await expect(client.query(making)).rejects.toMatchObject({ code: "42501" });
    }
  });
});

test.each(["standard", "premium"])("a customer of the plan %s makes tables of its own", async (plan) => {
  const { url } = await buy(shop, plan);
  await asCustomer(url, async (client) => {
    await client.query("create table mine (id int generated always as identity, word text)");
    await client.query("insert into mine (word) values ('one'), ('two')");
  });
  expect(await one(url, "select count(*)::int from mine")).toBe(2);
  expect(await one(url, "show statement_timeout")).toBe(plan === "standard" ? "30s" : "2min");
});

test("a bridge's customer can neither give its schema away nor open it to others", async () => {
  const { url } = await buy(shop, "standard");
  const schema = await one(url, "select current_schema()");
  await asCustomer(url, async (client) => {
    for (const change of [`drop schema ${schema}`, `alter schema ${schema} rename to other`]) {
      await expect(client.query(change)).rejects.toMatchObject({ code: "42501" });
    }
    // It has nothing to grant: PostgreSQL says so in a warning, and nothing happens.
    await client.query(`grant usage on schema ${schema} to public`).catch(() => undefined);
  });
  const open = await server.look("select from pg_namespace where nspname = $1 and nspacl::text ~ '[{,]=U'", [schema]);
  expect(open).toEqual([]);
});

test("a silo is closed to the tenants of every other model", async () => {
  const silo = await buy(shop, "premium");
  const database = new URL(silo.url).pathname;
  for (const plan of ["basic", "standard", "premium"]) {
    const other = Object.assign(new URL((await buy(shop, plan)).url), { pathname: database });
    await expect(one(other.href, "select 1")).rejects.toMatchObject({ code: "42501" });
  }
  const shared = Object.assign(new URL(silo.url), { pathname: `/${server.shared}` });
  await expect(one(shared.href, "select 1")).rejects.toMatchObject({ code: "42501" });
});

test("at no moment while a silo is made may everybody connect to it", async () => {
  let moments = 0;
  const watched = await testProvider({
    tenants: {
      ...server,
      through: (open) => async (database) => {
        const session = await open(database);
        return {
          ...session,
          run: async <Row extends object>(text: string, values?: readonly unknown[]) => {
            const rows = await session.run<Row>(text, values);
            const open = await server.look(
              `select datname from pg_database where starts_with(datname::text, $1) and datallowconn
                 and has_database_privilege('public', oid, 'connect')`,
              [`${server.environment}_`],
            );
            expect(open).toEqual([]);
            moments += 1;
            return rows;
          },
        };
      },
    },
  });
  await buy(watched, "premium");
  expect(moments).toBeGreaterThan(6);
});

test("a plan's number of connections is a limit", async () => {
  const { url } = await buy(shop, "basic");
  const hold = async (left: number): Promise<void> =>
    left === 0
      ? expect(one(url, "select 1")).rejects.toMatchObject({ code: "53300" })
      : asCustomer(url, () => hold(left - 1));
  await hold(5);
});

test("the second settlement changes nothing", async () => {
  const { tenant, url } = await buy(shop, "standard");
  const before = await server.things();
  await shop.deps.databases?.settle(tenant.id);
  expect(await server.things()).toEqual(before);
  expect(await one(url, "select 1")).toBe(1);
  expect(await urlOf(shop, tenant)).toBe(url);
});

test("whoever administers is a member of no tenant's role when the work is done", async () => {
  const { tenant } = await buy(shop, "standard");
  await rotate(shop, tenant, 0);
  const memberships = await server.look(
    `select m.roleid::regrole from pg_auth_members m
     where m.member = 'stallholder_tenants'::regrole and starts_with(m.roleid::regrole::text, $1)
       and coalesce((to_jsonb(m)->>'set_option')::boolean, true)`,
    [`${server.environment}_${tenant.id}`],
  );
  expect(memberships).toEqual([]);
});

test("a tenant bought before there were databases gets one with its next rotation", async () => {
  const { tenant } = await buy(shop, "standard");
  await shop.look("delete from tenant_databases where tenant_id = $1", [tenant.id]);
  await shop.look("delete from credentials where tenant_id = $1 and kind = 'postgres'", [tenant.id]);
  expect(await shop.configVars(tenant.id)).not.toHaveProperty(URL_VAR);
  await rotate(shop, tenant, 0);
  expect(await one(await urlOf(shop, tenant), "select 1")).toBe(1);
  expect(await rowOf(shop, tenant)).toMatchObject({ state: "ready", model: "bridge" });
});

import type { Discrepancy } from "../src/isolation/databases/reconcile.ts";
import { buy, DAY, one, rotate, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

const NOBODY = "nobodyaaaaaaaaaaaaaaaaaaaa";

let server: TenantsServer;
let shop: TestProvider;

beforeEach(async () => {
  server = await tenantsServer();
  shop = await testProvider({ tenants: server });
});

afterEach(async () => {
  await closeProviders();
  await server.drop();
});

const check = async () => (await shop.deps.databases?.check(true)) ?? [];
const mend = async () => (await shop.deps.databases?.repair(true)) ?? { mended: [], left: [] };
const shortly = (found: readonly Discrepancy[]) => found.map(({ is, name }) => `${is} ${name}`).sort();
const nameOf = (tenant: { readonly id: string }) => `${server.environment}_${tenant.id}`;

test("nothing is found where every tenant has its own, in whatever state", async () => {
  for (const plan of ["basic", "standard", "premium"]) await buy(shop, plan);
  await shop.suspend({ ...about((await buy(shop, "standard")).tenant), reason: "unpaid" });
  await shop.deprovision(about((await buy(shop, "premium")).tenant));
  const removed = (await buy(shop, "standard")).tenant;
  await rotate(shop, removed, 3_600);
  await shop.deprovision(about(removed));
  expect(await check()).toEqual([]);
  shop.clock.advance(8 * DAY);
  await shop.rest();
  expect(await check()).toEqual([]);
});

test("what is made and removed while it looks is no discrepancy", async () => {
  const going = await buy(shop, "premium");
  await shop.deprovision(about(going.tenant));
  await shop.rest();
  shop.clock.advance(31 * DAY);
  let looks = 0;
  const slow = await testProvider({
    beside: shop,
    tenants: {
      ...server,
      through: (open) => async (database) => {
        const session = await open(database);
        return {
          ...session,
          run: async <Row extends object>(text: string, values?: readonly unknown[]) => {
            const rows = await session.run<Row>(text, values);
            if (!text.includes("'role' as kind")) return rows;
            looks += 1;
            if (looks > 1) return rows;
            await shop.rest();
            await buy(shop, "standard");
            return rows;
          },
        };
      },
    },
  });
  expect(await slow.deps.databases?.check(true)).toEqual([]);
  expect(looks).toBe(2);
  expect((await server.things()).filter((name) => name.includes(going.tenant.id))).toEqual([]);
});

test("roles, a schema and a database of nobody are found and removed while they are empty", async () => {
  await buy(shop, "basic");
  const name = `${server.environment}_${NOBODY}`;
  await server.look(`create role ${name} nologin`);
  await server.look(`create role ${name}_abcdef login in role ${name}`);
  await server.look(`create schema ${name}`);
  await server.look(`create database ${name} owner stallholder_tenants`);
  await server.look(`grant ${name}, ${name}_abcdef to stallholder_tenants with admin option`);
  await server.look(`alter schema ${name} owner to stallholder_tenants`);
  expect(shortly(await check())).toEqual([
    `database ${name}`,
    `login ${name}_abcdef`,
    `owner ${name}`,
    `schema ${name}`,
  ]);
  expect(await mend()).toMatchObject({ mended: { length: 4 }, left: [] });
  expect((await server.things()).filter((thing) => thing.includes(NOBODY))).toEqual([]);
});

test("data of nobody are left for a person, and nobody gets in any more", async () => {
  const { tenant, url } = await buy(shop, "standard");
  await asCustomer(url, (client) => client.query("create table mine as select 1 as one"));
  await shop.look("delete from tenant_databases where tenant_id = $1", [tenant.id]);
  await shop.look("delete from credentials where tenant_id = $1", [tenant.id]);
  await shop.look("update tenants set state = 'gone' where id = $1", [tenant.id]);
  const { left } = await mend();
  expect(shortly(left)).toEqual([`owner ${nameOf(tenant)}`, `reader ${nameOf(tenant)}_ro`, `schema ${nameOf(tenant)}`]);
  expect(left[0]?.says).toContain("holds data");
  await expect(one(url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
  expect(await server.look(`select one from ${nameOf(tenant)}.mine`)).toEqual([{ one: 1 }]);
});

test("a login that no credential speaks of is found and ended", async () => {
  const { tenant, url } = await buy(shop, "standard");
  await server.look(`create role ${nameOf(tenant)}_planta login password 'planted' in role ${nameOf(tenant)}`);
  await server.look(`grant ${nameOf(tenant)}_planta to stallholder_tenants with admin option`);
  expect(shortly(await check())).toEqual([`login ${nameOf(tenant)}_planta`]);
  expect((await mend()).left).toEqual([]);
  expect(await one(url, "select 1")).toBe(1);
  expect(await check()).toEqual([]);
});

test("what a tenant lacks is found and made", async () => {
  const bridge = await buy(shop, "standard");
  const silo = await buy(shop, "premium");
  await server.look(`drop schema ${nameOf(bridge.tenant)} cascade`);
  await server.look(`drop role ${new URL(silo.url).username}`);
  expect(shortly(await check())).toEqual(
    [`login ${new URL(silo.url).username}`, `schema ${nameOf(bridge.tenant)}`].sort(),
  );
  expect((await mend()).left).toEqual([]);
  expect(await one(silo.url, "select 1")).toBe(1);
  await asCustomer(bridge.url, (client) => client.query("create table again (id int)"));
});

test.each(["", "_ro"])(
  "an owner's role%s that can be logged in as is found, and shut with its sessions",
  async (suffix) => {
    const { tenant } = await buy(shop, "standard");
    const name = `${nameOf(tenant)}${suffix}`;
    await server.look(`alter role ${name} login password 'by hand'`);
    const found = { name, tenant: tenant.id, cure: "settle", says: expect.stringContaining("can be logged in as") };
    expect(await check()).toMatchObject([found]);
    const url = Object.assign(new URL(server.url), { username: name, password: "by hand" }).href;
    await asCustomer(url, async (client) => {
      await client.query("select 1");
      await shop.suspend({ ...about(tenant), reason: "Not paid." });
      await shop.rest();
      await expect(client.query("select 1")).rejects.toThrow();
    });
    await expect(asCustomer(url, (client) => client.query("select 1"))).rejects.toMatchObject({ code: "28000" });
    expect(await check()).toEqual([]);
  },
);

test("a role of a tenant that may act for somebody else is found and left for a person", async () => {
  const [one, other] = [await buy(shop, "basic"), await buy(shop, "standard")];
  await server.look(`grant ${nameOf(other.tenant)} to ${nameOf(one.tenant)}`);
  const found = await check();
  expect(found).toMatchObject([{ is: "membership", tenant: one.tenant.id, cure: "person" }]);
  expect((await mend()).left).toHaveLength(1);
});

test("a tenant without a login is told apart from one whose purchase gives none", async () => {
  const { tenant } = await buy(shop, "standard");
  await shop.look("update credentials set state = 'revoked' where tenant_id = $1 and kind = 'postgres'", [tenant.id]);
  await shop.rest();
  expect(await check()).toMatchObject([{ is: "tenant", name: tenant.id }]);
  expect(await shop.deps.databases?.check(false)).toEqual([]);
  await rotate(shop, tenant, 0);
  expect(await check()).toEqual([]);
  expect(await one(await urlOf(shop, tenant), "select 1")).toBe(1);
});

test("a tenant's grants to the role of another do not keep that role alive", async () => {
  const [hostile, other] = [await buy(shop, "premium"), await buy(shop, "standard")];
  await asCustomer(hostile.url, async (client) => {
    await client.query("create table bait (id int)");
    await client.query(`grant select on bait to ${nameOf(other.tenant)}, ${new URL(other.url).username}`);
    await client.query(`alter default privileges grant select on tables to ${nameOf(other.tenant)}_ro`);
  });
  await shop.deprovision(about(other.tenant));
  shop.clock.advance(8 * DAY);
  await shop.rest();
  expect((await server.things()).filter((thing) => thing.includes(other.tenant.id))).toEqual([]);
  expect(await check()).toEqual([]);
  expect(await one(hostile.url, "select count(*)::int from bait")).toBe(0);
});

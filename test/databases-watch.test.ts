import { buy, one } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
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

const MINUTE = 60_000;
const nameOf = (tenant: { readonly id: string }) => `${server.environment}_${tenant.id}`;

/** Puts other limits in force for one tenant. */
async function limit(tenant: { readonly id: string }, limits: Readonly<Record<string, number>>): Promise<void> {
  await shop.look("update tenant_databases set limits = limits || $2 where tenant_id = $1", [
    tenant.id,
    JSON.stringify(limits),
  ]);
}

async function measured(tenant: { readonly id: string }) {
  shop.clock.advance(11 * MINUTE);
  await shop.watchDatabases();
  const events = (await shop.events(tenant)).filter((type) => type.startsWith("database."));
  await shop.rest();
  return events.at(-1);
}

test("a statement beyond its time is cancelled, whatever the session has set for itself", async () => {
  const { tenant, url } = await buy(shop, "standard");
  await limit(tenant, { statementSeconds: 1 });
  await asCustomer(url, async (client) => {
    await client.query("set statement_timeout = 0");
    const slow = expect(client.query("select pg_sleep(30)")).rejects.toMatchObject({ code: "57014" });
    for (let second = 0; second < 6; second += 1) {
      await shop.watchDatabases();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await slow;
    expect((await client.query("select 1 as one")).rows).toEqual([{ one: 1 }]);
  });
}, 20_000);

test("a statement within its time goes on", async () => {
  const { url } = await buy(shop, "standard");
  await asCustomer(url, async (client) => {
    const slow = client.query("select pg_sleep(2.5)");
    for (let second = 0; second < 4; second += 1) {
      await shop.watchDatabases();
      await new Promise((resolve) => setTimeout(resolve, 500));
    }
    await expect(slow).resolves.toMatchObject({ rowCount: 1 });
  });
}, 20_000);

test("a session that slipped in while its login was closed ends", async () => {
  const { url } = await buy(shop, "standard");
  await asCustomer(url, async (client) => {
    await client.query("select 1");
    await server.look(`alter role ${new URL(url).username} nologin`);
    await shop.watchDatabases();
    await expect(client.query("select 1")).rejects.toThrow();
  });
});

test.each(["basic", "standard", "premium"])(
  "a login of %s that has a session open was used, to the minute",
  async (plan) => {
    const { tenant, url } = await buy(shop, plan);
    const other = await buy(shop, plan);
    const usedAt = async (of: { readonly id: string }) => {
      await shop.watchDatabases();
      await shop.deps.lastUse.flush();
      const [row] = await shop.look<{ at: Date | null }>(
        "select last_used_at as at from credentials where tenant_id = $1 and kind = 'postgres'",
        [of.id],
      );
      return row?.at;
    };
    expect(await usedAt(tenant)).toBeNull();
    const at = shop.clock.now();
    await asCustomer(url, async (client) => {
      await client.query("select 1");
      expect(await usedAt(tenant)).toEqual(at);
      shop.clock.advance(MINUTE / 2);
      expect(await usedAt(tenant)).toEqual(at);
      shop.clock.advance(MINUTE);
      expect(await usedAt(tenant)).toEqual(shop.clock.now());
    });
    expect(await usedAt(other.tenant)).toBeNull();
  },
);

test.each(["standard", "premium"])(
  "storage of %s is measured, its marks are told, and beyond it sessions begin read-only",
  async (plan) => {
    const { tenant, url } = await buy(shop, plan);
    await asCustomer(url, (client) =>
      client.query("create table big as select repeat('x', 1000) from generate_series(1, 1000)"),
    );
    expect(await measured(tenant)).toBeUndefined();
    const [row] = await shop.look<{ bytes: string }>("select bytes from tenant_databases where tenant_id = $1", [
      tenant.id,
    ]);
    const megabytes = Number(row?.bytes) / 1024 / 1024;
    expect(megabytes).toBeGreaterThan(1);

    await limit(tenant, { storageMegabytes: megabytes / 0.9 });
    expect(await measured(tenant)).toBe("database.soft_mark");
    await asCustomer(url, (client) => client.query("create table more (id int)"));

    await limit(tenant, { storageMegabytes: megabytes * 0.9 });
    expect(await measured(tenant)).toBe("database.hard_mark");
    await expect(one(url, "create table one_more (id int)")).rejects.toMatchObject({ code: "25006" });
    // Whoever is to make room has to be able to.
    await asCustomer(url, async (client) => {
      await client.query("set default_transaction_read_only = off");
      await client.query("drop table more");
    });

    await limit(tenant, { storageMegabytes: 1_000 });
    expect(await measured(tenant)).toBe("database.below_marks");
    await asCustomer(url, (client) => client.query("create table one_more (id int)"));
  },
);

test("what the server leaves open to tenants is said", async () => {
  const before = await shop.deps.databases?.openness();
  expect(before?.filter((door) => !door.includes("connect to the database"))).toEqual([]);
  await server.look(`grant temporary on database ${server.shared} to public`);
  const after = await shop.deps.databases?.openness();
  expect(after?.filter((door) => !before?.includes(door))).toEqual([expect.stringContaining("temporary tables")]);
});

test("a retained tenant's data are not measured", async () => {
  const { tenant } = await buy(shop, "standard");
  await shop.deprovision(about(tenant));
  await shop.rest();
  await measured(tenant);
  expect(await shop.look("select bytes from tenant_databases where tenant_id = $1", [tenant.id])).toEqual([
    { bytes: null },
  ]);
  expect((await server.things()).filter((thing) => thing.includes(nameOf(tenant)))).toHaveLength(3);
});

import { buy, DAY, one, rowOf, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

const servers: TenantsServer[] = [];

afterAll(async () => {
  await closeProviders();
  for (const server of servers) await server.drop();
});

/** A shop whose moves can be held, or broken off for good, before any of their statements. */
async function open() {
  const server = await tenantsServer();
  servers.push(server);
  let before: (statement: string) => Promise<void> = async () => undefined;
  const copying = { before: (statement: string) => before(statement) };
  const shop = await testProvider({ tenants: { ...server, copying } });
  return {
    server,
    shop,
    beforeStatements: (hook: typeof before) => {
      before = hook;
    },
  };
}

async function lastMove(shop: TestProvider, { id }: { readonly id: string }) {
  const [move] = await shop.look<{ state: string; reason: string | null; outcome: string | null }>(
    "select state, reason, outcome from database_moves where tenant_id = $1 order by created_at desc, changed_at desc limit 1",
    [id],
  );
  return move;
}

const fill = (url: string): Promise<unknown> =>
  asCustomer(url, (client) =>
    client.query("create table counted (n bigint primary key); insert into counted select generate_series(1, 1000)"),
  );

describe("a move", () => {
  test("loses no write of an app that goes on writing: each is in the new place, or was refused", async () => {
    const { shop, beforeStatements } = await open();
    const { tenant, url } = await buy(shop, "standard");
    await asCustomer(url, (client) =>
      client.query("create table canary (n bigint generated always as identity primary key)"),
    );
    const told: number[] = [];
    let stopped = false;
    const writer = (async () => {
      while (!stopped) {
        // A new connection for a few writes, as an app has that is thrown out and comes back.
        await asCustomer(url, async (client) => {
          for (let n = 0; n < 20; n += 1) {
            const { rows } = await client.query("insert into canary default values returning n::int as n");
            told.push(rows[0].n);
          }
        }).catch(() => undefined);
      }
    })();
    let copies = 0;
    beforeStatements(async (statement) => {
      if (statement.startsWith("create table")) copies += 1;
      await new Promise((resolve) => setTimeout(resolve, 10));
    });
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.rest();
    stopped = true;
    await writer;
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "silo", state: "ready" });
    const after = await urlOf(shop, tenant);
    const there = new Set(
      await asCustomer(after, async (client) =>
        (await client.query("select n::int as n from canary")).rows.map(({ n }) => n),
      ),
    );
    expect(copies).toBe(1);
    expect(told.length).toBeGreaterThan(100);
    expect(told.filter((n) => !there.has(n))).toEqual([]);
    // Numbers go on behind the last one that was given out.
    expect(
      await one(after, "insert into canary default values returning n::int > $1".replace("$1", `${Math.max(...told)}`)),
    ).toBe(true);
  });

  test("that cannot carry everything ends with the reason, and the customer stays where everything is", async () => {
    const { shop } = await open();
    const { tenant, url } = await buy(shop, "standard");
    await fill(url);
    await asCustomer(url, (client) => client.query("create function f() returns int language sql as 'select 1'"));
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.rest();
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "bridge", wanted: "silo", state: "ready" });
    expect(await lastMove(shop, tenant)).toMatchObject({
      state: "failed",
      reason: expect.stringContaining("function f()"),
    });
    expect(await shop.events(tenant)).toContain("database.move_failed");
    expect(await one(url, "select count(*)::int + f() from counted")).toBe(1001);
    expect(await urlOf(shop, tenant)).toBe(url);
    shop.clock.advance(DAY);
    await shop.rest();
    expect((await lastMove(shop, tenant))?.state).toBe("failed");
  });

  test("is given up when the plan is changed back, and the customer is let in again", async () => {
    const { shop, server, beforeStatements } = await open();
    for (const at of ["create table", "select count(*)::text as rows"]) {
      const { tenant, url } = await buy(shop, "standard");
      await fill(url);
      let back: Promise<unknown> | undefined;
      beforeStatements(async (statement) => {
        if (!statement.trimStart().startsWith(at)) return;
        back ??= shop.changePlan({ ...about(tenant), plan: "standard" });
        await back;
        await new Promise((resolve) => setTimeout(resolve, 2_500));
      });
      await shop.changePlan({ ...about(tenant), plan: "premium" });
      await shop.rest();
      beforeStatements(async () => undefined);
      expect(back).toBeDefined();
      expect(await rowOf(shop, tenant)).toMatchObject({ model: "bridge", wanted: "bridge", state: "ready" });
      expect(await lastMove(shop, tenant)).toMatchObject({ state: "cancelled" });
      expect(await one(url, "select count(*)::int from counted")).toBe(1000);
      expect((await server.things()).filter((name) => name.startsWith("database") && name.includes(tenant.id))).toEqual(
        [],
      );
    }
  }, 60_000);

  test("is ended by the deprovision of its tenant, and nothing is left when the grace is over", async () => {
    const { shop, server, beforeStatements } = await open();
    const { tenant, url } = await buy(shop, "standard");
    await fill(url);
    let gone: Promise<unknown> | undefined;
    beforeStatements(async (statement) => {
      if (!statement.startsWith("create table")) return;
      gone ??= shop.deprovision(about(tenant));
      await gone;
    });
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.rest();
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "bridge", state: "retained" });
    expect(await lastMove(shop, tenant)).toMatchObject({ state: "cancelled", reason: "The purchase ended." });
    shop.clock.advance(40 * DAY);
    await shop.rest();
    expect((await server.things()).filter((name) => name.includes(tenant.id))).toEqual([]);
  });

  test("runs a customer's definitions with the customer's rights alone, whatever role they take", async () => {
    const { shop } = await open();
    const { tenant, url } = await buy(shop, "standard");
    const { username } = new URL(url);
    await asCustomer(url, (client) =>
      client.query(
        `create table sly (n int, check (set_config('role', 'none', false) is not null
           and session_user::text ~ '^${username.slice(0, -6)}[a-z2-7]{6}$' and not pg_has_role('stallholder_tenants', 'member')));
         insert into sly select generate_series(1, 5); create index on sly (n); create view seen as select * from sly`,
      ),
    );
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.rest();
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "silo", state: "ready" });
    const after = await urlOf(shop, tenant);
    expect(await one(after, "select count(*)::int from seen")).toBe(5);
    await asCustomer(after, (client) => client.query("drop view seen; drop table sly"));
  });

  test("does not switch while somebody settles the tenant, who would write down the old place again", async () => {
    const { shop, beforeStatements } = await open();
    const { tenant, url } = await buy(shop, "standard");
    await fill(url);
    const lease = "update tenant_databases set lease = gen_random_uuid(), lease_until = $2 where tenant_id = $1";
    let taken: Promise<unknown> | undefined;
    beforeStatements(async (statement) => {
      if (statement.startsWith("select count(*)::text as rows")) {
        taken ??= shop.look(lease, [tenant.id, new Date("2100-01-01")]);
        await taken;
      }
    });
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.work();
    await shop.work();
    expect(taken).toBeDefined();
    expect(await lastMove(shop, tenant)).toMatchObject({ state: "verified" });
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "bridge" });
    await shop.look(lease, [tenant.id, new Date(0)]);
    await shop.rest();
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "silo", state: "ready" });
  });

  test("carries what was defined while it copied", async () => {
    const { shop, beforeStatements } = await open();
    const { tenant, url } = await buy(shop, "standard");
    await fill(url);
    let added: Promise<unknown> | undefined;
    beforeStatements(async (statement) => {
      if (!statement.startsWith("alter table only counted add")) return;
      added ??= asCustomer(url, (client) => client.query("create table later as select 7 as seven"));
      await added;
    });
    await shop.changePlan({ ...about(tenant), plan: "premium" });
    await shop.rest();
    expect(added).toBeDefined();
    expect(await rowOf(shop, tenant)).toMatchObject({ model: "silo", state: "ready" });
    expect(await one(await urlOf(shop, tenant), "select seven from later")).toBe(7);
  });
});

import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { type Pooler, poolerIsHere, startPooler, throughPooler } from "./support/pgbouncer.ts";
import { about } from "./support/provider.ts";
import { type Kind, openWorld, type World } from "./support/tenant-probes/world.ts";
import { open } from "./support/tenant-server.ts";

const URL_VAR = "ACME_STORAGE_DATABASE_URL";
const EVERY_KIND: readonly Kind[] = ["pool", "reader", "bridge", "silo"];
let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(() => world.drop());

/** Whether it lets in; else PostgreSQL's code. */
async function entry(url: string): Promise<string> {
  const client = new pg.Client({ connectionString: url });
  client.on("error", () => undefined);
  try {
    await client.connect();
    await client.query("select 1");
    return "in";
  } catch (fault) {
    return (fault as pg.DatabaseError).code ?? "away";
  } finally {
    await client.end().catch(() => undefined);
  }
}

/** Until it fails, at most five seconds. */
async function ended(client: pg.Client): Promise<boolean> {
  for (let tried = 0; tried < 50; tried += 1) {
    const alive = await client.query("select 1").then(
      () => true,
      () => false,
    );
    if (!alive) return true;
    await sleep(100);
  }
  return false;
}

describe("a login", () => {
  test.each(EVERY_KIND)("of a %s with another password, or another's, opens nothing", async (kind) => {
    const { url } = world.a[kind];
    for (const password of ["x", new URL(world.b[kind].url).password]) {
      expect(await entry(Object.assign(new URL(url), { password }).href)).toMatch(/^28/);
    }
    expect(await entry(url)).toBe("in");
  });

  test("is refused from the moment its time is over, on the twin it is not", async () => {
    const { role, url } = world.b.bridge;
    await world.look(`alter role ${role} valid until '2020-01-01'`);
    expect(await entry(url)).toBe("28P01");
    await world.look(`alter role ${role} valid until 'infinity'`);
    expect(await entry(url)).toBe("in");
  });

  test.each(["bridge", "silo"] as const)(
    "of a %s works beside its successor, and ends with the overlap, open sessions too",
    async (kind) => {
      const { shop } = world.place;
      const { id, url } = world.a[kind];
      await shop.rotateCredentials({ ...about({ id }), kind: "postgres", overlapSeconds: 60 });
      const fresh = (await shop.configVars(id))[URL_VAR] ?? "";
      expect([await entry(url), await entry(fresh)]).toEqual(["in", "in"]);
      const session = await open(url);
      expect((await session.query("select word from mine")).rows).toEqual([{ word: "of a" }]);
      await shop.rest();
      shop.clock.advance(3_600_000);
      await shop.rest();
      expect(await ended(session)).toBe(true);
      await session.end().catch(() => undefined);
      expect([await entry(url), await entry(fresh)]).toEqual([expect.stringMatching(/^28/), "in"]);
    },
  );

  test("that is revoked is thrown out within five seconds, and sees nothing of its shared rows any more", async () => {
    const { shop } = world.place;
    const { id, url } = world.a.reader;
    const session = await open(url);
    const named = (await shop.listCredentials({ tenant: id })).find(({ name }) => name === "reports");
    await shop.revokeCredential({ ...about({ id }), credential: named?.id ?? "" });
    await shop.rest();
    expect(await ended(session)).toBe(true);
    await session.end().catch(() => undefined);
    expect(await entry(url)).toMatch(/^28/);
    expect(await entry(world.a.pool.url)).toBe("in");
  });

  test("of a suspended tenant is shut, and open again when the tenant is", async () => {
    const { shop } = world.place;
    const { id, url } = world.b.silo;
    const session = await open(url);
    await shop.suspend({ ...about({ id }), reason: "unpaid" });
    await shop.rest();
    expect(await ended(session)).toBe(true);
    await session.end().catch(() => undefined);
    expect(await entry(url)).toMatch(/^28/);
    await shop.resume(about({ id }));
    await shop.rest();
    expect(await entry(url)).toBe("in");
  });
});

(poolerIsHere ? describe : describe.skip)(throughPooler, () => {
  let pooler: Pooler;
  beforeAll(async () => {
    pooler = await startPooler([world.a.pool.url, world.b.pool.url, world.place.vendor.url], 1);
  });
  afterAll(() => pooler.stop());

  const items = async (client: pg.Client, sql: string): Promise<string> =>
    JSON.stringify((await client.query(sql)).rows);

  test("each login has connections of its own: nothing that one leaves there is met by another", async () => {
    const [a, b] = [await open(pooler.behind(world.a.pool.url)), await open(pooler.behind(world.b.pool.url))];
    await b.query(`set app.tenant_id = '${world.b.pool.id}'; prepare theirs as select item from orders`);
    expect(await items(b, "execute theirs")).toContain(world.canary);
    await expect(a.query("execute theirs")).rejects.toMatchObject({ code: "26000" });
    await b.query("declare kept cursor with hold for select item from orders; listen everything");
    await expect(a.query("fetch all from kept")).rejects.toMatchObject({ code: "34000" });
    for (const sql of [
      "select item from orders",
      "select current_setting('app.tenant_id', true)",
      "select * from pg_prepared_statements",
    ]) {
      expect(await items(a, sql)).not.toContain(world.canary);
      expect(await items(a, sql)).not.toContain(world.b.pool.id);
    }
    await Promise.all([a.end(), b.end()]);
  });

  test("a plan that the vendor prepared within one tenant shows another its own rows only", async () => {
    const clients = [
      await open(pooler.behind(world.place.vendor.url)),
      await open(pooler.behind(world.place.vendor.url)),
    ];
    const within = async (client: pg.Client | undefined, tenant: string, sql: string) => {
      await client?.query(
        `begin; set local plan_cache_mode = force_generic_plan; select set_config('app.tenant_id', '${tenant}', true)`,
      );
      const answer = JSON.stringify((await client?.query(sql))?.rows);
      await client?.query("commit");
      return answer;
    };
    await within(clients[0], world.b.pool.id, "prepare listed as select item from orders");
    expect(await within(clients[0], world.b.pool.id, "execute listed")).toContain(world.canary);
    const seen = await within(clients[1], world.a.pool.id, "execute listed");
    expect(seen).toContain("of a");
    expect(seen).not.toContain(world.canary);
    expect(await clients[1]?.query("execute listed").then(({ rows }) => rows)).toEqual([]);
    await Promise.all(clients.map((client) => client.end()));
  });

  test("the twin: a vendor who sets the tenant for the session shows its rows to whoever comes next", async () => {
    const clients = [
      await open(pooler.behind(world.place.vendor.url)),
      await open(pooler.behind(world.place.vendor.url)),
    ];
    await clients[0]?.query(`select set_config('app.tenant_id', '${world.b.pool.id}', false)`);
    expect(JSON.stringify((await clients[1]?.query("select item from orders"))?.rows)).toContain(world.canary);
    await Promise.all(clients.map((client) => client.end()));
  });
});

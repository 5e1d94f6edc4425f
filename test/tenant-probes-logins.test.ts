import type pg from "pg";
import { type Pooler, type PoolerOptions, poolerIsHere, startPooler, throughPooler } from "./support/pgbouncer.ts";
import { about } from "./support/provider.ts";
import {
  entry,
  metByAnother,
  over,
  planOfAnother,
  rowsOfNobody,
  shut,
  shutToOthers,
} from "./support/tenant-probes/logins.ts";
import { type Kind, openWorld, type World } from "./support/tenant-probes/world.ts";
import { open } from "./support/tenant-server.ts";

// Each probe is first tried where somebody has made the mistake that it looks for: there it says `leak`.
const URL_VAR = "ACME_STORAGE_DATABASE_URL";
const EVERY_KIND: readonly Kind[] = ["pool", "reader", "bridge", "silo"];
const OPEN = "leak: it is answered in";
/** How long the twin's session is watched. */
const SOON_MS = 200;
let world: World;

beforeAll(async () => {
  world = await openWorld();
});

afterAll(() => world.drop());

describe("a login", () => {
  test.each(EVERY_KIND)("of a %s with another password, or another's, opens nothing", async (kind) => {
    const { url, role } = world.a[kind];
    const others = ["x", new URL(world.b[kind].url).password];
    expect(await shutToOthers(url, others)).toBe("refused");
    expect(await entry(url)).toBe("in");
    const [kept] = await world.look<{ word: string }>(
      `select rolpassword as word from pg_authid where rolname = '${role}'`,
    );
    // The twin: the role's password is not the one of the config var.
    for (const other of others) {
      await world.look(`alter role ${role} password '${other}'`);
      expect([await shutToOthers(url, others), await entry(url)]).toEqual([OPEN, "28P01"]);
    }
    await world.look(`alter role ${role} password '${kept?.word}'`);
    expect([await shutToOthers(url, others), await entry(url)]).toEqual(["refused", "in"]);
  });

  test("is refused from the moment its time is over, on the twin it is not", async () => {
    const { role, url } = world.b.bridge;
    expect(await shut(url)).toBe(OPEN);
    await world.look(`alter role ${role} valid until '2020-01-01'`);
    expect(await shut(url)).toBe("refused");
    await world.look(`alter role ${role} valid until 'infinity'`);
    expect(await entry(url)).toBe("in");
  });

  test("that is shut while its session goes on is found out", async () => {
    const { role, url } = world.b.bridge;
    const session = await open(url);
    await world.look(`alter role ${role} nologin`);
    expect(await over(url, session, SOON_MS)).toBe("leak: its session goes on");
    await world.look(`alter role ${role} login`);
    await session.end();
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
      // The twin: its time is over in our rows, and nobody ends it on the server.
      expect(await over(url, session, SOON_MS)).toBe(OPEN);
      await shop.rest();
      expect(await over(url, session)).toBe("refused");
      await session.end().catch(() => undefined);
      expect(await entry(fresh)).toBe("in");
    },
  );

  test("that is revoked is thrown out within five seconds, and sees nothing of its shared rows any more", async () => {
    const { shop } = world.place;
    const { id, url } = world.a.reader;
    const session = await open(url);
    const named = (await shop.listCredentials({ tenant: id })).find(({ name }) => name === "reports");
    // The twin: it is revoked in our rows alone.
    const flag = (state: string) => shop.look("update credentials set state = $2 where id = $1", [named?.id, state]);
    await flag("revoked");
    expect(await over(url, session, SOON_MS)).toBe(OPEN);
    await flag("active");
    await shop.revokeCredential({ ...about({ id }), credential: named?.id ?? "" });
    await shop.rest();
    expect(await over(url, session)).toBe("refused");
    await session.end().catch(() => undefined);
    expect(await entry(world.a.pool.url)).toBe("in");
  });

  test("of a suspended tenant is shut, and open again when the tenant is", async () => {
    const { shop } = world.place;
    const { id, url } = world.b.silo;
    const session = await open(url);
    // The twin: it is suspended in our rows alone.
    const flag = (state: string) => shop.look("update tenants set state = $2 where id = $1", [id, state]);
    await flag("suspended");
    expect(await over(url, session, SOON_MS)).toBe(OPEN);
    await flag("active");
    await shop.suspend({ ...about({ id }), reason: "unpaid" });
    await shop.rest();
    expect(await over(url, session)).toBe("refused");
    await session.end().catch(() => undefined);
    await shop.resume(about({ id }));
    await shop.rest();
    expect(await entry(url)).toBe("in");
  });
});

(poolerIsHere ? describe : describe.skip)(throughPooler, () => {
  let pooler: Pooler;
  const started = (options: PoolerOptions = {}): Promise<Pooler> =>
    startPooler([world.a.pool.url, world.b.pool.url, world.place.vendor.url], { connections: 1, ...options });

  beforeAll(async () => {
    pooler = await started();
  });
  afterAll(() => pooler.stop());

  /** Two clients of a pooler, as these logins. */
  async function among<T>(
    { behind }: Pooler,
    [forA, forB]: readonly [string, string],
    work: (clients: { a: pg.Client; b: pg.Client }) => Promise<T>,
  ): Promise<T> {
    const clients = { a: await open(behind(forA)), b: await open(behind(forB)) };
    try {
      return await work(clients);
    } finally {
      await Promise.all([clients.a.end(), clients.b.end()]);
    }
  }
  const customers = (): [string, string] => [world.a.pool.url, world.b.pool.url];
  const vendors = (): [string, string] => [world.place.vendor.url, world.place.vendor.url];

  test("each login has connections of its own: nothing that one leaves there is met by another", async () => {
    expect(await among(pooler, customers(), (clients) => metByAnother(clients, world))).toBe("own rows");
  });

  test("the twin: a pooler that reaches the server as one login hands a what b has left", async () => {
    const twin = await started({ everybodyAs: world.place.vendor.role });
    const outcome = await among(twin, customers(), (clients) => metByAnother(clients, world));
    await twin.stop();
    expect(outcome).toContain(world.canary);
  });

  test("a plan that the vendor prepared within one tenant shows another its own rows only", async () => {
    expect(await among(pooler, vendors(), (clients) => planOfAnother(clients, world, "listed"))).toBe("own rows");
  });

  /** The policies of orders that name the tenant by a setting. */
  const policies = () =>
    world.look<{ name: string; judges: string }>(
      `select polname as name, pg_get_expr(polqual, polrelid) as judges from pg_policy
       where polrelid = 'orders'::regclass and polname in ('${world.env}_wall', '${world.env}_vendor')`,
    );
  const judging = (name: string, judges: string) => world.look(`alter policy ${name} on orders using (${judges})`);

  test("the twin: on a table without a wall the plan shows another's", async () => {
    await world.look("alter table orders disable row level security");
    const outcome = await among(pooler, vendors(), (clients) => planOfAnother(clients, world, "unwalled"));
    await world.look("alter table orders enable row level security");
    expect(outcome).toContain(world.canary);
  });

  test("the twin: a wall that asks a function declared immutable keeps the tenant of whom the plan was made for", async () => {
    const sound = await policies();
    await world.look(`create function frozen() returns text language sql immutable as
      $$ select current_setting('app.tenant_id', true) $$`);
    for (const { name } of sound) await judging(name, "tenant_id = frozen()");
    const outcome = await among(pooler, vendors(), (clients) => planOfAnother(clients, world, "frozen"));
    for (const { name, judges } of sound) await judging(name, judges);
    await world.look("drop function frozen()");
    expect(outcome).toContain(world.canary);
    const mended = await among(pooler, vendors(), (clients) => planOfAnother(clients, world, "mended"));
    expect([sound.length, mended]).toEqual([2, "own rows"]);
  });

  test("whoever comes next sees nobody's rows; on the twin a vendor has set the tenant for the session", async () => {
    const seen = (spoil: (b: pg.Client) => Promise<unknown>) =>
      among(pooler, vendors(), async ({ a, b }) => {
        await spoil(b);
        return rowsOfNobody(a);
      });
    const set = (local: boolean) => (b: pg.Client) =>
      b.query(`select set_config('app.tenant_id', '${world.b.pool.id}', ${local})`);
    expect(await seen(set(true))).toBe("own rows");
    expect(await seen(set(false))).toContain(world.canary);
  });
});

import { buy, one, rotate, rowOf, urlOf } from "./support/database-shop.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

let server: TenantsServer;
let shop: TestProvider;
let admin: string;

beforeAll(async () => {
  server = await tenantsServer();
  const url = await server.plainAdmin();
  admin = new URL(url).username;
  shop = await testProvider({ tenants: { ...server, url } });
  await buy(shop, "basic");
});

beforeEach(() => shop.product.reset());

afterAll(async () => {
  await closeProviders();
  await server.drop();
  await server.dropAdmin();
});

const thingsOf = async ({ id }: { readonly id: string }) => (await server.things()).filter((name) => name.includes(id));

/** The administrator may open no connection any more, and the ones that are open end. */
async function fillConnections(): Promise<void> {
  await server.look(`alter role ${admin} connection limit 0`);
  await server.look("select pg_terminate_backend(pid, 10000) from pg_stat_activity where usename = $1", [admin]);
}

const freeConnections = () => server.look(`alter role ${admin} connection limit -1`);

/** Another try, while nothing has become better. */
async function tryAgain(): Promise<void> {
  shop.clock.advance(60_000);
  await shop.work();
}

async function nothingAstray(): Promise<void> {
  await shop.rest();
  expect(await shop.deps.databases?.check(true)).toEqual([]);
}

describe("a tenants' server that has no connection left for its administrator (53300, for real)", () => {
  test.each(["basic", "standard", "premium"])(
    "lets a purchase of %s wait with the reason, makes nothing of it, and finishes it later",
    async (plan) => {
      await fillConnections();
      const { kind, value } = await shop.provision(purchase({ plan }));
      await tryAgain();
      const fault = `53300: too many connections for role "${admin}"`;
      expect([kind, await rowOf(shop, value.tenant)]).toEqual([
        "running",
        expect.objectContaining({ state: "making", fault }),
      ]);
      expect(shop.product.calls).toEqual([]);
      expect(await thingsOf(value.tenant)).toEqual([]);

      await freeConnections();
      await nothingAstray();
      expect(await one(await urlOf(shop, value.tenant), "select 1")).toBe(1);
      expect(await rowOf(shop, value.tenant)).toMatchObject({ state: "ready", fault: null });
    },
  );

  test("lets a rotation wait with the old login, and a deprovision until the logins have ended", async () => {
    const [rotated, leaves] = [await buy(shop, "standard"), await buy(shop, "standard")];
    const before = await thingsOf(rotated.tenant);
    await fillConnections();
    expect((await rotate(shop, rotated.tenant, 0)).kind).toBe("running");
    expect((await shop.deprovision(about(leaves.tenant))).kind).toBe("running");
    await tryAgain();
    expect(await thingsOf(rotated.tenant)).toEqual(before);
    expect(await one(rotated.url, "select 1")).toBe(1);

    await freeConnections();
    await nothingAstray();
    expect(await one(await urlOf(shop, rotated.tenant), "select 1")).toBe(1);
    for (const { url } of [rotated, leaves]) {
      await expect(one(url, "select 1")).rejects.toMatchObject({ code: expect.stringMatching(/^28/) });
    }
  });
});

describe("a tenants' server whose disk is full (53100, raised there by a trigger on what a purchase makes)", () => {
  const fault = "53100: could not extend file: No space left on device";

  const fillDisk = () =>
    server.look(`
      create function public.no_space() returns event_trigger language plpgsql as $$
      begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
      create event trigger ${server.environment}_full on ddl_command_start when tag in ('CREATE SCHEMA')
      execute function public.no_space()`);
  const freeDisk = () => server.look(`drop event trigger ${server.environment}_full; drop function public.no_space()`);

  test("lets a purchase wait with the reason, hands out nothing, and finishes it once there is room", async () => {
    await fillDisk();
    const { kind, value } = await shop.provision(purchase({ plan: "standard" }));
    await tryAgain();
    expect([kind, value.config, await rowOf(shop, value.tenant)]).toEqual([
      "running",
      {},
      expect.objectContaining({ state: "making", fault }),
    ]);
    expect(shop.product.calls).toEqual([]);
    // Two roles that nobody can log in as are there by now; no login, and no schema.
    const { id } = value.tenant;
    const name = `role ${server.environment}_${id}`;
    expect(await thingsOf(value.tenant)).toEqual([name, `${name}_ro`]);

    await freeDisk();
    await nothingAstray();
    expect(await one(await urlOf(shop, value.tenant), "select 1")).toBe(1);
  });

  test("leaves nothing of a purchase whose deadline comes first", async () => {
    await fillDisk();
    const { value } = await shop.provision(purchase({ plan: "standard" }));
    shop.clock.advance(13 * 3_600_000);
    await shop.work();
    expect((await shop.findTenant({ tenant: value.tenant.id }))?.state).toBe("failed");
    await nothingAstray();
    expect(await thingsOf(value.tenant)).toEqual([]);
    await freeDisk();
  });
});

import { buy, DAY, one, rowOf, urlOf } from "./support/database-shop.ts";
import { type MortalMover, mortalMover } from "./support/mortal.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { asCustomer, type TenantsServer, tenantsServer } from "./support/tenants-server.ts";

/** Every step takes minutes; by default some of them are tried, others in each run. MOVE_CRASHES=all tries them all. */
const SOME = 2;

let server: TenantsServer;
let shop: TestProvider;
let mover: MortalMover;

beforeAll(async () => {
  server = await tenantsServer();
  shop = await testProvider({ tenants: server });
  mover = mortalMover(shop, server);
  await buy(shop, "basic");
});

afterAll(async () => {
  await closeProviders();
  await server.drop();
});

/** A tenant with data, whose plan has just changed. */
async function changed(from: string, to: string): Promise<{ id: string }> {
  const { tenant, url } = await buy(shop, from);
  await asCustomer(url, (client) =>
    client.query(
      `create table counted (n serial primary key, "next" int references counted deferrable initially deferred);
       insert into counted ("next") select n from generate_series(1, 200) n; create view seen as select * from counted`,
    ),
  );
  await shop.changePlan({ ...about(tenant), plan: to });
  return tenant;
}

function pick(steps: number): readonly number[] {
  const all = Array.from({ length: steps }, (_, index) => index + 1);
  if (process.env["MOVE_CRASHES"] === "all") return all;
  const first = Math.floor(Math.random() * (steps / SOME));
  return all.filter((_, index) => index % Math.ceil(steps / SOME) === first);
}

async function arrived(tenant: { readonly id: string }, model: string, step: string): Promise<void> {
  expect({ step, ...(await rowOf(shop, tenant)) }).toMatchObject({ step, model, wanted: model, state: "ready" });
  const url = await urlOf(shop, tenant);
  expect({ step, rows: await one(url, "select count(*)::int from seen") }).toEqual({ step, rows: 200 });
  expect(await one(url, "insert into counted default values returning n")).toBe(201);
  await expect(one(url, 'insert into counted ("next") values (999)')).rejects.toThrow("foreign key");
}

describe("a process that dies before any step of a move", () => {
  test.each([
    ["standard", "premium", "silo"],
    ["premium", "standard", "bridge"],
  ])(
    "from %s to %s leaves a move that another one finishes, with everything in it",
    async (from, to, model) => {
      const whole = await changed(from, to);
      const steps = await mover.run(whole.id);
      await shop.rest();
      await arrived(whole, model, "none");
      expect(steps.length).toBeGreaterThan(60);
      for (const step of pick(steps.length)) {
        const tenant = await changed(from, to);
        const taken = await mover.run(tenant.id, step);
        shop.clock.advance(2 * 60_000);
        await shop.rest();
        await arrived(tenant, model, `${step}, after ${taken.at(-1)}`);
      }
      expect(await shop.deps.databases?.check(true)).toEqual([]);
      shop.clock.advance(100 * DAY);
      await shop.rest();
      expect(await shop.deps.databases?.check(true)).toEqual([]);
      expect(await shop.look("select state from database_moves where ended_at is null")).toEqual([]);
    },
    3_600_000,
  );
});

import { setTimeout as sleep } from "node:timers/promises";
import { post } from "./soak/clock.ts";
import { type Customer, remove, rotate } from "./soak/customer.ts";
import { pointOfTransaction } from "./soak/points.ts";
import { reportOf } from "./soak/report.ts";
import { runSoak } from "./soak/run.ts";
import { type Played, play } from "./soak/scenario.ts";
import type { Script } from "./soak/script.ts";
import { sharedDatabase } from "./soak/soak-database.ts";
import { openWorld, type World } from "./soak/world.ts";

/** Another one for other scenarios; the long form is `npm run soak`. */
const SEED = Number(process.env["SOAK_SEED"] ?? 1);
const SCENARIOS = 5;

let world: World;

beforeAll(async () => {
  world = await openWorld(await sharedDatabase());
}, 60_000);

afterAll(() => world.close());

/** One customer who buys; nothing goes wrong but what the test does. */
const peaceful: Script = {
  id: "control.0",
  target: { point: "provision begins", side: "before" },
  customers: 1,
  patience: 0,
  steps: [
    { step: { do: "buy", who: 0, plan: "basic" }, beside: false },
    { step: { do: "rest" }, beside: false },
  ],
};

type Sabotage = (world: World, customer: Customer) => Promise<void>;

/** The promises that are found broken when somebody breaks them. */
async function brokenBy(sabotage: Sabotage): Promise<readonly string[]> {
  const { violations } = await play(world, peaceful, {
    sabotage: async (_, [customer]) => customer && sabotage(world, customer),
  });
  return violations.map(({ rule }) => rule);
}

describe("the life of add-ons under kill -9", () => {
  test("scenarios with a crash at a commit lose no tenant, double none, orphan none and deliver every owed call", async () => {
    const { failed, scenarios, crashes } = await runSoak(world, { seed: SEED, scenarios: SCENARIOS, isBrief: true });
    expect(failed).toEqual([]);
    expect(scenarios).toBe(SCENARIOS);
    const met = Object.values(crashes).reduce((sum, { before, after }) => sum + before + after, 0);
    expect(met).toBeGreaterThanOrEqual(SCENARIOS - 2);
  }, 180_000);
});

describe("the judge of the soak", () => {
  test("finds nothing where nothing was broken", async () => {
    expect(await brokenBy(async () => undefined)).toEqual([]);
  });

  test("finds a commit that was reported and never happened", async () => {
    const broken = await brokenBy(async (_, customer) => {
      world.proxy.vanish("deprovision begins");
      await remove(world, customer);
    });
    expect(broken).toContain("what the product was asked is remembered");
  });

  test("finds an owed call that was taken away", async () => {
    const broken = await brokenBy(async (_, customer) => {
      await post(world, "/_faults", { platform_down: true });
      await rotate(world, customer, 60);
      const { look } = world.looker;
      const waiting = "select from owed_calls where kind = 'push-config' and last_fault is not null and lease is null";
      while ((await look(waiting)).length === 0) await sleep(20);
      await look("delete from deliveries where outcome = 'retry'");
      await look("delete from owed_calls where kind = 'push-config'");
      await post(world, "/_faults", { platform_down: null });
    });
    expect(broken).toContain("lifecycle events and owed calls are numbered without a gap");
    expect(broken).toContain("the customer's key is the active one");
  });

  test("finds a tenant that the product was never told to forget", async () => {
    const broken = await brokenBy(async () => {
      await world.looker.look("update tenants set state = 'gone'");
    });
    expect(broken).toContain("the product has the living tenants and no others");
    expect(broken).toContain("every add-on has its one tenant");
  });

  test("finds that a customer was left with a refused key for a while", async () => {
    const broken = await brokenBy(async () => {
      await world.looker.look("update credentials set state = 'revoked'");
      await sleep(2_000);
      await world.looker.look("update credentials set state = 'active'");
    });
    expect(broken).toEqual(["a customer never holds only refused keys"]);
  });
});

describe("the report of the soak", () => {
  const good: Played = {
    script: peaceful,
    crashes: [],
    kills: 1,
    connectionsEnded: 0,
    restarts: 0,
    tenants: 1,
    lifecycleCalls: 1,
    productCalls: 1,
    calls: { delivered: 1, given_up: 0, cancelled: 0 },
    givenUp: [],
    samples: 1,
    violations: [],
    lateStarts: [],
    history: [],
  };
  const late = { lateStarts: ["The provider did not start."] };
  const broken = { violations: [{ rule: "a rule", said: "It was broken." }] };

  test("never counts a scenario as good in which the provider did not start, and never hides what was broken", () => {
    const played = [good, { ...good, ...late }, { ...good, ...late, ...broken }, { ...good, ...broken }];
    const report = reportOf({ seed: 1, startedAt: new Date(0) }, played, new Date(60_000));
    expect(report).toMatchObject({ scenarios: 3, not_counted: 1, violations: 2, kills: 3, minutes: 1 });
    expect(report.failed).toHaveLength(3);
  });
});

describe("the commit points of the soak", () => {
  const loss = { sql: "update heroku_grants set state = 'lost' where version = $1", params: ["7"] };
  const event = { sql: "select append_event($1, $2)", params: ["t", "grant.lost"] };

  test.each([
    ["a grant that is lost", [loss, event], "grant is lost"],
    ["a code that is lost before there was a grant", [event], "grant is lost"],
    ["a grant that was lost before, where nothing is written", [loss], undefined],
  ])("know the commit of %s", (_, statements, point) => {
    expect(pointOfTransaction(statements)).toBe(point);
  });

  test("say which write has no name", () => {
    expect(pointOfTransaction([{ sql: "insert into plans values ($1)", params: ["x"] }])).toEqual({
      unnamed: "insert into plans values ($1) x",
    });
  });
});

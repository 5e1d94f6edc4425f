import type { Crash } from "./soak/metering/points.ts";
import { type Played, play } from "./soak/metering/scenario.ts";
import { briefScript } from "./soak/metering/script.ts";
import type { Violation } from "./soak/metering/stage.ts";
import { openWorld, type World } from "./soak/metering/world.ts";
import { sharedDatabase } from "./soak/soak-database.ts";

/** Another one for other events; the long form is `npm run soak -- metering`. */
const SEED = Number(process.env["SOAK_SEED"] ?? 1);
const CRASHES: readonly Crash[] = [
  { point: "usage is stored", side: "after" },
  { point: "records are frozen", side: "before" },
  { point: "usage is reported", side: "after" },
  { point: "answers are settled", side: "before" },
];

let world: World;

/** Ways to break what was right, each with the rule that says so. */
const sabotages = {
  "an event that was acknowledged and is gone": [
    "delete from usage_events where quantity > 0",
    "what was acknowledged is stored, once, as it was sent",
  ],
  "a record that was called billed and never was": [
    "update usage_records set units = units + 1, carried_out = carried_out - 1 where verdict = 'billed' and units < 100000",
    "AWS's ledger and our accepted records are the same",
  ],
  "units that vanished": [
    "update usage_carries set balance = balance + 1",
    "acknowledged = billed + waiting + carried + included + not metered + lost",
  ],
  "a record that expired without a reason": [
    "update usage_records set verdict = 'too_late_unknown' where verdict = 'billed'",
    "nothing expires that could have been sent",
  ],
} as const;

/** The processes go on meanwhile: none of them sees what is broken, and none changes what is judged. */
const BEGIN = `
  begin;
  set local session_replication_role = replica;
  lock table usage_events, usage_records, usage_carries in exclusive mode`;

let played: Played;
const found = new Map<string, readonly string[]>();

async function breakEverything(judgeAgain: () => Promise<readonly Violation[]>): Promise<void> {
  const { look } = world.looker;
  const rules = async (): Promise<readonly string[]> => (await judgeAgain()).map(({ rule }) => rule);
  for (const [name, [breaks]] of Object.entries(sabotages)) {
    await look(BEGIN);
    await look(breaks);
    found.set(name, await rules());
    await look("rollback");
  }
  found.set("nothing", await rules());
}

beforeAll(async () => {
  world = await openWorld(await sharedDatabase(), { workers: 1 });
  played = await play(world, briefScript(SEED, CRASHES), { afterwards: breakEverything });
}, 300_000);

afterAll(() => world.close());

describe("the money under kill -9", () => {
  test("two processes that die in the midst of storing, freezing, reporting and settling bill every unit once", () => {
    expect(played.violations).toEqual([]);
    // On a fast machine everything may be settled before the last of them is armed.
    const met = CRASHES.filter((crash) =>
      played.crashes.some(({ point, side }) => point === crash.point && side === crash.side),
    );
    expect(met.length).toBeGreaterThanOrEqual(CRASHES.length - 1);
    expect(played.unitsBilled).toBeGreaterThan(0);
  });
});

describe("the judge of the money", () => {
  test.each(Object.entries(sabotages))("finds %s", (name, [, rule]) => {
    expect(found.get(name)).toContain(rule);
  });

  test("finds nothing where nothing is broken", () => {
    expect(found.get("nothing")).toEqual([]);
  });
});

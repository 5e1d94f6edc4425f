import { type Outcome, openSession, type TenantProbe } from "./probe.ts";
import { type Kind, openWorld, type World } from "./world.ts";

/**
 * Tests that run each probe as the customer, with the credential of a config var: once as it is, and once on a twin in
 * which somebody has done what the probe looks for.
 */
export function runTwice(probes: readonly TenantProbe[]): void {
  const tries = probes.flatMap((probe) => probe.as.map((kind) => [kind, probe.name, probe] as const));
  let right: World;
  let twin: World;

  beforeAll(async () => {
    right = await openWorld();
    twin = await openWorld();
  });

  afterAll(async () => {
    await right.drop();
    await twin.drop();
  });

  async function outcomeOf(world: World, kind: Kind, probe: TenantProbe): Promise<Outcome> {
    const session = await openSession(world, kind);
    try {
      return await probe.run(session, world);
    } finally {
      await session.client.end().catch(() => undefined);
    }
  }

  describe("a customer who tries", () => {
    test.each(tries)("as %s: %s, finds nothing of another's", async (kind, _name, probe) => {
      expect(await outcomeOf(right, kind, probe)).toMatch(/^(refused|own rows)$/);
    });
  });

  describe("the leaky twin is found out", () => {
    test.each(tries)("as %s: %s", async (kind, _name, probe) => {
      await twin.look(probe.flaw(twin, kind));
      const outcome = await outcomeOf(twin, kind, probe).finally(() => twin.look(probe.mend(twin, kind)));
      expect(outcome).toMatch(/^leak: /);
    });

    test("and nothing of it was left: mended, it keeps them apart again", async () => {
      const left: string[] = [];
      for (const [kind, name, probe] of tries.filter(([kind, , { as }]) => kind === as[0])) {
        const outcome = await outcomeOf(twin, kind, probe);
        if (outcome.startsWith("leak")) left.push(`${kind}: ${name}: ${outcome}`);
      }
      expect(left).toEqual([]);
    });
  });
}

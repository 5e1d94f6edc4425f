import { randomUUID } from "node:crypto";
import { createIntake } from "../src/metering/intake.ts";
import type { Verdict } from "../src/metering/judge.ts";
import type { Arrival } from "../src/metering/store-batch.ts";
import { DAY } from "./support/clock.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, send, settle } from "./support/usage.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider();
});

afterAll(closeProviders);

const event = (of: { readonly tenant: string; readonly dimension: string; readonly quantity: number }) => ({
  id: randomUUID(),
  ...of,
});

describe("a plan's limits", () => {
  const marks = (id: string) =>
    shop.look<{ type: string; data: object }>(
      "select type, data from lifecycle_events where tenant_id = $1 and type like 'usage.%' order by sequence",
      [id],
    );
  const over = async (id: string) => {
    const verdict = await shop.verifyKey(String((await shop.configVars(id))["ACME_SEARCH_API_KEY"]));
    return verdict.valid ? (verdict.over ?? "within") : verdict.code;
  };

  test("refuse nothing: at 80 and 100 percent there is one event in a month, and a word for the product", async () => {
    const own = await newTenant(shop);
    const use = async (quantity: number) => {
      expect(await send(shop, event({ tenant: own, dimension: "documents", quantity }))).toEqual(["accepted"]);
      await settle(shop);
      return over(own);
    };
    expect([await over(own), await use(7_999), await use(1), await use(1_999), await use(1), await use(5_000)]).toEqual(
      ["within", "within", "soft", "soft", "hard", "hard"],
    );
    const month = shop.clock.now().toISOString().slice(0, 7);
    const data = { dimension: "documents", limit: 10_000, month };
    expect(await marks(own)).toEqual([
      { type: "usage.soft_limit", data: { ...data, quantity: 8_000 } },
      { type: "usage.hard_limit", data: { ...data, quantity: 10_000 } },
    ]);
    await shop.changePlan({ ...about({ id: own }), plan: "standard" });
    expect(await over(own)).toBe("within");
  });

  test("begin anew with the calendar month", async () => {
    const own = await newTenant(shop);
    await send(shop, event({ tenant: own, dimension: "documents", quantity: 10_000 }));
    await settle(shop);
    expect(await over(own)).toBe("hard");
    expect((await marks(own)).map(({ type }) => type)).toEqual(["usage.soft_limit", "usage.hard_limit"]);
    shop.clock.advance(31 * DAY);
    expect(await over(own)).toBe("within");
    await send(shop, event({ tenant: own, dimension: "documents", quantity: 9_000 }));
    await settle(shop);
    expect(await over(own)).toBe("soft");
    expect(await marks(own)).toHaveLength(3);
  });
});

describe("what waits to be stored", () => {
  const arrival = (count: number) => ({ now: 0, events: Array.from({ length: count }) }) as unknown as Arrival;

  /** A store that is slow for as long as the test wants. */
  function slowStore() {
    const sizes: number[] = [];
    let release: () => void = () => undefined;
    const open = new Promise<void>((resolve) => {
      release = resolve;
    });
    const intake = createIntake(async (arrivals) => {
      sizes.push(arrivals.reduce((sum, { events }) => sum + events.length, 0));
      await open;
      return arrivals.map(({ events }) => events.map((): Verdict => "accepted"));
    });
    return { intake, sizes, release };
  }

  test("goes in one batch of at most 2,000 events as soon as a writer is free; a second one begins when much waits", async () => {
    const { intake, sizes, release } = slowStore();
    const taken = [1, 1, 900, 900, 900, 900].map((count) => intake.take(arrival(count)));
    release();
    expect((await Promise.all(taken)).map((verdicts) => verdicts.length)).toEqual([1, 1, 900, 900, 900, 900]);
    expect(sizes).toEqual([1, 901, 1_800, 900]);
  });

  test("is bounded: beyond 20,000 events a caller is asked to come back", async () => {
    const { intake, release } = slowStore();
    const taken = Array.from({ length: 22 }, () => intake.take(arrival(1_000)));
    await expect(intake.take(arrival(1))).rejects.toMatchObject({ code: "unavailable", retryAfter: 1 });
    release();
    await Promise.all(taken);
    expect(await intake.take(arrival(1))).toEqual(["accepted"]);
  });
});

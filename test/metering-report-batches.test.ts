import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HOUR, SECOND, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, report, reportsOf, send, settle } from "./support/usage.ts";
import { endHour, endReports, sealed, stateOf, subscriber } from "./support/usage-report.ts";

let shop: TestProvider;
let bazaar: MeteredBazaar;
let tenant: string;
const clock = testClock("2026-03-10T12:00:00Z");

beforeAll(async () => {
  bazaar = meteredBazaar(clock);
  shop = await testProvider({ clock, reporting: new Map([[MARKETPLACE, bazaar]]) });
});

beforeEach(async () => {
  tenant = await subscriber(shop);
});

afterEach(() => endReports(shop, bazaar));
afterAll(closeProviders);

describe("a batch", () => {
  test.each([0, 11, 24])(
    "with a bad record at place %i is halved until that one stands alone: the others are billed",
    async (place) => {
      const many = await Promise.all(Array.from({ length: 25 }, () => subscriber(shop, { lot: "crowd" })));
      const sorted = many.toSorted();
      for (const [index, one] of sorted.entries()) {
        const dimension = index === place ? "documents" : "requests";
        await send(shop, { id: randomUUID(), tenant: one, dimension, quantity: 1 });
      }
      await endHour(shop);
      bazaar.refused.add("documents");
      const calls = bazaar.calls.length;
      await report(shop);
      const states = (await Promise.all(sorted.map((one) => stateOf(shop, one)))).flat();
      expect(states.filter((state) => /^1 accepted billed/.test(state))).toHaveLength(24);
      expect(states[place]).toMatch(/^1 refused rejected/);
      const sizes = bazaar.calls.slice(calls).map(({ records }) => records.length);
      expect(sizes[0]).toBe(25);
      expect(sizes.length).toBeLessThanOrEqual(11);
      expect(await shop.events({ id: sorted[place] ?? "" })).toContain("usage.lost");
    },
  );

  test("holds records of one lot, no more than fit, and the most urgent first", async () => {
    const small = meteredBazaar(clock, { most: { records: 3, bytes: 3_000, callsPerSecond: 1_000 } });
    const other = await testProvider({ beside: shop, reporting: new Map([[MARKETPLACE, small]]) });
    const urgent = await subscriber(shop, { lot: "urgent" });
    const tenants = await Promise.all([0, 1, 2, 3].map(() => subscriber(shop, { lot: "plain" })));
    const wide = await subscriber(shop, { lot: "wide" });
    for (const one of [urgent, ...tenants]) {
      await send(shop, { id: randomUUID(), tenant: one, dimension: "requests", quantity: 1 });
      await send(shop, { id: randomUUID(), tenant: one, dimension: "documents", quantity: 1 });
    }
    for (const dimension of ["requests", "documents"]) {
      const tags = (n: number) => ({ note: `${n}`.repeat(200) });
      const events = Array.from({ length: 8 }, (_, n) => ({
        id: randomUUID(),
        tenant: wide,
        dimension,
        quantity: 1,
        tags: tags(n),
      }));
      await send(shop, ...events);
    }
    await endHour(shop);
    await shop.endBilling(
      { tenant: urgent },
      { billingReference: urgent, endedAt: clock.now(), flushBy: new Date(clock.now().getTime() + HOUR) },
    );
    await report(other);
    const [first, ...rest] = small.calls.map(({ lot, records }) => `${lot} ${records.length}`);
    expect(first).toBe("urgent 2");
    expect(rest.sort()).toEqual(["plain 2", "plain 3", "plain 3", "wide 1", "wide 1"]);
    expect(small.offences).toEqual([]);
  });

  test("is not sent with our settings at fault: its lot rests, nothing is halved, and it goes out afterwards", async () => {
    const told: string[] = [];
    const own = await testProvider({
      beside: shop,
      reporting: new Map([[MARKETPLACE, bazaar]]),
      told: { misconfigured: (...words) => told.push(words.join(" ")) },
    });
    await sealed(shop, tenant);
    bazaar.answer("misconfigured", "misconfigured");
    const calls = bazaar.calls.length;
    await report(own);
    await report(own);
    clock.advance(6 * SECOND);
    await report(own);
    clock.advance(6 * SECOND);
    await report(own);
    expect([bazaar.calls.length - calls, told]).toEqual([
      2,
      [expect.stringContaining("NotAllowed"), expect.anything()],
    ]);
    clock.advance(6 * SECOND);
    await report(own);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 3/2"]);
    const [lot] = await shop.look("select faults, fault from usage_lots where lot = 'here'");
    expect(lot).toEqual({ faults: 0, fault: null });
  });
});

describe("the pace", () => {
  test("is kept by all processes together: calls leave no faster than the quota, and batches stay full", async () => {
    const slow = meteredBazaar(clock, { most: { records: 25, bytes: 900_000, callsPerSecond: 20 } });
    const reporting = new Map([[MARKETPLACE, slow]]);
    const processes = await Promise.all([0, 1].map(() => testProvider({ beside: shop, reporting })));
    const tenants = await Promise.all(
      Array.from({ length: 25 }, () => subscriber(shop, { lot: "slow", pace: "slow" })),
    );
    for (let hour = 0; hour < 12; hour += 1) {
      for (const one of tenants)
        await send(shop, { id: randomUUID(), tenant: one, dimension: "requests", quantity: 1 });
      await endHour(shop);
    }
    const times: number[] = [];
    slow.otherwise = () => {
      times.push(performance.now());
      return "taken";
    };
    // Where the machine is busy, a call whose turn has gone by is left for the next round.
    for (let round = 0; round < 20 && times.length < 12; round += 1)
      await Promise.all(processes.map((one) => report(one, 4)));
    const lasted = (times.at(-1) ?? 0) - (times[0] ?? 0);
    expect(slow.calls.map(({ records }) => records.length)).toEqual(Array.from({ length: 12 }, () => 25));
    expect(lasted).toBeGreaterThan(11 * 45);
  });

  test("is left to others for a moment when the marketplace says that it is too fast", async () => {
    await sealed(shop, tenant);
    bazaar.answer("throttled");
    await report(shop);
    clock.advance(3 * SECOND);
    const startedAt = performance.now();
    await report(shop);
    expect(performance.now() - startedAt).toBeGreaterThan(500);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 2/1"]);
  });
});

describe("without sending", () => {
  test("a dry run claims nothing and lets nothing expire; switched on, what is in time is sent and the rest carried", async () => {
    const dry = meteredBazaar(clock, { mode: "dry" });
    const own = await testProvider({ clock, reporting: new Map([[MARKETPLACE, dry]]) });
    const made = await newTenant(own);
    await own.billTo(
      { tenant: made },
      { billingReference: made, lot: "here", pace: "ours", bills: "all", from: clock.now() },
    );
    await send(own, { id: randomUUID(), tenant: made, dimension: "requests", quantity: 2 });
    clock.advance(30 * HOUR);
    await settle(own);
    await report(own);
    expect(await reportsOf(own, made)).toEqual([expect.stringMatching(/requests 2 sealed$/)]);
    const live = meteredBazaar(clock);
    const on = await testProvider({ beside: own, reporting: new Map([[MARKETPLACE, live]]) });
    await settle(on);
    await report(on);
    expect([dry.calls.length, live.total(made), live.offences]).toEqual([0, 2, []]);
  });

  test("a shadow goes through all states, and says so", async () => {
    const shadow = meteredBazaar(clock, { mode: "shadow" });
    const own = await testProvider({ beside: shop, reporting: new Map([[MARKETPLACE, shadow]]) });
    await sealed(shop, tenant);
    await report(own);
    expect([await stateOf(shop, tenant), shadow.calls]).toEqual([["7 accepted shadow 1/0"], []]);
  });
});

describe("two workers", () => {
  let before = 0;
  beforeEach(() => {
    before = bazaar.calls.length;
  });

  /** Until so many calls have come in since the test began. */
  async function called(times: number): Promise<void> {
    for (let look = 0; look < 500 && bazaar.calls.length < before + times; look += 1) await sleep(20);
    expect(bazaar.calls.length - before).toBe(times);
  }

  test("never hold the same record, and one that was too slow changes nothing any more", async () => {
    const other = await testProvider({ beside: shop });
    bazaar.repeats = "held_another";
    await sealed(shop, tenant);
    let goOn: (line: "taken") => void = () => undefined;
    bazaar.answer(new Promise((resolve) => (goOn = resolve)));
    const slow = shop.reportUsage(0);
    await called(1);
    expect(await other.reportUsage(0)).toBe(false);
    clock.advance(31 * SECOND);
    expect(await other.reportUsage(0)).toBe(true);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 2/0"]);
    goOn("taken");
    await slow;
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 2/0"]);
    expect(await shop.events({ id: tenant })).not.toContain("usage.conflict");
  });

  test("know of each other's attempts: what the first one landed is no conflict for the second", async () => {
    const other = await testProvider({ beside: shop });
    bazaar.repeats = "held_another";
    await sealed(shop, tenant);
    let goOn: (line: "taken") => void = () => undefined;
    bazaar.answer(new Promise((resolve) => (goOn = resolve)));
    const slow = shop.reportUsage(0);
    await called(1);
    clock.advance(31 * SECOND);
    // The second has claimed and waits; meanwhile the request of the first arrives.
    let second: (line: "taken") => void = () => undefined;
    bazaar.answer(new Promise((resolve) => (second = resolve)));
    const late = other.reportUsage(0);
    await called(2);
    goOn("taken");
    await slow;
    second("taken");
    await late;
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed_before 2/0"]);
  });
});

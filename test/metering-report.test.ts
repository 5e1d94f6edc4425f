import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { HOUR, MINUTE, SECOND, testClock } from "./support/clock.ts";
import { type Line, type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { about, closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, report, reportsOf, send, settle } from "./support/usage.ts";

let shop: TestProvider;
let bazaar: MeteredBazaar;
let tenant: string;
const clock = testClock("2026-03-10T12:00:00Z");

beforeAll(async () => {
  bazaar = meteredBazaar(clock);
  shop = await testProvider({ clock, reporting: new Map([[MARKETPLACE, bazaar]]) });
});

beforeEach(async () => {
  tenant = await subscriber();
});

afterEach(async () => {
  expect(bazaar.offences).toEqual([]);
  bazaar.repeats = "billed";
  bazaar.otherwise = () => "taken";
  bazaar.refused.clear();
  // Whatever a test left behind is over before the next one begins.
  clock.advance(30 * HOUR);
  await settle(shop);
});

afterAll(closeProviders);

async function subscriber(more = {}): Promise<string> {
  const made = await newTenant(shop);
  await shop.billTo(
    { tenant: made },
    { billingReference: made, lot: "here", pace: "ours", bills: "all", from: clock.now(), ...more },
  );
  return made;
}

const use = (quantity: number | string = 1, more = {}) =>
  send(shop, { id: randomUUID(), tenant, dimension: "requests", quantity, ...more });

/** The running hour ends and is sealed. */
async function endHour(): Promise<void> {
  clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
  await settle(shop);
}

async function sealed(quantity = 7): Promise<void> {
  await use(quantity);
  await endHour();
}

/** `units state verdict attempts/definite` of the tenant's records. */
async function stateOf(of = tenant): Promise<string[]> {
  const rows = await shop.look<{ line: string }>(
    `select concat_ws(' ', units, state, verdict, attempts || '/' || definite) as line from usage_records
     where tenant_id = $1 order by hour, dimension`,
    [of],
  );
  return rows.map(({ line }) => line);
}

async function balance(): Promise<number> {
  const [row] = await shop.look<{ balance: string }>("select balance from usage_carries where tenant_id = $1", [
    tenant,
  ]);
  return Number(row?.balance ?? 0);
}

const historyOf = (of = tenant) => shop.events({ id: of });

describe("a sealed record", () => {
  test("is reported once, with the stamp of its hour and the id it was given", async () => {
    await sealed();
    const calls = bazaar.calls.length;
    await report(shop);
    await report(shop);
    expect(bazaar.calls.length).toBe(calls + 1);
    expect(await stateOf()).toEqual(["7 accepted billed 1/0"]);
    const [row] = await shop.look<{ id: string; accepted: Date; request: string }>(
      `select marketplace_record_id as id, accepted_at as accepted, a.request_id as request from usage_records r
       join usage_attempts a using (tenant_id, hour, dimension) where tenant_id = $1`,
      [tenant],
    );
    expect(row).toEqual({ id: expect.stringContaining(tenant), accepted: clock.now(), request: "call 1" });
  });

  test.each<[Line, string]>([
    ["unprocessed", "7 sealed 1/1"],
    ["throttled", "7 sealed 1/1"],
    ["dropped", "7 sent 1/0"],
    ["lost", "7 sent 1/0"],
    ["thrown", "7 sent 1/0"],
  ])("that is %s is sent again unchanged, soon, and is billed once", async (line, between) => {
    await sealed();
    bazaar.answer(line);
    await report(shop);
    expect(await stateOf()).toEqual([between]);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(await stateOf()).toEqual([expect.stringMatching(/^7 accepted billed 2/)]);
    expect(bazaar.total(tenant)).toBe(7);
  });

  test("that the answer says nothing of is unknown, and not taken for billed", async () => {
    const other = await subscriber();
    await send(shop, { id: randomUUID(), tenant: other, dimension: "requests", quantity: 5 });
    await sealed();
    bazaar.answer("half missing");
    await report(shop);
    const states = [...(await stateOf()), ...(await stateOf(other))].map((line) => line.slice(2)).sort();
    expect(states).toEqual(["accepted billed 1/0", "sent 1/0"]);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(bazaar.total(tenant) + bazaar.total(other)).toBe(12);
  });

  test("that it already holds after an attempt nobody knows the end of was billed before, to be audited", async () => {
    bazaar.repeats = "held_another";
    await sealed();
    bazaar.answer("lost");
    await report(shop);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(await stateOf()).toEqual(["7 accepted billed_before 2/0"]);
    expect(bazaar.total(tenant)).toBe(7);
  });

  test.each<[string, readonly Line[]]>([
    ["on the first attempt", []],
    ["after attempts that were all refused for certain", ["throttled", "unprocessed"]],
  ])("that it already holds %s is a conflict, told and never taken for billed", async (_, before) => {
    await sealed();
    bazaar.answer(...before);
    const hour = new Date(Math.floor(clock.now().getTime() / HOUR) * HOUR - HOUR);
    for (const _line of before) {
      await report(shop);
      clock.advance(10 * SECOND);
    }
    bazaar.hold(tenant, "requests", hour, 1);
    await report(shop);
    expect(await stateOf()).toEqual([`7 refused conflict ${before.length + 1}/${before.length}`]);
    expect(await historyOf()).toContain("usage.conflict");
    expect(bazaar.total(tenant)).toBe(1);
  });

  test("of a purchase it does not know waits, is tried when there is news, and is refused at the deadline", async () => {
    bazaar.unsubscribed.add(tenant);
    await sealed();
    await report(shop);
    clock.advance(2 * MINUTE);
    await report(shop);
    expect(await stateOf()).toEqual(["7 sealed 1/1"]);
    await shop.retryBilling({ tenant }, tenant);
    await report(shop);
    expect(await stateOf()).toEqual(["7 sealed 2/2"]);
    bazaar.unsubscribed.delete(tenant);
    await shop.retryBilling({ tenant }, tenant);
    await report(shop);
    expect(await stateOf()).toEqual(["7 accepted billed 3/2"]);

    bazaar.unsubscribed.add(tenant);
    await sealed();
    await report(shop);
    clock.advance(24 * HOUR);
    await settle(shop);
    expect((await stateOf()).at(-1)).toBe("7 refused not_subscribed 1/1");
    expect(await historyOf()).toContain("usage.lost");
  });

  test("of a purchase with news while it was being sent is tried again without more", async () => {
    bazaar.unsubscribed.add(tenant);
    await sealed();
    bazaar.answer("meanwhile");
    bazaar.meanwhile = async () => {
      clock.advance(SECOND);
      await shop.retryBilling({ tenant }, tenant);
    };
    await report(shop);
    bazaar.unsubscribed.delete(tenant);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(await stateOf()).toEqual(["7 accepted billed 2/1"]);
  });
});

describe("a batch", () => {
  test.each([0, 11, 24])(
    "with a bad record at place %i is halved until that one stands alone: the others are billed",
    async (place) => {
      const many = await Promise.all(Array.from({ length: 25 }, () => subscriber({ lot: "crowd" })));
      const sorted = many.toSorted();
      for (const [index, one] of sorted.entries()) {
        const dimension = index === place ? "documents" : "requests";
        await send(shop, { id: randomUUID(), tenant: one, dimension, quantity: 1 });
      }
      await endHour();
      bazaar.refused.add("documents");
      const calls = bazaar.calls.length;
      await report(shop);
      const states = (await Promise.all(sorted.map((one) => stateOf(one)))).flat();
      expect(states.filter((state) => /^1 accepted billed/.test(state))).toHaveLength(24);
      expect(states[place]).toMatch(/^1 refused rejected/);
      const sizes = bazaar.calls.slice(calls).map(({ records }) => records.length);
      expect(sizes[0]).toBe(25);
      expect(sizes.length).toBeLessThanOrEqual(11);
      expect(await historyOf(sorted[place])).toContain("usage.lost");
    },
  );

  test("holds records of one lot, no more than fit, and the most urgent first", async () => {
    const small = meteredBazaar(clock, { most: { records: 3, bytes: 3_000, callsPerSecond: 1_000 } });
    const other = await testProvider({ beside: shop, reporting: new Map([[MARKETPLACE, small]]) });
    const urgent = await subscriber({ lot: "urgent" });
    const tenants = await Promise.all([0, 1, 2, 3].map(() => subscriber({ lot: "plain" })));
    const wide = await subscriber({ lot: "wide" });
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
    await endHour();
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
    await sealed();
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
    expect(await stateOf()).toEqual(["7 accepted billed 3/2"]);
    const [lot] = await shop.look("select faults, fault from usage_lots where lot = 'here'");
    expect(lot).toEqual({ faults: 0, fault: null });
  });
});

describe("a record that is not taken in time", () => {
  test("and was refused for certain each time is carried over to the next", async () => {
    await sealed();
    bazaar.answer("throttled");
    await report(shop);
    clock.advance(24 * HOUR);
    await settle(shop);
    expect([(await stateOf())[0], await balance()]).toEqual(["7 expired carried_over 1/1", 0]);
    await report(shop);
    expect((await stateOf()).at(-1)).toBe("7 accepted billed 1/0");
    expect(bazaar.total(tenant)).toBe(7);
  });

  test("and may have been taken by an attempt nobody knows the end of stays where it is", async () => {
    await sealed();
    bazaar.answer("lost");
    await report(shop);
    clock.advance(24 * HOUR);
    await settle(shop);
    await report(shop);
    expect([await stateOf(), await balance()]).toEqual([["7 expired too_late_unknown 1/0"], 0]);
    expect(bazaar.total(tenant)).toBe(7);
  });

  test("of a tenant that has ended is lost, since there is no later one", async () => {
    await use(7);
    await shop.endBilling(
      { tenant },
      { billingReference: tenant, endedAt: clock.now(), flushBy: new Date(clock.now().getTime() + HOUR) },
    );
    await shop.deprovision(about({ id: tenant }));
    await settle(shop);
    bazaar.answer("throttled");
    await report(shop);
    clock.advance(HOUR);
    await settle(shop);
    expect(await stateOf()).toEqual(["7 expired too_late 1/1"]);
    expect(await historyOf()).toContain("usage.lost");
  });

  test("as the marketplace says, earlier than we thought, is carried over; in company it is halved out first", async () => {
    const strict = meteredBazaar(clock, { rules: { windowHours: 24, monthGraceHours: 6 } });
    const own = await testProvider({ beside: shop, reporting: new Map([[MARKETPLACE, strict]]) });
    await sealed(3);
    await sealed(4);
    Object.assign(strict.rules, { windowHours: 2 });
    clock.advance(5 * SECOND);
    await report(own);
    expect(await stateOf()).toEqual(["3 expired carried_over 2/2", "4 accepted billed 2/1"]);
    Object.assign(strict.rules, { windowHours: 24 });
    await endHour();
    await report(own);
    expect(strict.total(tenant)).toBe(7);
    expect(strict.offences).toEqual([]);
  });

  test("is told of six hours and one hour before, once each", async () => {
    await sealed();
    bazaar.otherwise = () => "throttled";
    await report(shop);
    const told = async () => (await historyOf()).filter((type) => type === "usage.at_risk").length;
    const seen: number[] = [];
    for (const hours of [15, 1, 2, 3, 1]) {
      clock.advance(hours * HOUR);
      await settle(shop);
      await settle(shop);
      seen.push(await told());
    }
    expect(seen).toEqual([0, 0, 1, 1, 2]);
  });

  test("has until six hours after the end of its month, and not longer", async () => {
    clock.advance(Date.parse("2026-04-30T23:10:00Z") - clock.now().getTime());
    tenant = await subscriber();
    await sealed();
    const [row] = await shop.look<{ until: Date }>(
      "select expires_at as until from usage_records where tenant_id = $1",
      [tenant],
    );
    expect(row?.until).toEqual(new Date("2026-05-01T06:00:00Z"));
    clock.advance(Date.parse("2026-05-01T05:59:59Z") - clock.now().getTime());
    await report(shop);
    expect(await stateOf()).toEqual(["7 accepted billed 1/0"]);
  });
});

describe("the pace", () => {
  test("is kept by all processes together: calls leave no faster than the quota, and batches stay full", async () => {
    const slow = meteredBazaar(clock, { most: { records: 25, bytes: 900_000, callsPerSecond: 20 } });
    const reporting = new Map([[MARKETPLACE, slow]]);
    const processes = await Promise.all([0, 1].map(() => testProvider({ beside: shop, reporting })));
    const tenants = await Promise.all(Array.from({ length: 25 }, () => subscriber({ lot: "slow", pace: "slow" })));
    for (let hour = 0; hour < 12; hour += 1) {
      for (const one of tenants)
        await send(shop, { id: randomUUID(), tenant: one, dimension: "requests", quantity: 1 });
      await endHour();
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
    await sealed();
    bazaar.answer("throttled");
    await report(shop);
    clock.advance(3 * SECOND);
    const startedAt = performance.now();
    await report(shop);
    expect(performance.now() - startedAt).toBeGreaterThan(500);
    expect(await stateOf()).toEqual(["7 accepted billed 2/1"]);
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
    await sealed();
    await report(own);
    expect([await stateOf(), shadow.calls]).toEqual([["7 accepted shadow 1/0"], []]);
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
    await sealed();
    let goOn: (line: "taken") => void = () => undefined;
    bazaar.answer(new Promise((resolve) => (goOn = resolve)));
    const slow = shop.reportUsage(0);
    await called(1);
    expect(await other.reportUsage(0)).toBe(false);
    clock.advance(31 * SECOND);
    expect(await other.reportUsage(0)).toBe(true);
    expect(await stateOf()).toEqual(["7 accepted billed 2/0"]);
    goOn("taken");
    await slow;
    expect(await stateOf()).toEqual(["7 accepted billed 2/0"]);
    expect(await historyOf()).not.toContain("usage.conflict");
  });

  test("know of each other's attempts: what the first one landed is no conflict for the second", async () => {
    const other = await testProvider({ beside: shop });
    bazaar.repeats = "held_another";
    await sealed();
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
    expect(await stateOf()).toEqual(["7 accepted billed_before 2/0"]);
  });
});

import { randomUUID } from "node:crypto";
import { HOUR, MINUTE, SECOND, testClock } from "./support/clock.ts";
import { type Line, type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { about, closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { report, send, settle } from "./support/usage.ts";
import { endHour, endReports, sealed, stateOf, subscriber, use } from "./support/usage-report.ts";

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

async function balance(): Promise<number> {
  const [row] = await shop.look<{ balance: string }>("select balance from usage_carries where tenant_id = $1", [
    tenant,
  ]);
  return Number(row?.balance ?? 0);
}

describe("a sealed record", () => {
  test("is reported once, with the stamp of its hour and the id it was given", async () => {
    await sealed(shop, tenant);
    const calls = bazaar.calls.length;
    await report(shop);
    await report(shop);
    expect(bazaar.calls.length).toBe(calls + 1);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 1/0"]);
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
    await sealed(shop, tenant);
    bazaar.answer(line);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual([between]);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual([expect.stringMatching(/^7 accepted billed 2/)]);
    expect(bazaar.total(tenant)).toBe(7);
  });

  test("that the answer says nothing of is unknown, and not taken for billed", async () => {
    const other = await subscriber(shop);
    await send(shop, { id: randomUUID(), tenant: other, dimension: "requests", quantity: 5 });
    await sealed(shop, tenant);
    bazaar.answer("half missing");
    await report(shop);
    const states = [...(await stateOf(shop, tenant)), ...(await stateOf(shop, other))]
      .map((line) => line.slice(2))
      .sort();
    expect(states).toEqual(["accepted billed 1/0", "sent 1/0"]);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(bazaar.total(tenant) + bazaar.total(other)).toBe(12);
  });

  test("that it already holds after an attempt nobody knows the end of was billed before, to be audited", async () => {
    bazaar.repeats = "held_another";
    await sealed(shop, tenant);
    bazaar.answer("lost");
    await report(shop);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed_before 2/0"]);
    expect(bazaar.total(tenant)).toBe(7);
  });

  test.each<[string, readonly Line[]]>([
    ["on the first attempt", []],
    ["after attempts that were all refused for certain", ["throttled", "unprocessed"]],
  ])("that it already holds %s is a conflict, told and never taken for billed", async (_, before) => {
    await sealed(shop, tenant);
    bazaar.answer(...before);
    const hour = new Date(Math.floor(clock.now().getTime() / HOUR) * HOUR - HOUR);
    for (const _line of before) {
      await report(shop);
      clock.advance(10 * SECOND);
    }
    bazaar.hold(tenant, "requests", hour, 1);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual([`7 refused conflict ${before.length + 1}/${before.length}`]);
    expect(await shop.events({ id: tenant })).toContain("usage.conflict");
    expect(bazaar.total(tenant)).toBe(1);
  });

  test("of a purchase it does not know waits, is tried when there is news, and is refused at the deadline", async () => {
    bazaar.unsubscribed.add(tenant);
    await sealed(shop, tenant);
    await report(shop);
    clock.advance(2 * MINUTE);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual(["7 sealed 1/1"]);
    await shop.retryBilling({ tenant }, tenant);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual(["7 sealed 2/2"]);
    bazaar.unsubscribed.delete(tenant);
    await shop.retryBilling({ tenant }, tenant);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 3/2"]);

    bazaar.unsubscribed.add(tenant);
    await sealed(shop, tenant);
    await report(shop);
    clock.advance(24 * HOUR);
    await settle(shop);
    expect((await stateOf(shop, tenant)).at(-1)).toBe("7 refused not_subscribed 1/1");
    expect(await shop.events({ id: tenant })).toContain("usage.lost");
  });

  test("of a purchase with news while it was being sent is tried again without more", async () => {
    bazaar.unsubscribed.add(tenant);
    await sealed(shop, tenant);
    bazaar.answer("meanwhile");
    bazaar.meanwhile = async () => {
      clock.advance(SECOND);
      await shop.retryBilling({ tenant }, tenant);
    };
    await report(shop);
    bazaar.unsubscribed.delete(tenant);
    clock.advance(3 * SECOND);
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 2/1"]);
  });
});

describe("a record that is not taken in time", () => {
  test("and was refused for certain each time is carried over to the next", async () => {
    await sealed(shop, tenant);
    bazaar.answer("throttled");
    await report(shop);
    clock.advance(24 * HOUR);
    await settle(shop);
    expect([(await stateOf(shop, tenant))[0], await balance()]).toEqual(["7 expired carried_over 1/1", 0]);
    await report(shop);
    expect((await stateOf(shop, tenant)).at(-1)).toBe("7 accepted billed 1/0");
    expect(bazaar.total(tenant)).toBe(7);
  });

  test("and may have been taken by an attempt nobody knows the end of stays where it is", async () => {
    await sealed(shop, tenant);
    bazaar.answer("lost");
    await report(shop);
    clock.advance(24 * HOUR);
    await settle(shop);
    await report(shop);
    expect([await stateOf(shop, tenant), await balance()]).toEqual([["7 expired too_late_unknown 1/0"], 0]);
    expect(bazaar.total(tenant)).toBe(7);
  });

  test("of a tenant that has ended is lost, since there is no later one", async () => {
    await use(shop, tenant, 7);
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
    expect(await stateOf(shop, tenant)).toEqual(["7 expired too_late 1/1"]);
    expect(await shop.events({ id: tenant })).toContain("usage.lost");
  });

  test("as the marketplace says, earlier than we thought, is carried over; in company it is halved out first", async () => {
    const strict = meteredBazaar(clock, { rules: { windowHours: 24, monthGraceHours: 6 } });
    const own = await testProvider({ beside: shop, reporting: new Map([[MARKETPLACE, strict]]) });
    await sealed(shop, tenant, 3);
    await sealed(shop, tenant, 4);
    Object.assign(strict.rules, { windowHours: 2 });
    clock.advance(5 * SECOND);
    await report(own);
    expect(await stateOf(shop, tenant)).toEqual(["3 expired carried_over 2/2", "4 accepted billed 2/1"]);
    Object.assign(strict.rules, { windowHours: 24 });
    await endHour(shop);
    await report(own);
    expect(strict.total(tenant)).toBe(7);
    expect(strict.offences).toEqual([]);
  });

  test("is told of six hours and one hour before, once each", async () => {
    await sealed(shop, tenant);
    bazaar.otherwise = () => "throttled";
    await report(shop);
    const told = async () => (await shop.events({ id: tenant })).filter((type) => type === "usage.at_risk").length;
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
    tenant = await subscriber(shop);
    await sealed(shop, tenant);
    const [row] = await shop.look<{ until: Date }>(
      "select expires_at as until from usage_records where tenant_id = $1",
      [tenant],
    );
    expect(row?.until).toEqual(new Date("2026-05-01T06:00:00Z"));
    clock.advance(Date.parse("2026-05-01T05:59:59Z") - clock.now().getTime());
    await report(shop);
    expect(await stateOf(shop, tenant)).toEqual(["7 accepted billed 1/0"]);
  });
});

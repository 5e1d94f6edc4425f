import { buyer } from "./support/buyer.ts";
import { HOUR, MINUTE, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, report, reportsOf, settle } from "./support/usage.ts";

let shop: TestProvider;
let bazaar: MeteredBazaar;
let tenant: string;
const clock = testClock("2026-03-10T12:00:00Z");

beforeAll(async () => {
  bazaar = meteredBazaar(clock);
  shop = await testProvider({ clock, reporting: new Map([[MARKETPLACE, bazaar]]) });
});

beforeEach(async () => {
  tenant = await newTenant(shop);
});

afterEach(() => {
  expect(bazaar.offences).toEqual([]);
});

afterAll(closeProviders);

const { pays, ends, use, endHour, look, balance } = buyer(() => ({ shop, tenant, clock }));

describe("the units of a record", () => {
  test("are those of the payer of the hour, stamped no earlier than its beginning", async () => {
    clock.advance(20 * MINUTE);
    const from = clock.now();
    await pays({ from });
    await use(3);
    await endHour();
    expect(await look("stamped_at, billing_reference")).toEqual([{ stamped_at: from, billing_reference: tenant }]);
  });

  test("that nobody pays for wait, and are somebody's who comes later for that hour", async () => {
    const from = clock.now();
    await use(3);
    await endHour();
    await endHour();
    expect(await reportsOf(shop, tenant)).toEqual([expect.stringMatching(/requests sealed$/)]);
    await pays({ from });
    await settle(shop);
    await report(shop);
    expect(bazaar.total(tenant)).toBe(3);
  });

  test.each(["!", "~"])(
    "are not kept from a payer by another who came and went in the same second: %s",
    async (sign) => {
      const from = clock.now();
      const passing = `${sign} ${tenant}`;
      await pays({ from });
      await pays({ billingReference: passing, from });
      await ends(passing);
      await use(1);
      await endHour();
      await use(1);
      await endHour();
      expect(await look("billing_reference as who, units::int")).toEqual(Array(2).fill({ who: tenant, units: 1 }));
    },
  );

  test("that nobody has paid for by the deadline are lost, and the tenant's history says so", async () => {
    await use(3);
    await endHour();
    clock.advance(24 * HOUR);
    await settle(shop);
    expect(await reportsOf(shop, tenant)).toEqual([expect.stringMatching(/requests expired no_payer$/)]);
    expect(await shop.events({ id: tenant })).toContain("usage.lost");
  });

  test("whose payer is heard of only after an outage are carried over and not lost", async () => {
    const from = clock.now();
    await use(3);
    await endHour();
    clock.advance(24 * HOUR);
    const awake = await testProvider({ beside: shop, reporting: new Map([[MARKETPLACE, bazaar]]) });
    await settle(awake);
    expect(await reportsOf(awake, tenant)).toEqual([expect.stringMatching(/requests sealed$/)]);
    await pays({ from });
    await settle(awake);
    await report(awake);
    expect(await reportsOf(awake, tenant)).toEqual([
      expect.stringMatching(/requests 3 expired carried_over$/),
      expect.stringMatching(/requests 3 accepted billed$/),
    ]);
    expect(bazaar.total(tenant)).toBe(3);
  });

  test("of a marketplace that bills none are kept and never waited for", async () => {
    const own = await testProvider({ beside: shop, reporting: new Map() });
    await use(3);
    clock.advance(2 * HOUR);
    await settle(own);
    expect(await reportsOf(own, tenant)).toEqual([expect.stringMatching(/requests sealed not_billed$/)]);
  });

  test("stay with the first payer of an hour once they are frozen, and go to the next from its hour on", async () => {
    await pays();
    await use(1);
    await endHour();
    clock.advance(10 * MINUTE);
    await ends();
    await pays({ billingReference: `${tenant} renewed`, from: clock.now() });
    await use(2);
    await endHour();
    await pays({ billingReference: `${tenant} renewed`, from: new Date(clock.now().getTime() - 6 * HOUR) });
    await settle(shop);
    expect((await look<{ who: string }>("billing_reference as who, units::int")).map((row) => row)).toEqual([
      { who: tenant, units: 1 },
      { who: `${tenant} renewed`, units: 2 },
    ]);
  });

  test("after the end of a purchase wait for another, and a balance goes over to it", async () => {
    await pays();
    await use("1.5");
    await endHour();
    await ends();
    await endHour();
    await use("1.5");
    await endHour();
    expect((await reportsOf(shop, tenant)).at(-1)).toMatch(/requests sealed$/);
    await pays({ billingReference: `${tenant} renewed`, from: new Date(clock.now().getTime() - 2 * HOUR) });
    await settle(shop);
    await report(shop);
    expect([bazaar.total(`${tenant} renewed`), await balance()]).toEqual([2, "0.0"]);
  });

  test("that only this process's marketplace could bill wait while it is not set up here", async () => {
    const own = await testProvider({ beside: shop, reporting: new Map() });
    await pays();
    await use(3);
    clock.advance(2 * HOUR);
    await settle(own);
    expect(await reportsOf(own, tenant)).toEqual([expect.stringMatching(/requests sealed$/)]);
    await settle(shop);
    await report(shop);
    expect(bazaar.total(tenant)).toBe(3);
  });
});

import { randomUUID } from "node:crypto";
import { dryRun, sendNow, usageGrid } from "../src/metering/operator.ts";
import { meteringGauges, sealingLag } from "../src/metering/read.ts";
import { DAY, HOUR, MINUTE, type TestClock, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, report, send, settle } from "./support/usage.ts";

let shop: TestProvider;
let bazaar: MeteredBazaar;
let tenant: string;
let clock: TestClock;

beforeEach(async () => {
  clock = testClock("2026-03-10T12:00:00Z");
  bazaar = meteredBazaar(clock);
  shop = await testProvider({ clock, reporting: new Map([[MARKETPLACE, bazaar]]) });
  tenant = await newTenant(shop);
  await shop.billTo(
    { tenant },
    { billingReference: tenant, lot: "here", pace: "ours", bills: "all", from: clock.now() },
  );
});

afterEach(closeProviders);

const use = (quantity: number | string, more = {}) =>
  send(shop, { id: randomUUID(), tenant, dimension: "requests", quantity, ...more });

async function endHour(): Promise<void> {
  clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
  await settle(shop);
}

const grid = async () => {
  const to = new Date(clock.now().getTime() + DAY);
  const cells = await usageGrid(shop.deps.store, tenant, { from: new Date(to.getTime() - 9 * DAY), to });
  return cells.map(({ dimension, quantity, units, why }) => `${dimension} ${quantity} ${units}: ${why}`);
};

describe("an operator", () => {
  test("sees why each record is where it is", async () => {
    await use(2);
    await endHour();
    await report(shop);
    bazaar.unsubscribed.add(tenant);
    await use(3);
    await endHour();
    await report(shop);
    bazaar.answer("lost");
    await use(4, { dimension: "documents" });
    await endHour();
    await report(shop);
    await use(5);
    await settle(shop);
    expect(await grid()).toEqual([
      expect.stringMatching(/^requests 2 2: The marketplace bills it\. \(id of /),
      "requests 3 3: The marketplace knows no such purchase: it is sent again when there is news of it.",
      expect.stringMatching(
        /^documents 4 4: Nobody knows whether an attempt was applied \(time-out\)\. It is due 2026/,
      ),
      "requests 5 null: The hour is not sealed yet.",
    ]);
  });

  test("sees what would be sent, which changes nothing, and sends what waits at once", async () => {
    await use(2);
    await use(7, { dimension: "documents" });
    await endHour();
    const look = () => dryRun(shop.deps.store, MARKETPLACE, bazaar, clock.now());
    const batches = await look();
    expect(batches).toMatchObject([{ lot: "here", records: [{ units: 7 }, { units: 2, billingReference: tenant }] }]);
    expect(bazaar.calls).toEqual([]);
    expect(await look()).toEqual(batches);

    bazaar.answer("misconfigured");
    await report(shop);
    await report(shop);
    expect(bazaar.calls.map(({ records }) => records)).toEqual([batches[0]?.records]);
    expect(await sendNow(shop.deps.store, tenant, clock.now())).toBe(2);
    await report(shop);
    expect(bazaar.total(tenant)).toBe(9);
  });

  test("finds every unit in the summary, by why, reason and marketplace", async () => {
    await use("2.5");
    await endHour();
    await report(shop);
    bazaar.refused.add("documents");
    await use(4, { dimension: "documents" });
    await endHour();
    await report(shop);
    await use(6);
    await settle(shop);
    const waits = { waiting: { requests: 6 }, lost: { documents: 4 }, carried: { requests: 0.5 } };
    expect(await shop.meteringSummary()).toEqual({
      ...waits,
      lost_by_reason: { rejected: { documents: 4 } },
      at_risk: {},
      to_audit: {},
      not_billed: {},
      conflicts: 0,
      oldest_waiting_at: "2026-03-10T14:00:00.000Z",
      marketplaces: { [MARKETPLACE]: waits },
    });
    bazaar.answer("dropped");
    await endHour();
    await report(shop);
    clock.advance(18 * HOUR);
    expect(await shop.meteringSummary()).toMatchObject({
      waiting: {},
      at_risk: { requests: 6 },
      carried: { requests: 0.5 },
    });
    const gauges = await meteringGauges(shop.deps.store, [MARKETPLACE], clock.now());
    expect(gauges).toEqual(
      expect.arrayContaining([
        { gauge: "waiting_records", marketplace: MARKETPLACE, age: "longer", deadline: "six_hours", value: 1 },
        { gauge: "lost_units", marketplace: MARKETPLACE, reason: "rejected", value: 4 },
        { gauge: "carried_units", marketplace: MARKETPLACE, value: 0.5 },
      ]),
    );
  });

  test("is told how late the sealing is", async () => {
    await use(1);
    await settle(shop);
    expect(await sealingLag(shop.deps.store, clock.now())).toBe(0);
    clock.advance(3 * HOUR);
    expect(await sealingLag(shop.deps.store, clock.now())).toBeGreaterThan(HOUR);
    await settle(shop);
    expect(await sealingLag(shop.deps.store, clock.now())).toBe(0);
  });
});

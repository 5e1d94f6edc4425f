import { randomUUID } from "node:crypto";
import { meteringGauges, sealingLag } from "../src/metering/read.ts";
import { HOUR, MINUTE, type TestClock, testClock } from "./support/clock.ts";
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

describe("an operator", () => {
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

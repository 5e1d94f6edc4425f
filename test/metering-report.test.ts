import { randomUUID } from "node:crypto";
import { HOUR, MINUTE, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
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

describe("a sealed record", () => {
  test("is reported once, with the stamp of its hour", async () => {
    await use(7);
    await endHour();
    await report(shop);
    await report(shop);
    expect(await reportsOf(shop, tenant)).toEqual([expect.stringMatching(/requests 7 accepted billed$/)]);
    expect(bazaar.total(tenant)).toBe(7);
    expect(bazaar.offences).toEqual([]);
  });
});

import { randomUUID } from "node:crypto";
import { DAY, HOUR, MINUTE, testClock } from "./support/clock.ts";
import { meteredBazaar } from "./support/metered-bazaar.ts";
import { closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, report, send, settle } from "./support/usage.ts";

let shop: TestProvider;
const clock = testClock("2026-03-10T12:00:00Z");

beforeAll(async () => {
  shop = await testProvider({ clock, reporting: new Map([[MARKETPLACE, meteredBazaar(clock)]]) });
});
afterAll(closeProviders);

async function forget(at: Date, atMost = 1_000): Promise<number> {
  const [row] = await shop.deps.store.throughDoor<{ gone: number }>({
    text: "select forget_usage_attempts($1, $2) as gone",
    values: [at, atMost],
  });
  return row?.gone ?? Number.NaN;
}

const later = (start: Date, ms: number): Date => new Date(start.getTime() + ms);

describe("attempts to report usage", () => {
  test("are kept for 90 days after their record has ended, and go in bounded steps", async () => {
    const began = clock.now();
    const tenant = await newTenant(shop);
    await shop.billTo({ tenant }, { billingReference: tenant, lot: "here", pace: "ours", bills: "all", from: began });
    for (let hour = 0; hour < 3; hour += 1) {
      await send(shop, { id: randomUUID(), tenant, dimension: "requests", quantity: 1 });
      clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
      await settle(shop);
      await report(shop);
    }
    // The first ended at 13:11, the others an hour and two later.
    const ninety = 90 * DAY;
    for (let passed = 0; passed <= ninety; passed += 6 * DAY) expect(await forget(later(began, passed))).toBe(0);
    expect(await forget(later(began, ninety + 70 * MINUTE))).toBe(0);
    expect(await forget(later(began, ninety + 75 * MINUTE))).toBe(1);
    expect(await forget(later(began, ninety + DAY), 1)).toBe(1);
    expect(await forget(later(began, ninety + DAY), 1)).toBe(1);
    expect(await forget(later(began, ninety + DAY), 1)).toBe(0);
    const [left] = await shop.look<{ records: number; attempts: number }>(
      `select (select count(*) from usage_records where tenant_id = $1)::int as records,
              (select count(*) from usage_attempts where tenant_id = $1)::int as attempts`,
      [tenant],
    );
    expect(left).toEqual({ records: 3, attempts: 0 });
  });
});

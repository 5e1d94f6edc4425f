import { randomUUID } from "node:crypto";
import fc from "fast-check";
import { buyer } from "./support/buyer.ts";
import { HOUR, MINUTE, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
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
  tenant = await newTenant(shop);
});

afterEach(() => {
  expect(bazaar.offences).toEqual([]);
});

afterAll(closeProviders);

const { pays, ends, use, endHour, look, balance } = buyer(() => ({ shop, tenant, clock }));

describe("the units of a record", () => {
  test("are whole: a fraction is carried into the next record", async () => {
    await pays();
    await use("2.25");
    await endHour();
    await use("0.5");
    await endHour();
    await use("0.5");
    await endHour();
    expect((await reportsOf(shop, tenant)).map((line) => line.slice(6))).toEqual([
      "requests 2 accepted billed",
      "requests 0 accepted nothing_to_bill",
      "requests 1 accepted billed",
    ]);
    expect(await balance()).toBe("0.25");
  });

  test("are at most 2^31 - 1: the rest goes into records of later hours, made for it where there was no usage", async () => {
    await pays();
    await use(5_000_000_000);
    for (let hour = 0; hour < 4; hour += 1) await endHour();
    expect(await look("units::int, quantity::bigint")).toEqual([
      { units: 2_147_483_647, quantity: "5000000000" },
      { units: 2_147_483_647, quantity: "0" },
      { units: 705_032_706, quantity: "0" },
    ]);
    expect([bazaar.total(tenant), await balance()]).toEqual([5_000_000_000, "0"]);
  });

  test("go at once into the hour in which the purchase ends, though nothing was used in it: none comes after", async () => {
    await pays();
    await use(3_000_000_000);
    await endHour();
    await ends();
    await shop.deprovision(about({ id: tenant }));
    await settle(shop);
    await report(shop);
    expect(await look("units::int, quantity::bigint")).toEqual([
      { units: 2_147_483_647, quantity: "3000000000" },
      { units: 852_516_353, quantity: "0" },
    ]);
    expect([bazaar.total(tenant), await balance()]).toEqual([3_000_000_000, "0"]);
  });
});

describe("what a contract includes", () => {
  const includes = (quantity: number, more = {}) =>
    shop.include(
      { tenant },
      {
        ...{ billingReference: tenant, dimension: "requests", quantity },
        ...{ from: clock.now(), until: new Date(clock.now().getTime() + 100 * HOUR) },
        ...more,
      },
    );

  test("is used up first and exactly, and only the rest is billed", async () => {
    await pays({ bills: "excess" });
    await includes(10);
    for (const quantity of [4, "5.5", 3]) {
      await use(quantity);
      await endHour();
    }
    expect(await look("included, units::int, carried_out, verdict")).toEqual([
      { included: "4", units: 0, carried_out: "0", verdict: "nothing_to_bill" },
      { included: "5.5", units: 0, carried_out: "0.0", verdict: "nothing_to_bill" },
      { included: "0.5", units: 2, carried_out: "0.5", verdict: "billed" },
    ]);
  });

  test("of a period that ends is used before that of the next one, and ends with it", async () => {
    const middle = new Date(Math.ceil((clock.now().getTime() + 1) / HOUR) * HOUR + 30 * MINUTE);
    await pays({ bills: "excess" });
    await includes(10, { until: middle });
    await includes(10, { from: middle });
    await endHour();
    await use(12);
    await endHour();
    await use(9);
    await endHour();
    expect(await look("included::int, units::int")).toEqual([
      { included: 12, units: 0 },
      { included: 8, units: 1 },
    ]);
  });

  test("of other dimensions, and of a payer that bills none or another dimension, is no matter of the bill", async () => {
    await pays({ bills: "none" });
    await use(3);
    await endHour();
    await pays({ dimensions: ["documents"] });
    await use(4);
    await endHour();
    expect((await reportsOf(shop, tenant)).map((line) => line.slice(6))).toEqual([
      "requests 0 accepted not_metered",
      "requests 0 accepted not_metered",
    ]);
    expect(bazaar.total(tenant)).toBe(0);
  });
});

describe("tags", () => {
  test("become allocations that add up, with what has no tags as one of them", async () => {
    await pays();
    await use(5, { tags: { team: "a" } });
    await use(2, { tags: { team: "a" } });
    await use(2, { tags: { team: "b", app: "x" } });
    await use(1);
    await endHour();
    expect(await look("allocations")).toEqual([
      {
        allocations: [
          { units: 7, tags: { team: "a" } },
          { units: 2, tags: { app: "x", team: "b" } },
          { units: 1, tags: {} },
        ],
      },
    ]);
  });

  test("that do not fit are left out: foreign characters, an empty or a long value, and the sixth name", async () => {
    await pays();
    await use(1, { tags: { team: "ä" } });
    await use(2, { tags: { team: "" } });
    await use(4, { tags: { ["n".repeat(101)]: "x", good: "a b+c=d._:/@-" } });
    for (const [index, name] of ["p", "q", "r", "s", "t"].entries()) await use(20 - index, { tags: { [name]: "1" } });
    await endHour();
    const [row] = await look<{ allocations: { units: number; tags: object }[] }>("allocations");
    expect(row?.allocations.map(({ units, tags }) => [units, ...Object.keys(tags)])).toEqual([
      [20, "p"],
      [19, "q"],
      [18, "r"],
      [17, "s"],
      [16, "t"],
      [7],
    ]);
  });

  test("share out any whole number of units by largest remainders", async () => {
    const parts = fc.array(fc.integer({ min: 0, max: 100_000_000 }), { minLength: 1, maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(parts, fc.integer({ min: 0, max: 999_999 }), fc.nat(100), async (thousandths, rest, less) => {
        const buckets = thousandths.map((quantity, index) => ({
          ...{ tenant, dimension: "requests", tags: { n: `${index}` } },
          quantity: quantity / 1_000,
        }));
        const weight = (thousandths.reduce((sum, one) => sum + one, 0) + rest + 1_000) / 1_000;
        const units = Math.max(1, Math.floor(weight) - less);
        const [row] = await shop.look<{ parts: { units: number; tags: { n?: string } }[] | null }>(
          "select allocations as parts from allocate_usage($1, $2)",
          [JSON.stringify([{ tenant, dimension: "requests", units, weight }]), JSON.stringify(buckets)],
        );
        if (!row?.parts) return;
        expect(row.parts.reduce((sum, part) => sum + part.units, 0)).toBe(units);
        for (const part of row.parts) {
          const own = part.tags.n === undefined ? undefined : buckets[Number(part.tags.n)]?.quantity;
          if (own !== undefined) expect(Math.abs(part.units - (units * own) / weight)).toBeLessThan(1);
        }
      }),
      { numRuns: 60 },
    );
  });
});

describe("heartbeats", () => {
  test("report zero for hours without usage, of who pays then, once", async () => {
    const own = testClock("2026-03-10T12:00:00Z");
    const alive = meteredBazaar(own, { heartbeats: true });
    const other = await testProvider({ clock: own, reporting: new Map([[MARKETPLACE, alive]]) });
    const quiet = await newTenant(other);
    const from = own.now();
    await other.billTo(
      { tenant: quiet },
      { billingReference: "quiet", lot: "here", pace: "ours", bills: "all", from, dimensions: ["requests"] },
    );
    for (let hour = 0; hour < 3; hour += 1) {
      own.advance(HOUR + 11 * MINUTE - (own.now().getTime() % HOUR));
      await settle(other);
      await settle(other);
      await report(other);
    }
    expect([...alive.ledger]).toEqual([
      ["quiet requests 2026-03-10T12", 0],
      ["quiet requests 2026-03-10T13", 0],
      ["quiet requests 2026-03-10T14", 0],
    ]);
    expect(alive.offences).toEqual([]);
  });
});

describe("a clock of ours that has jumped a year ahead", () => {
  test("seals nothing early, dates nothing late, and lets nothing expire", async () => {
    const ahead = { ...testClock(new Date(Date.now() + 365 * 24 * HOUR).toISOString()), real: true } as const;
    const alive = meteredBazaar(ahead);
    const other = await testProvider({ clock: ahead, reporting: new Map([[MARKETPLACE, alive]]) });
    const buyer = await newTenant(other);
    const from = new Date(Date.now() - 24 * HOUR);
    await other.billTo({ tenant: buyer }, { billingReference: "x", lot: "here", pace: "ours", bills: "all", from });
    const time = new Date(Date.now() - 3 * HOUR).toISOString();
    const one = { tenant: buyer, dimension: "requests", quantity: 1 };
    expect(await send(other, { id: "dated", time, ...one }, { id: "undated", ...one })).toEqual([
      "accepted",
      "accepted",
    ]);
    await settle(other);
    const [gate] = await other.look<{ through: Date }>("select sealed_through as through from usage_gate");
    expect(gate?.through.getTime()).toBeLessThan(Date.now());
    expect((await reportsOf(other, buyer)).map((line) => line.slice(6))).toEqual([
      "requests 1 sealed",
      "requests open",
    ]);
  });
});

describe("the end of a tenant", () => {
  test("seals the running hour, which goes out at once and before everything else", async () => {
    const others = await Promise.all([0, 1, 2].map(() => newTenant(shop)));
    for (const other of others) {
      await shop.billTo(
        { tenant: other },
        { billingReference: other, lot: "here", pace: "ours", bills: "all", from: clock.now() },
      );
      await send(shop, { id: randomUUID(), tenant: other, dimension: "requests", quantity: 1 });
    }
    await pays();
    clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
    await use(9);
    await ends();
    await shop.deprovision(about({ id: tenant }));
    await settle(shop);
    await shop.reportUsage(0);
    expect(bazaar.calls.at(-1)?.records[0]).toMatchObject({ billingReference: tenant, units: 9 });
    await report(shop);
    expect(await look("verdict, expires_at > sealed_at as in_time")).toEqual([{ verdict: "billed", in_time: true }]);
    expect(await use(1)).toEqual(["usage_closed"]);
  });
});

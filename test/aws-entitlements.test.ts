import type { Entitlement } from "../src/marketplaces/aws/api/entitlements.ts";
import {
  applyEntitlements,
  type EntitledProduct,
  type Included,
} from "../src/marketplaces/aws/entitlements/apply-entitlements.ts";

const plan = (id: string, codes: Record<string, string> = {}) => ({
  id,
  name: id,
  price: { cents: 100, unit: "month" as const },
  limits: { requests: 10, documents: 5 },
  isolation: "pool" as const,
  codes,
});
const dimension = (id: string, codes: Record<string, string> = {}) => ({
  id,
  name: id,
  unit: id,
  aggregation: "sum" as const,
  codes,
});
const catalog = {
  plans: [plan("basic"), plan("standard", { aws: "std_tier" }), plan("premium")],
  dimensions: [dimension("requests", { aws: "reqs" }), dimension("documents")],
};

const arn = "arn:aws:license-manager::123456789012:license:l-1";
const start = new Date("2026-01-01T00:00:00Z");
const end = new Date("2027-01-01T00:00:00Z");
const now = new Date("2026-05-01T00:00:00Z");
const contract: EntitledProduct = { model: "contract", plan: "basic" };
const consumption: EntitledProduct = { model: "contract-with-consumption", plan: "basic" };

const entitled = (code: string, value: Entitlement["value"], more: Partial<Entitlement> = {}): Entitlement => ({
  dimension: code,
  value,
  expiresAt: end,
  licenceArn: arn,
  ...more,
});

interface Given {
  readonly previous?: readonly Included[];
  readonly now?: Date;
  readonly licence?: { readonly arn?: string; readonly startedAt: Date; readonly endsAt?: Date };
}

const apply = (product: EntitledProduct, entitlements: readonly Entitlement[], given: Given = {}) =>
  applyEntitlements({ catalog, product, entitlements, licence: { arn, startedAt: start }, now, ...given });

describe("what entitlements come to", () => {
  test("a subscription is its product's plan, whatever AWS says of entitlements", () => {
    const subscription = { model: "subscription", plan: "standard" } as const;
    expect(apply(subscription, [])).toEqual({ held: true, plan: "standard", limits: {}, included: [] });
  });

  test("every entitlement counts, not only the first", () => {
    expect(apply(contract, [entitled("premium", true), entitled("reqs", 500), entitled("documents", 20)])).toEqual({
      held: true,
      plan: "premium",
      limits: { requests: 500, documents: 20 },
      included: [],
      until: end,
    });
  });

  test("a contract that has ended is not held", () => {
    expect(apply(contract, [])).toMatchObject({ held: false, limits: {}, included: [] });
    expect(apply(consumption, [entitled("reqs", 0), entitled("premium", false)])).toMatchObject({ held: false });
  });

  test("another licence of the same buyer adds nothing", () => {
    const other = { licenceArn: "arn:aws:license-manager::123456789012:license:l-2" };
    expect(apply(contract, [entitled("reqs", 5), entitled("reqs", 900, other)])).toMatchObject({
      limits: { requests: 5 },
    });
    expect(apply(contract, [entitled("reqs", 900, other)])).toMatchObject({ held: false });
  });

  test("the legacy generation has no licence to look at", () => {
    const { licenceArn: _, ...bare } = entitled("reqs", 7);
    expect(apply(contract, [bare], { licence: { startedAt: start } })).toMatchObject({ limits: { requests: 7 } });
  });

  test.each<[string, Entitlement["value"], number | undefined]>([
    ["an integer", 3, 3],
    ["a fraction", 2.5, 2.5],
    ["yes", true, 1],
    ["no", false, undefined],
    ["a number in a text", "40", 40],
    ["a text", "some", 1],
    ["nothing", undefined, undefined],
    ["an empty text", "", undefined],
    ["a negative number", -4, undefined],
  ])("%s is read as a quantity", (_, value, expected) => {
    expect(apply(contract, [entitled("premium", true), entitled("reqs", value)]).limits["requests"]).toBe(expected);
  });

  test("a text may name the plan, by its id or by AWS's code", () => {
    expect(apply(contract, [entitled("edition", "premium")]).plan).toBe("premium");
    expect(apply(contract, [entitled("edition", "std_tier")]).plan).toBe("standard");
    expect(apply(contract, [entitled("std_tier", 1)]).plan).toBe("standard");
  });

  test("of several plans the highest counts, in any order", () => {
    const both = [entitled("premium", 1), entitled("std_tier", 1)];
    expect(apply(contract, both).plan).toBe("premium");
    expect(apply(contract, both.toReversed()).plan).toBe("premium");
  });

  test("the product says what its own dimensions mean", () => {
    const dimensions = [
      { code: "gold", plan: "premium" },
      { code: "seats", limit: "users" },
      { code: "calls", dimension: "requests" },
    ];
    const all = [entitled("gold", 1), entitled("seats", 12), entitled("calls", 1_000)];
    expect(apply({ ...consumption, dimensions }, all)).toEqual({
      held: true,
      plan: "premium",
      limits: { users: 12 },
      included: [{ dimension: "requests", from: start, until: end, quantity: 1_000 }],
      until: end,
    });
  });

  test("what is included is no limit: more is metered", () => {
    expect(apply(consumption, [entitled("reqs", 100)])).toMatchObject({
      limits: {},
      included: [{ dimension: "requests", quantity: 100 }],
    });
  });

  test("an amendment goes on in its period, a renewal begins one where the last ended", () => {
    const previous = [{ dimension: "requests", from: start, until: end, quantity: 100 }];
    const later = new Date("2028-01-01T00:00:00Z");
    const more = [entitled("reqs", 300, { expiresAt: later })];
    expect(apply(consumption, more, { previous }).included).toEqual([
      { dimension: "requests", from: start, until: later, quantity: 300 },
    ]);
    expect(apply(consumption, more, { previous, now: end }).included).toEqual([
      { dimension: "requests", from: end, until: later, quantity: 300 },
    ]);
    const renewed = [...previous, { dimension: "requests", from: end, until: later, quantity: 300 }];
    expect(apply(consumption, more, { previous: renewed, now: end }).included[0]).toMatchObject({ from: end });
  });

  test("a contract without a date is included until its agreement ends, or for ever", () => {
    const { expiresAt: _, ...endless } = entitled("reqs", 1);
    expect(apply(consumption, [endless], { licence: { arn, startedAt: start, endsAt: end } }).included[0]?.until).toBe(
      end,
    );
    expect(apply(consumption, [endless])).toMatchObject({ included: [{ until: new Date("9999-01-01T00:00:00Z") }] });
    expect(apply(consumption, [endless])).not.toHaveProperty("until");
  });

  test("it holds until the first of its dates, and one that has passed is no end", () => {
    const sooner = new Date("2026-09-01T00:00:00Z");
    const passed = new Date("2026-04-01T00:00:00Z");
    const all = [
      entitled("reqs", 5, { expiresAt: passed }),
      entitled("documents", 1, { expiresAt: sooner }),
      entitled("premium", 1),
    ];
    expect(apply(contract, all)).toMatchObject({ held: true, limits: { requests: 5 }, until: sooner });
  });
});

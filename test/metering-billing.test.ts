import { findPlan } from "../src/catalog/catalog.ts";
import type { UsageReporting } from "../src/metering/reporting.ts";
import { HOUR } from "./support/clock.ts";
import { about, closeProviders, MARKETPLACE, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant } from "./support/usage.ts";

let shop: TestProvider;
let tenant: string;

const usage: UsageReporting = {
  most: { records: 25, bytes: 900_000, callsPerSecond: 10 },
  rules: { windowHours: 24, monthGraceHours: 6 },
  heartbeats: false,
  report: () => Promise.reject(new Error("Nothing is reported in this file.")),
};

beforeAll(async () => {
  shop = await testProvider({ reporting: new Map([[MARKETPLACE, usage]]) });
});

beforeEach(async () => {
  tenant = await newTenant(shop);
});

afterAll(closeProviders);

const at = (text: string) => new Date(`2026-03-01T${text}Z`);
const payer = (more = {}) => ({
  ...{ billingReference: `licence of ${tenant}`, lot: "here", pace: "ours", bills: "all", from: at("09:30:00") },
  ...more,
});
const payers = (of = tenant) =>
  shop.look(
    `select billing_reference as reference, from_hour, ended_at, bills, dimensions from usage_payers
     where tenant_id = $1 order by from_hour`,
    [of],
  );

describe("who pays", () => {
  test("is remembered from the hour on that holds the beginning, and brought up to date the second time", async () => {
    const ref = { tenant };
    await shop.billTo(ref, { ...payer(), bills: "all" });
    await shop.billTo(ref, { ...payer(), bills: "excess", dimensions: ["requests"] });
    expect(await payers()).toEqual([
      {
        reference: `licence of ${tenant}`,
        from_hour: at("09:00:00"),
        ended_at: null,
        bills: "excess",
        dimensions: ["requests"],
      },
    ]);
  });

  test("is one tenant at a time: another one is refused, and after an end gets only the hours behind it", async () => {
    const second = await newTenant(shop);
    const billed = { ...payer(), bills: "all" } as const;
    await shop.billTo({ tenant }, billed);
    await expect(shop.billTo({ tenant: second }, billed)).rejects.toMatchObject({ code: "request_conflict" });
    const end = { billingReference: billed.billingReference, endedAt: at("10:30:00"), flushBy: at("11:30:00") };
    await shop.endBilling({ tenant }, end);
    await shop.billTo({ tenant: second }, { ...billed, from: at("10:40:00") });
    expect(await payers(second)).toMatchObject([{ from_hour: at("11:00:00"), ended_at: null }]);
    // A later end of the first is believed as far as the hours are still its own.
    await shop.endBilling({ tenant }, { ...end, endedAt: at("12:30:00") });
    expect(await payers()).toMatchObject([{ from_hour: at("09:00:00"), ended_at: at("11:00:00") }]);
  });

  test("may end and come back under the same reference", async () => {
    const billed = { ...payer(), bills: "all" } as const;
    await shop.billTo({ tenant }, billed);
    await shop.endBilling(
      { tenant },
      { billingReference: billed.billingReference, endedAt: at("10:30:00"), flushBy: at("11:30:00") },
    );
    await shop.billTo({ tenant }, billed);
    expect(await payers()).toMatchObject([{ ended_at: at("10:30:00") }]);
    await shop.billTo({ tenant }, { ...billed, from: at("10:45:00") });
    expect(await payers()).toMatchObject([
      { from_hour: at("09:00:00"), ended_at: at("10:30:00") },
      { from_hour: at("11:00:00"), ended_at: null },
    ]);
  });

  test("is known before it ends", async () => {
    const end = { billingReference: "nobody's", endedAt: at("10:30:00"), flushBy: at("11:30:00") };
    await expect(shop.endBilling({ tenant }, end)).rejects.toMatchObject({ code: "request_malformed" });
  });
});

describe("what a contract includes", () => {
  test("takes a newer quantity for the same period, and keeps what is used", async () => {
    const included = {
      ...{ billingReference: "x", dimension: "requests", from: at("00:00:00"), until: at("12:00:00") },
      quantity: 100,
    };
    await shop.include({ tenant }, included);
    await shop.look("update usage_included set used = 70");
    await shop.include({ tenant }, { ...included, quantity: 50 });
    expect(await shop.look("select quantity, used from usage_included where tenant_id = $1", [tenant])).toEqual([
      { quantity: "50", used: "70" },
    ]);
  });
});

describe("entitlements", () => {
  const entitled = (more = {}) => ({ plan: "basic", limits: { requests: 7 }, ...about({ id: tenant }), ...more });

  test("become plan and limits, the product is told once, and the same again is not fresh", async () => {
    const standard = findPlan(shop.deps.catalog, "standard");
    const first = await shop.setEntitlements({ tenant }, entitled({ plan: "standard" }));
    expect(first).toMatchObject({ kind: "done", fresh: true, value: { plan: "standard", limits: { requests: 7 } } });
    expect(await shop.setEntitlements({ tenant }, entitled({ plan: "standard" }))).toMatchObject({ fresh: false });
    const calls = shop.product.calls.filter(({ verb }) => verb === "changePlan");
    expect(calls.map(({ previousPlan, plan, limits }) => [previousPlan, plan, limits])).toEqual([
      ["basic", "standard", { ...standard?.limits, requests: 7 }],
    ]);
  });

  test("with other limits alone are told as a change to the same plan", async () => {
    const before = shop.product.calls.length;
    await shop.setEntitlements({ tenant }, entitled());
    const later = new Date(shop.clock.now().getTime() + HOUR);
    expect(await shop.setEntitlements({ tenant }, entitled({ limits: { requests: 9 } }))).toMatchObject({
      fresh: true,
    });
    expect(await shop.setEntitlements({ tenant }, entitled({ limits: { requests: 9 }, until: later }))).toMatchObject({
      fresh: true,
      value: { entitledUntil: later },
    });
    const told = shop.product.calls.slice(before).map(({ plan, limits }) => [plan, limits["requests"]]);
    expect(told).toEqual([
      ["basic", 7],
      ["basic", 9],
    ]);
    expect((await shop.events({ id: tenant })).slice(-2)).toEqual(["limits.changed", "limits.changed"]);
  });

  test("are what a key is answered with, and what usage is held against", async () => {
    await shop.setEntitlements({ tenant }, entitled({ limits: { requests: 0 } }));
    const config = Object.values(await shop.configVars(tenant)).find((value) => value.startsWith("acmesearch"));
    expect(await shop.verifyKey(config ?? "")).toMatchObject({
      valid: true,
      limits: { requests: 0, documents: 10_000 },
    });
  });
});

import { randomUUID } from "node:crypto";
import { HOUR, MINUTE, SECOND, testClock } from "./support/clock.ts";
import { type MeteredBazaar, meteredBazaar } from "./support/metered-bazaar.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";
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
  await shop.billTo(
    { tenant },
    { billingReference: tenant, lot: "here", pace: "ours", bills: "all", from: clock.now() },
  );
});

afterEach(async () => {
  expect(bazaar.offences).toEqual([]);
  bazaar.refused.clear();
  bazaar.repeats = "billed";
  clock.advance(30 * HOUR);
  await settle(shop);
});

afterAll(async () => {
  await closeProviders();
  await closeProxies();
});

const use = (quantity: number | string) => send(shop, { id: randomUUID(), tenant, dimension: "requests", quantity });

async function endHour(worker = shop): Promise<void> {
  clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
  await settle(worker);
}

/** The lease of whoever died ends, and another worker goes on. */
async function recover(): Promise<void> {
  await settle(shop);
  clock.advance(31 * SECOND);
  await report(shop);
}

/** A worker whose next statement of this kind is cut off. */
async function doomed(statement: RegExp, when: "before" | "after") {
  const proxy = await pgProxy(shop.database.appUrl);
  const worker = await testProvider({ beside: shop, url: proxy.url });
  await worker.meterUsage();
  proxy.cut({ statement, when });
  return { worker, proxy };
}

const attemptsOf = async (verdict: string) => {
  const [row] = await shop.look<{ attempts: number }>(
    "select max(attempts) as attempts from usage_records where tenant_id = $1 and verdict = $2",
    [tenant, verdict],
  );
  return row?.attempts;
};

describe("a worker that is cut off", () => {
  test.each([
    ["while it sums", /roll_usage/],
    ["while it fixes what is on the record", /freeze_usage/],
  ] as const)("%s, before or after the commit, leaves what another one makes the same of", async (_, statement) => {
    for (const when of ["before", "after"] as const) {
      await use("2.5");
      const { worker, proxy } = await doomed(statement, when);
      clock.advance(HOUR + 11 * MINUTE - (clock.now().getTime() % HOUR));
      for (let round = 0; round < 3; round += 1) await worker.meterUsage().catch(() => undefined);
      expect(proxy.cuts).toBe(1);
      await recover();
    }
    expect(bazaar.total(tenant)).toBe(5);
    expect((await reportsOf(shop, tenant)).map((line) => line.slice(6))).toEqual([
      "requests 2 accepted billed",
      "requests 3 accepted billed",
    ]);
  });

  test.each([
    ["before the claim is committed", "before", 1],
    ["after it, before a byte is sent", "after", 2],
  ] as const)("%s: the record is sent by another, unchanged", async (_, when, attempts) => {
    await use(7);
    await endHour();
    const { worker, proxy } = await doomed(/claim_usage/, when);
    await expect(worker.reportUsage(0)).rejects.toMatchObject({ code: "unavailable" });
    expect(proxy.cuts).toBe(1);
    await recover();
    expect([bazaar.total(tenant), await attemptsOf("billed")]).toEqual([7, attempts]);
  });

  test.each(["billed", "held_another"] as const)(
    "after the answer, before it is written down: the next attempt is answered %s, and that is enough",
    async (repeats) => {
      await use(7);
      await endHour();
      const dying = await testProvider({ beside: shop });
      bazaar.meanwhile = () => dying.deps.metering.close();
      bazaar.answer("meanwhile");
      await expect(dying.reportUsage(0)).rejects.toThrow();
      bazaar.repeats = repeats;
      expect(await reportsOf(shop, tenant)).toEqual([expect.stringMatching(/requests 7 sent$/)]);
      await recover();
      const verdict = repeats === "billed" ? "billed" : "billed_before";
      expect([bazaar.total(tenant), await attemptsOf(verdict)]).toEqual([7, 2]);
    },
  );

  test.each(["before", "after"] as const)(
    "%s the settlement takes effect writes it down all the same",
    async (when) => {
      await use(7);
      await endHour();
      const { worker, proxy } = await doomed(/settle_usage/, when);
      await worker.reportUsage(0);
      expect([proxy.cuts, bazaar.total(tenant), await attemptsOf("billed")]).toEqual([1, 7, 1]);
    },
  );

  test.each(["before", "after"] as const)(
    "in the middle of halving, %s the next attempt is committed: the others are billed and the bad one stands alone",
    async (when) => {
      const others = await Promise.all([0, 1, 2, 3, 4].map(() => newTenant(shop)));
      for (const other of others) {
        await shop.billTo(
          { tenant: other },
          { billingReference: other, lot: "here", pace: "ours", bills: "all", from: clock.now() },
        );
        await send(shop, { id: randomUUID(), tenant: other, dimension: "requests", quantity: 1 });
      }
      await send(shop, { id: randomUUID(), tenant, dimension: "documents", quantity: 1 });
      await endHour();
      bazaar.refused.add("documents");
      const { worker, proxy } = await doomed(/resend_usage/, when);
      await expect(worker.reportUsage(0)).rejects.toMatchObject({ code: "unavailable" });
      expect(proxy.cuts).toBe(1);
      await recover();
      expect(others.map((other) => bazaar.total(other))).toEqual([1, 1, 1, 1, 1]);
      expect(await reportsOf(shop, tenant)).toEqual([expect.stringMatching(/documents 1 refused rejected$/)]);
    },
  );

  test.each(["before", "after"] as const)(
    "while it carries over what expired, %s the commit: the units are carried once",
    async (when) => {
      await use(7);
      await endHour();
      bazaar.answer("throttled");
      await report(shop);
      const { worker, proxy } = await doomed(/expire_usage/, when);
      clock.advance(24 * HOUR);
      for (let round = 0; round < 4; round += 1) await worker.meterUsage().catch(() => undefined);
      expect(proxy.cuts).toBe(1);
      await recover();
      expect(bazaar.total(tenant)).toBe(7);
      const [carried] = await shop.look("select balance::int from usage_carries where tenant_id = $1", [tenant]);
      expect(carried).toEqual({ balance: 0 });
    },
  );

  test("for longer than its lease, and that then wakes and sends, sends what was sent before and settles nothing", async () => {
    await use(7);
    await endHour();
    const sleeper = await testProvider({ beside: shop });
    let wake: (line: "taken") => void = () => undefined;
    bazaar.answer(new Promise((resolve) => (wake = resolve)));
    const asleep = sleeper.reportUsage(0);
    while ((await reportsOf(shop, tenant))[0]?.endsWith("sent") !== true) await new Promise(setImmediate);
    await recover();
    wake("taken");
    await asleep;
    expect([bazaar.total(tenant), await attemptsOf("billed")]).toEqual([7, 2]);
  });

  test("after a tenant has ended, before its last hour is sealed: another one seals and flushes it in time", async () => {
    await use(7);
    const { worker, proxy } = await doomed(/move_usage_gate/, "before");
    await shop.endBilling(
      { tenant },
      { billingReference: tenant, endedAt: clock.now(), flushBy: new Date(clock.now().getTime() + HOUR) },
    );
    await shop.deprovision(about({ id: tenant }));
    await worker.meterUsage().catch(() => undefined);
    expect(proxy.cuts).toBe(1);
    clock.advance(50 * MINUTE);
    await recover();
    expect(bazaar.total(tenant)).toBe(7);
  });
});

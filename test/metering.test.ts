import { randomUUID } from "node:crypto";
import { DAY, HOUR, MINUTE, SECOND, testClock } from "./support/clock.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, PRODUCT, recordsOf, send, settle, verdictsOf } from "./support/usage.ts";

let shop: TestProvider;
let tenant: string;

beforeAll(async () => {
  shop = await testProvider();
});

beforeEach(async () => {
  tenant = await newTenant(shop);
});

afterAll(closeProviders);

/** An event that has not been sent yet. */
const event = <More extends object>(more = {} as More) => ({
  ...{ id: randomUUID(), tenant, dimension: "requests", quantity: 1 },
  ...more,
});
const ago = (ms: number) => new Date(shop.clock.now().getTime() - ms).toISOString();

/** To the beginning of the next hour, with everything before it sealed. */
async function turnToAFreshHour(): Promise<void> {
  shop.clock.advance(HOUR - (shop.clock.now().getTime() % HOUR));
  await settle(shop);
}

describe("a usage event", () => {
  test("is accepted once: its repeat is a duplicate, and other content under its id is a conflict", async () => {
    const first = event({ quantity: "3.50", time: ago(MINUTE), tags: { team: "a", app: "b" } });
    expect(await send(shop, first)).toEqual(["accepted"]);
    const same = { ...first, quantity: "3.5", time: first.time.replace("Z", "+00:00"), tags: { app: "b", team: "a" } };
    const others = [{ quantity: "3.51" }, { dimension: "documents" }, { time: ago(0) }, { tags: { team: "a" } }];
    expect(await send(shop, first, same, ...others.map((other) => ({ ...first, ...other })))).toEqual([
      "duplicate",
      "duplicate",
      ...others.map(() => "usage_conflict"),
    ]);
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toEqual([expect.stringMatching(/^requests \S+ 3\.5 open$/)]);
  });

  test("without a time is of now, and its repeat later is still the same", async () => {
    const first = event();
    await turnToAFreshHour();
    expect(await send(shop, first)).toEqual(["accepted"]);
    shop.clock.advance(30 * HOUR);
    expect(await send(shop, first)).toEqual(["duplicate"]);
  });

  test("that comes twice in a batch is stored once, and the receipts keep the order of the batch", async () => {
    const [a, b] = [event(), event()];
    const receipts = await shop.recordUsage(PRODUCT, [b, a, "no event", { ...b, quantity: 2 }, a]);
    expect(receipts).toEqual([
      { id: b.id, status: "accepted" },
      { id: a.id, status: "accepted" },
      { id: null, status: "refused", code: "usage_malformed" },
      { id: b.id, status: "refused", code: "usage_conflict" },
      { id: a.id, status: "duplicate" },
    ]);
  });

  test.each<[string, object]>([
    ["no id", { id: undefined }],
    ["an id that is a number", { id: 7 }],
    ["an empty id", { id: "" }],
    ["an id of 201 characters", { id: "x".repeat(201) }],
    ["an id with NUL", { id: "a\0b" }],
    ["an id with half of a surrogate pair", { id: "a\ud800" }],
    ["no tenant", { tenant: undefined }],
    ["no dimension", { dimension: null }],
    ["no quantity", { quantity: undefined }],
    ["a negative quantity", { quantity: -1 }],
    ["a number with a fraction", { quantity: 0.1 }],
    ["NaN", { quantity: Number.NaN }],
    ["a number beyond all bounds", { quantity: Number.POSITIVE_INFINITY }],
    ["16 digits", { quantity: 1e15 }],
    ["2^53", { quantity: 2 ** 53 }],
    ["a decimal of 30 digits", { quantity: "0.12345678901234567890123456789" }],
    ["a decimal with an exponent", { quantity: "1e3" }],
    ["a decimal with a sign", { quantity: "+1" }],
    ["a decimal in Arabic digits", { quantity: "١" }],
    ["a time without a zone", { time: "2026-03-01T12:00:00" }],
    ["a time that is a number", { time: 1_772_366_400_000 }],
    ["30 February", { time: "2026-02-30T12:00:00Z" }],
    ["six tags", { tags: { a: "", b: "", c: "", d: "", e: "", f: "" } }],
    ["a tag that is a number", { tags: { a: 1 } }],
    ["tags in a list", { tags: ["a"] }],
  ])("with %s is malformed, alone", async (_, fault) => {
    expect(await send(shop, event(), { ...event(), ...fault }, event())).toEqual([
      "accepted",
      "usage_malformed",
      "accepted",
    ]);
  });

  test("of an unknown tenant or dimension is refused, and its id is free", async () => {
    const lost = event({ tenant: "a".repeat(26) });
    const unknown = event({ dimension: "pages" });
    expect(await send(shop, lost, event({ tenant: "' or 1=1" }), unknown)).toEqual([
      "tenant_not_found",
      "tenant_not_found",
      "usage_unknown_dimension",
    ]);
    expect(await send(shop, { ...unknown, dimension: "documents" })).toEqual(["accepted"]);
  });

  test("is early from five minutes ahead, and late from seven days back", async () => {
    expect(
      await send(shop, ...[-5 * MINUTE, -5 * MINUTE - 1, 7 * DAY, 7 * DAY + 1].map((ms) => event({ time: ago(ms) }))),
    ).toEqual(["accepted", "usage_early", "accepted", "usage_late"]);
  });

  test("is told apart by where it came from: a tenant's key has a space of ids of its own", async () => {
    const other = await newTenant(shop);
    const key = { kind: "key", tenant } as const;
    const one = event();
    const { tenant: _, ...nameless } = one;
    expect(await send(shop, one)).toEqual(["accepted"]);
    expect(verdictsOf(await shop.recordUsage(key, [nameless, one, { ...one, tenant: other }]))).toEqual([
      "accepted",
      "duplicate",
      "tenant_not_found",
    ]);
    expect(await send(shop, { ...one, tenant: other })).toEqual(["accepted"]);
  });

  test("keeps its identity for eight days, also over a turn of the keys, and its day is dropped after 35", async () => {
    const own = await testProvider({ clock: testClock("2026-04-01T12:00:00Z") });
    const first = { id: "evt_1", tenant: await newTenant(own), dimension: "requests", quantity: 1 };
    await settle(own);
    own.clock.advance(4 * DAY);
    expect(await send(own, first)).toEqual(["accepted"]);
    const daily = Array.from({ length: 8 }, (_, day) => ({ ...first, id: `day_${day}` }));
    for (const one of daily) {
      own.clock.advance(DAY);
      await settle(own);
      expect(await send(own, one, first, { ...first, quantity: 2 })).toEqual([
        "accepted",
        "duplicate",
        "usage_conflict",
      ]);
    }
    expect(await send(own, ...daily)).toEqual(daily.map(() => "duplicate"));
    own.clock.advance(12 * DAY);
    await settle(own);
    expect(await send(own, first)).toEqual(["accepted"]);

    const days = () => own.look<{ day: string }>("select inhrelid::regclass::text as day from pg_inherits order by 1");
    expect(await days()).toContainEqual({ day: "usage_days.d20260405" });
    own.clock.advance(30 * DAY);
    await settle(own);
    own.clock.advance(MINUTE);
    await settle(own);
    expect(await days()).not.toContainEqual({ day: "usage_days.d20260405" });
    expect(await recordsOf(own, first.tenant)).toHaveLength(2 + daily.length);
  });
});

/** In units of 10^-14. */
function scaled(decimal: string): bigint {
  const [whole = "", fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(14, "0"));
}

describe("quantities", () => {
  // 40 rows go by COPY and 10 by INSERT.
  test.each([40, 10])("of %i events are summed exactly, digit for digit", async (count) => {
    const values = [
      "0.1",
      "0.2",
      "999999999999999",
      "0.00000000000001",
      "12345678.0001234",
      0,
      "10000",
      "100.5",
      "0.0001",
      40_000,
    ];
    const sent = Array.from({ length: count }, (_, index) => event({ quantity: values[index % values.length] }));
    expect(new Set(await send(shop, ...sent))).toEqual(new Set(["accepted"]));
    const stored = await shop.look<{ quantity: string }>(
      "select quantity from usage_events where tenant_id = $1 order by quantity, id",
      [tenant],
    );
    expect(stored.map(({ quantity }) => quantity).sort()).toEqual(sent.map(({ quantity }) => String(quantity)).sort());
    await settle(shop);
    const [row] = await shop.look<{ quantity: string }>(
      "select quantity, events from usage_records where tenant_id = $1",
      [tenant],
    );
    const sum = sent.reduce((total, { quantity }) => total + scaled(String(quantity)), 0n);
    expect({ ...row, quantity: scaled(String(row?.quantity)) }).toEqual({ quantity: sum, events: String(count) });
  });
});

describe("an hour", () => {
  test("is open until ten minutes after its end; then its record is sealed and never changes again", async () => {
    await turnToAFreshHour();
    const [hour] = [shop.clock.now().toISOString().slice(5, 16)];
    await send(shop, event({ quantity: 2 }));
    shop.clock.advance(HOUR + 10 * MINUTE - SECOND);
    await send(shop, event({ quantity: 3, time: ago(11 * MINUTE) }));
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toEqual([`requests ${hour} 5 open`]);
    shop.clock.advance(SECOND);
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toEqual([`requests ${hour} 5 sealed`]);
    for (const change of ["quantity = 6", "state = 'open'", "hour = hour + interval '1 hour'"]) {
      await expect(
        shop.look(`update usage_records set ${change} where tenant_id = $1`, [tenant]),
      ).rejects.toMatchObject({
        code: "23001",
      });
    }
  });

  test("that is sealed takes no more: a late event is billed in the next open one and keeps its own time", async () => {
    await turnToAFreshHour();
    shop.clock.advance(2 * HOUR + 15 * MINUTE);
    await settle(shop);
    const time = ago(2 * HOUR);
    expect(await send(shop, event({ time, quantity: 7 }))).toEqual(["accepted"]);
    await settle(shop);
    const hour = new Date(shop.clock.now().getTime() - 15 * MINUTE);
    expect(await recordsOf(shop, tenant)).toEqual([`requests ${hour.toISOString().slice(5, 16)} 7 open`]);
    const stored = await shop.look("select occurred_at, billed_hour from usage_events where tenant_id = $1", [tenant]);
    expect(stored).toEqual([{ occurred_at: new Date(time), billed_hour: hour }]);
  });

  test("is sealed at once when its tenant ends: a later event is refused, a repeat is still a duplicate", async () => {
    const first = event({ quantity: 4 });
    await send(shop, first);
    await settle(shop);
    await send(shop, event({ quantity: 5 }));
    await shop.deprovision(about({ id: tenant }));
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toEqual([expect.stringMatching(/^requests \S+ 9 sealed$/)]);
    expect(await send(shop, first, event(), event({ time: ago(DAY) }))).toEqual([
      "duplicate",
      "usage_closed",
      "usage_closed",
    ]);
    shop.clock.advance(3 * HOUR);
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toHaveLength(1);
  });

  test("is waited for while somebody stores: the gate moves only behind them", async () => {
    await turnToAFreshHour();
    const own = await testProvider({ beside: shop });
    const hour = shop.clock.now();
    await send(shop, event());
    shop.clock.advance(HOUR + 11 * MINUTE);
    const storing = own.deps.store.asTenant(tenant, async (tx) => {
      await tx.query("select * from enter_usage($1, '{}', true)", [[tenant]]);
      await expect(shop.meterUsage()).rejects.toMatchObject({ code: "unavailable" });
      const [gate] = await tx.query<{ sealed_through: Date }>(
        "select sealed_through from enter_usage('{}', '{}', true)",
      );
      return gate?.sealed_through;
    });
    expect((await storing)?.getTime()).toBeLessThan(hour.getTime());
    await settle(shop);
    expect(await recordsOf(shop, tenant)).toEqual([expect.stringMatching(/ 1 sealed$/)]);
  });
});

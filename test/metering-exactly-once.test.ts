import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { DAY, HOUR, MINUTE } from "./support/clock.ts";
import { closeProxies, pgProxy } from "./support/pg-proxy.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { newTenant, PRODUCT, send, settle, verdictsOf } from "./support/usage.ts";

let shop: TestProvider;

beforeAll(async () => {
  shop = await testProvider();
});

afterAll(async () => {
  await closeProviders();
  await closeProxies();
});

const events = (tenant: string, count: number) =>
  Array.from({ length: count }, () => ({ id: randomUUID(), tenant, dimension: "requests", quantity: 1 }));

/** What records of a tenant hold, in thousandths of a unit, and whether they are what the stored events come to. */
async function held(tenant: string) {
  await settle(shop);
  const [row] = await shop.look<{ records: string; events: string; months: string }>(
    `select (select coalesce(sum(quantity), 0) * 1000 from usage_records where tenant_id = $1)::bigint as records,
            (select coalesce(sum(quantity), 0) * 1000 from usage_events where tenant_id = $1)::bigint as events,
            (select coalesce(sum(quantity), 0) * 1000 from usage_months where tenant_id = $1)::bigint as months`,
    [tenant],
  );
  expect(row?.records).toBe(row?.events);
  expect(row?.months).toBe(row?.events);
  return Number(row?.records);
}

const countOf = (verdicts: readonly string[], wanted: string) =>
  verdicts.filter((verdict) => verdict === wanted).length;

describe("usage that is acknowledged", () => {
  test("is counted once when two processes store the same events in opposite orders, and neither waits for ever", async () => {
    const other = await testProvider({ beside: shop });
    const tenant = await newTenant(shop);
    for (const count of [3, 40, 700]) {
      const sent = events(tenant, count);
      const [one, two] = await Promise.all([send(shop, ...sent), send(other, ...sent.toReversed())]);
      const both = [...one, ...two];
      expect([countOf(both, "accepted"), countOf(both, "duplicate")]).toEqual([count, count]);
    }
    expect(await held(tenant)).toBe(743_000);
  });

  test.each([
    ["the look behind the gate", "enter_usage", 5, "before"],
    ["the look behind the gate", "enter_usage", 50, "after"],
    ["the commit of a small batch", /^Q[\s\S]{4}copy usage_keys.*commit/, 5, "before"],
    ["the commit of a large batch", /^Q[\s\S]{4}copy usage_keys.*commit/, 50, "before"],
    ["the commit of a small batch", /^Q[\s\S]{4}copy usage_keys.*commit/, 5, "after"],
    ["the commit of a large batch", /^Q[\s\S]{4}copy usage_keys.*commit/, 50, "after"],
  ] as const)(
    "is counted once when the connection is lost at %s, found as %s, with %i events, %s it took effect",
    async (_, statement, count, when) => {
      const proxy = await pgProxy(shop.database.appUrl);
      const cut = await testProvider({ beside: shop, url: proxy.url });
      const tenant = await newTenant(shop);
      await send(cut, ...events(tenant, 1));
      await sleep(500);
      const cuts = proxy.cuts;
      const sent = events(tenant, count);
      proxy.cut({ statement, when });
      const verdicts = await send(cut, ...sent);
      expect(proxy.cuts).toBe(cuts + 1);
      // A commit whose answer was lost is found by the second try.
      const committed = when === "after" && statement !== "enter_usage";
      expect(countOf(verdicts, committed ? "duplicate" : "accepted")).toBe(count);
      expect(await send(shop, ...sent)).toEqual(sent.map(() => "duplicate"));
      expect(await held(tenant)).toBe((count + 1) * 1_000);
    },
  );

  test("is never lost while the server ends connections: what failed is sent again", async () => {
    const tenant = await newTenant(shop);
    const sent = events(tenant, 1_000);
    const kills = (async () => {
      for (let kill = 0; kill < 12; kill += 1) {
        await shop.look(
          `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database()
             and usename = 'stallholder_app' and query ~ 'enter_usage|usage_days|usage_keys'`,
        );
        await sleep(25);
      }
    })();
    const persistent = async (items: readonly object[]): Promise<void> => {
      for (let tried = 0; tried < 200; tried += 1) {
        const verdicts = await send(shop, ...items).catch(() => undefined);
        if (verdicts?.every((verdict) => verdict === "accepted" || verdict === "duplicate")) return;
      }
      throw new Error("It was never stored.");
    };
    await Promise.all(Array.from({ length: 20 }, (_, part) => persistent(sent.slice(part * 50, part * 50 + 50))));
    await kills;
    expect(await held(tenant)).toBe(1_000_000);
  });

  test("arrives many at a time: what fits no batch waits for the next", async () => {
    const tenant = await newTenant(shop);
    const requests = Array.from({ length: 24 }, () => shop.recordUsage(PRODUCT, events(tenant, 500)));
    const verdicts = (await Promise.all(requests)).flatMap(verdictsOf);
    expect(countOf(verdicts, "accepted")).toBe(12_000);
    expect(await held(tenant)).toBe(12_000_000);
  });
});

/** One thing that may happen on a random day. */
type Step =
  | { readonly kind: "send"; readonly items: readonly Item[] }
  /** The sender got no receipt, or does not believe it. */
  | { readonly kind: "again" }
  | { readonly kind: "turn"; readonly minutes: number }
  | { readonly kind: "work" }
  | { readonly kind: "end"; readonly who: number };

interface Item {
  readonly id: number;
  readonly who: number;
  readonly thousandths: number;
  readonly ago: number;
  /** Sent by the other process. */
  readonly elsewhere: boolean;
}

const item: fc.Arbitrary<Item> = fc.record({
  id: fc.nat(25),
  who: fc.nat(2),
  thousandths: fc.oneof({ weight: 3, arbitrary: fc.constant(1_000) }, { weight: 1, arbitrary: fc.nat(5_000_000) }),
  ago: fc.oneof(
    fc.constantFrom(0, 0, -6 * MINUTE),
    fc.integer({ min: -10 * MINUTE, max: 8 * DAY }),
    fc.integer({ min: 0, max: 3 * HOUR }),
  ),
  elsewhere: fc.boolean(),
});

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant("send"), items: fc.array(item, { minLength: 1, maxLength: 45 }) }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("again") }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("turn"), minutes: fc.integer({ min: 1, max: 200 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("work") }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("end"), who: fc.nat(2) }) },
);

const one = (id: number, more: Partial<Item> = {}): Step => ({
  kind: "send",
  items: [{ id, who: 0, thousandths: 1_000, ago: 0, elsewhere: false, ...more }],
});

/** A day with every verdict in it. The random ones that follow seldom lack one, but they may. */
const plainDay: readonly Step[] = [
  one(0),
  { kind: "again" },
  one(0, { thousandths: 2_000 }),
  one(1, { ago: -6 * MINUTE }),
  one(2, { ago: 8 * DAY }),
  { kind: "end", who: 0 },
  one(3),
];

/** What the senders of one day know: which content was acknowledged under which id, and how many units that makes. */
interface Books {
  readonly tenants: readonly string[];
  readonly acknowledged: Map<string, string>;
  readonly units: Map<string, number>;
  readonly verdicts: Set<string>;
  last: readonly Sent[];
}

interface Sent {
  readonly item: Item;
  readonly event: { readonly tenant: string };
  /** Which event it is, and what it says. */
  readonly key: string;
  readonly content: string;
}

function made(item: Item, tenants: readonly string[]): Sent {
  const tenant = tenants[item.who] ?? "";
  const time = item.ago === 0 ? {} : { time: new Date(shop.clock.now().getTime() - item.ago).toISOString() };
  const quantity = (item.thousandths / 1_000).toFixed(3);
  const event = { id: `evt_${item.id}`, tenant, dimension: "requests", quantity, ...time };
  return { item, event, key: `${tenant} ${item.id}`, content: `${quantity} ${time.time}` };
}

/** Sends through two processes at once, and holds every receipt against the books. */
async function sendBoth(sent: readonly Sent[], other: TestProvider, books: Books): Promise<void> {
  books.last = sent;
  const parts = [sent.filter(({ item }) => !item.elsewhere), sent.filter(({ item }) => item.elsewhere)] as const;
  const [mine, theirs] = await Promise.all([
    send(shop, ...parts[0].map(({ event }) => event)),
    send(other, ...parts[1].map(({ event }) => event)),
  ]);
  const told = [...mine, ...theirs].map((verdict, index) => ({ verdict, sent: parts.flat()[index] as Sent }));
  for (const { verdict, sent } of told) if (verdict === "accepted") enter(sent, books);
  for (const { verdict, sent } of told) compare(verdict, sent, books);
}

function enter({ key, content, event, item }: Sent, { acknowledged, units }: Books): void {
  expect(acknowledged.has(key)).toBe(false);
  acknowledged.set(key, content);
  units.set(event.tenant, (units.get(event.tenant) ?? 0) + item.thousandths);
}

function compare(verdict: string, { key, content }: Sent, { acknowledged, verdicts }: Books): void {
  verdicts.add(verdict);
  if (verdict === "duplicate") expect(acknowledged.get(key)).toBe(content);
  if (verdict === "usage_conflict") expect([undefined, content]).not.toContain(acknowledged.get(key));
}

describe("on any day", () => {
  test("what was acknowledged, sealed and open together, is what is held: no unit more, no unit less", async () => {
    const other = await testProvider({ beside: shop });
    const verdicts = new Set<string>();

    const take = async (one: Step, books: Books): Promise<void> => {
      switch (one.kind) {
        case "send":
          return sendBoth(
            one.items.map((item) => made(item, books.tenants)),
            other,
            books,
          );
        case "again":
          return sendBoth(books.last, other, books);
        case "turn":
          return shop.clock.advance(one.minutes * MINUTE);
        case "work":
          await Promise.all([shop.meterUsage(), other.meterUsage()]);
          return;
        case "end":
          await shop.deprovision(about({ id: books.tenants[one.who] ?? "" })).catch(() => undefined);
      }
    };

    const day = async (steps: readonly Step[]): Promise<void> => {
      const tenants = await Promise.all([0, 1, 2].map(() => newTenant(shop)));
      const books: Books = { tenants, acknowledged: new Map(), units: new Map(), verdicts, last: [] };
      for (const one of steps) await take(one, books);
      for (const tenant of tenants) expect(await held(tenant)).toBe(books.units.get(tenant) ?? 0);
      shop.clock.advance(2 * HOUR);
      for (const tenant of tenants) expect(await held(tenant)).toBe(books.units.get(tenant) ?? 0);
      expect(await shop.look("select from usage_records where state = 'open'")).toEqual([]);
    };

    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 6, maxLength: 14 }), day), {
      numRuns: Number(process.env["LAW_RUNS"] ?? 5),
      endOnFailure: true,
      examples: [[plainDay]],
    });
    expect([...verdicts].sort()).toEqual([
      "accepted",
      "duplicate",
      "usage_closed",
      "usage_conflict",
      "usage_early",
      "usage_late",
    ]);
  });
});

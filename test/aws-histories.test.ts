import fc from "fast-check";
import type { Fact } from "../src/marketplaces/aws/inbox/fact.ts";
import { asQueued, keepMessage } from "../src/marketplaces/aws/inbox/keep.ts";
import { readInbox } from "../src/marketplaces/aws/inbox/read-inbox.ts";
import { dueLicences, settleClaimed, settleLicence } from "../src/marketplaces/aws/licences/settle.ts";
import { type Said, standingOf } from "../src/marketplaces/aws/licences/standing.ts";
import type { AwsOptions } from "../src/marketplaces/aws/options.ts";
import {
  type AwsShop,
  agreementOf,
  arrive,
  awsShop,
  closeAwsShops,
  event,
  notice,
  type Purchase,
  purchaseOf,
  rowOf,
  sendEvent,
  settle,
  tokenFor,
} from "./support/aws.ts";
import { HOUR, MINUTE } from "./support/clock.ts";

/** Histories above four messages are gone through in this many orders; `LAW_RUNS` asks for more. */
const ORDERS = Math.max(4, Number(process.env["LAW_RUNS"] ?? 0));

function permutations<T>(items: readonly T[]): T[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((item, index) => permutations(items.toSpliced(index, 1)).map((rest) => [item, ...rest]));
}

/** The first, the last and others spread between them. */
const some = <T>(all: readonly T[], most: number): readonly T[] =>
  all.length <= most
    ? all
    : Array.from({ length: most }, (_, n) => all[Math.floor((n * (all.length - 1)) / (most - 1))] as T);

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterAll(closeAwsShops);

interface Message {
  /** Minutes before now. */
  readonly ago: number;
  send(shop: AwsShop, at: Date): Promise<unknown>;
}

interface History {
  readonly name: string;
  /** Of one customer; the second purchase is the renewal, where there is one. */
  messages(one: Purchase, other: Purchase): readonly Message[];
  readonly legacy?: boolean;
  readonly ends: string;
}

const ev = (ago: number, type: string, of: Purchase, more: object = {}): Message => ({
  ago,
  send: (to, at) => sendEvent(to, event(type, of, at, more)),
});
const sns = (ago: number, action: string, of: Purchase): Message => ({
  ago,
  send: (to, at) =>
    keepMessage(
      to.options,
      asQueued(`${action} ${ago} ${of.customer}`, Buffer.from(JSON.stringify(notice(action, of))), at),
    ),
});

const histories: readonly History[] = [
  {
    name: "bought and cancelled",
    messages: (one) => [
      ev(50, "Purchase Agreement Created", one, { intent: "NEW" }),
      ev(49, "License Updated", one),
      ev(3, "Purchase Agreement Ended", one, { status: "CANCELLED" }),
      ev(2, "License Deprovisioned", one),
    ],
    ends: "ended without a tenant",
  },
  {
    name: "bought and renewed",
    messages: (one, other) => [
      ev(50, "Purchase Agreement Created", one, { intent: "NEW" }),
      ev(49, "License Updated", one),
      ev(6, "Purchase Agreement Created", other, { intent: "RENEW" }),
      ev(5, "License Updated", other),
      ev(4, "Purchase Agreement Ended", one, { status: "RENEWED" }),
      ev(3, "License Deprovisioned", one),
    ],
    ends: "ended with an active tenant, active with the same tenant",
  },
  {
    name: "bought, amended twice",
    messages: (one) => [
      ev(50, "Purchase Agreement Created", one, { intent: "NEW" }),
      ev(49, "License Updated", one),
      ev(9, "Purchase Agreement Amended", one, { intent: "AMEND" }),
      ev(8, "License Updated", one),
    ],
    ends: "active with an active tenant",
  },
  {
    name: "subscribed, left, and came back in time",
    legacy: true,
    messages: (one) => [
      sns(50, "subscribe-success", one),
      sns(9, "unsubscribe-pending", one),
      sns(5, "subscribe-success", one),
    ],
    ends: "active with an active tenant",
  },
  {
    name: "subscribed, left, and came back later",
    legacy: true,
    messages: (one) => [
      sns(50, "subscribe-success", one),
      sns(9, "unsubscribe-pending", one),
      sns(7, "unsubscribe-success", one),
      sns(5, "subscribe-success", one),
      sns(4, "entitlement-updated", one),
    ],
    ends: "active with an active tenant",
  },
  {
    name: "subscribed, came back, and left for good",
    legacy: true,
    messages: (one) => [
      sns(50, "subscribe-success", one),
      sns(20, "unsubscribe-pending", one),
      sns(15, "subscribe-success", one),
      sns(9, "unsubscribe-pending", one),
      sns(5, "unsubscribe-success", one),
    ],
    ends: "ended without a tenant",
  },
];

const isRenewed = ({ name }: History): boolean => name.includes("renewed");

async function stateOf(key: string): Promise<{ said: string; tenant: string | null }> {
  const row = await rowOf(shop, key);
  const living = row?.tenant_state === "active";
  return {
    said: living ? `${row.state} with an active tenant` : `${row?.state} without a tenant`,
    tenant: row?.tenant_id ?? null,
  };
}

/** Many customers live through the same history at once, each with an order of its own. */
async function live(history: History, orders: readonly (readonly number[])[]): Promise<readonly string[]> {
  const now = shop.provider.clock.now().getTime();
  const lives = orders.map((order) => {
    const one = purchaseOf();
    const other = purchaseOf("payg", { account: one.account });
    shop.aws.agreements.set(one.agreement, agreementOf(one, { start: new Date(now - 50 * MINUTE) }));
    if (isRenewed(history)) shop.aws.agreements.set(other.agreement, agreementOf(other, { initial: one.agreement }));
    const messages = history.messages(one, other);
    return { one, other, steps: order.map((index) => messages[index] as Message) };
  });
  await Promise.all(
    lives.map(({ one }) => arrive(shop, tokenFor(shop, one, history.legacy === true ? "legacy" : "licence"))),
  );
  for (let step = 0; step < (orders[0]?.length ?? 0); step += 1) {
    await Promise.all(
      lives.map(({ steps }) => steps[step]?.send(shop, new Date(now - (steps[step]?.ago ?? 0) * MINUTE))),
    );
    await allSettled();
  }
  // What waits for word of AWS looks again within a minute.
  shop.provider.clock.advance(2 * MINUTE);
  await allSettled();
  return Promise.all(
    lives.map(async ({ one, other }) => {
      const first = await stateOf(history.legacy === true ? `${one.product.code}:${one.customer}` : one.arn);
      if (!isRenewed(history)) return first.said;
      const second = await stateOf(other.arn);
      return `${first.said}, ${second.said.split(" ")[0]} with ${second.tenant === first.tenant ? "the same" : "another"} tenant`;
    }),
  );
}

async function allSettled(): Promise<void> {
  for (let round = 0; round < 60; round += 1) {
    await settle(shop);
    const [due] = await shop.provider.look<{ count: number }>(
      `select (select count(*) from aws_messages where state = 'stored')
            + (select count(*) from aws_licences where due_at <= $1)::int as count`,
      [shop.provider.clock.now()],
    );
    if (Number(due?.count) === 0) return;
  }
}

describe("whatever the order in which messages come", () => {
  test.each(histories)("a customer who $name ends the same", async (history) => {
    const indexes = history.messages(purchaseOf(), purchaseOf()).map((_, index) => index);
    const orders = some(permutations(indexes), ORDERS);
    const ends = await live(history, orders);
    const wrong = ends.flatMap((end, index) => (end === history.ends ? [] : [`${orders[index]?.join("")}: ${end}`]));
    expect(wrong).toEqual([]);
  });

  test("a licence stands where all that was said of it puts it, every order of up to six, some of it twice", () => {
    const facts: readonly Fact[] = ["agreed", "began", "changed", "superseded", "ending", "ended", "failed"];
    const said = fc.record({ fact: fc.constantFrom(...facts), minute: fc.integer({ min: 0, max: 5 }) });
    fc.assert(
      fc.property(fc.array(said, { maxLength: 5 }), (items) => {
        const history = items.map(({ fact, minute }): Said => {
          const at = new Date(minute * MINUTE);
          return { fact, at, receivedAt: at, about: {} };
        });
        const expected = standingOf(history);
        for (const order of permutations(history)) {
          expect(standingOf([...order, ...order.slice(0, 2)])).toEqual(expected);
        }
      }),
      { numRuns: 40 },
    );
  });

  test.each([2, 100])("a message that comes %i times counts once", async (times) => {
    const one = purchaseOf();
    const body = event("License Updated", one, shop.provider.clock.now());
    const answers = await Promise.all(Array.from({ length: times }, () => sendEvent(shop, body)));
    expect(new Set(answers)).toEqual(new Set([200]));
    const rows = await shop.provider.look("select from aws_messages where message_id = $1", [body.id]);
    expect(rows).toHaveLength(1);
  });
});

describe("a process that dies while it settles a licence", () => {
  /** Options whose nth step outside this process fails, before or after it took effect. */
  function dying(step: number, after: boolean): { options: AwsOptions; died: () => boolean } {
    let count = 0;
    let died = false;
    const mortal = <T extends object>(target: T): T =>
      new Proxy(target, {
        get(object, name) {
          const value = Reflect.get(object, name) as unknown;
          if (typeof value !== "function") return value;
          return async (...args: unknown[]) => {
            if (died) throw new Error("dead");
            count += 1;
            if (count !== step) return Reflect.apply(value, object, args) as unknown;
            died = true;
            if (after) await Reflect.apply(value, object, args);
            throw new Error("killed");
          };
        },
      });
    const { store, provider, api } = shop.options;
    return {
      options: { ...shop.options, store: mortal(store), provider: mortal(provider), api: mortal(api) },
      died: () => died,
    };
  }

  interface Life {
    readonly one: Purchase;
    readonly renewed: Purchase;
  }

  interface Stage {
    readonly name: string;
    /** Up to where nothing is to be done. */
    prepare(life: Life): Promise<void>;
    /** What there is to be settled then. */
    arouse(life: Life): Promise<void>;
    key(life: Life): string;
    readonly ends: string;
  }

  async function bought({ one }: Life): Promise<void> {
    await sendEvent(shop, event("License Updated", one, shop.provider.clock.now()));
    await arrive(shop, tokenFor(shop, one));
  }

  const stages: readonly Stage[] = [
    {
      name: "that becomes a tenant",
      prepare: async ({ one }) => {
        await arrive(shop, tokenFor(shop, one));
      },
      arouse: async ({ one }) => {
        await sendEvent(shop, event("License Updated", one, shop.provider.clock.now()));
      },
      key: ({ one }) => one.arn,
      ends: "active active, pays excess, includes 10",
    },
    {
      name: "that renews another",
      prepare: bought,
      arouse: async ({ renewed }) => {
        await sendEvent(shop, event("License Updated", renewed, shop.provider.clock.now()));
      },
      key: ({ renewed }) => renewed.arn,
      ends: "active active, pays excess+excess, includes 10+20",
    },
    {
      name: "that ends",
      prepare: bought,
      arouse: async ({ one }) => {
        shop.aws.granted.delete(one.arn);
        const at = shop.provider.clock.now();
        await sendEvent(shop, event("Purchase Agreement Ended", one, at, { status: "CANCELLED" }));
        await sendEvent(shop, event("License Deprovisioned", one, at));
      },
      key: ({ one }) => one.arn,
      ends: "ended over, pays excess until the end, includes 10",
    },
  ];

  function newLife(): Life {
    const one = purchaseOf("mixed");
    const renewed = purchaseOf("mixed", { account: one.account });
    shop.aws.granted.set(one.arn, [{ dimension: "requests", value: 10 }]);
    shop.aws.granted.set(renewed.arn, [{ dimension: "requests", value: 20 }]);
    shop.aws.agreements.set(one.agreement, agreementOf(one));
    shop.aws.agreements.set(renewed.agreement, agreementOf(renewed, { initial: one.agreement }));
    return { one, renewed };
  }

  /** Messages are read; nothing is settled yet. */
  async function read(): Promise<void> {
    while ((await readInbox(shop.options, 100)) > 0);
  }

  async function outcome(key: string): Promise<string> {
    const [found] = await shop.provider.look<{ text: string }>(
      `select l.state || ' ' || case when t.state in ('deprovisioning', 'gone') then 'over' else t.state end
              || ', pays ' || (select string_agg(p.bills || case when p.ended_at is null then '' else ' until the end' end,
                                                 '+' order by p.from_hour, p.billing_reference)
                               from usage_payers p where p.tenant_id = t.id)
              || ', includes ' || (select string_agg(i.quantity::int::text, '+' order by i.quantity)
                                   from usage_included i where i.tenant_id = t.id) as text
       from aws_licences l join tenants t on t.id = l.tenant_id where l.key = $1`,
      [key],
    );
    const tenants = await shop.provider.look("select from tenants where resource_id like $1", [`${key}%`]);
    return `${found?.text}${tenants.length > 1 ? `, ${tenants.length} tenants` : ""}`;
  }

  const STEPS = 40;

  /** One life for each step at which it may die; answers how many did, and those that did not end well. */
  async function die({ prepare, arouse, key, ends }: Stage, after: boolean): Promise<[number, string[]]> {
    const lives = Array.from({ length: STEPS }, (_, n) => ({
      step: n + 1,
      life: newLife(),
      mortal: dying(n + 1, after),
    }));
    await Promise.all(lives.map(({ life }) => prepare(life)));
    await allSettled();
    await Promise.all(lives.map(({ life }) => arouse(life)));
    await read();
    await Promise.all(lives.map(({ mortal, life }) => settleLicence(mortal.options, key(life)).catch(() => undefined)));
    shop.provider.clock.advance(MINUTE);
    await allSettled();
    const outcomes = await Promise.all(lives.map(async ({ step, life }) => ({ step, end: await outcome(key(life)) })));
    const wrong = outcomes.flatMap(({ step, end }) => (end === ends ? [] : [`${step}${after ? " done" : ""}: ${end}`]));
    return [lives.filter(({ mortal }) => mortal.died()).length, wrong];
  }

  test.each(stages)("leaves a purchase $name as it would have been, wherever it dies", async (stage) => {
    const [before, done] = [await die(stage, false), await die(stage, true)];
    expect([...before[1], ...done[1]]).toEqual([]);
    expect(before[0]).toBeGreaterThanOrEqual(8);
    expect(before[0]).toBeLessThan(STEPS);
    expect(done[0]).toBe(before[0]);
  });

  test("two at once leave one tenant", async () => {
    const one = purchaseOf();
    await sendEvent(shop, event("License Updated", one, shop.provider.clock.now()));
    await Promise.all([arrive(shop, tokenFor(shop, one)), arrive(shop, tokenFor(shop, one)), settle(shop)]);
    const claimed = await dueLicences(shop.options, 20);
    await Promise.all(claimed.map((view) => settleClaimed(shop.options, view)));
    const rows = await shop.provider.look("select from tenants where resource_id = $1", [one.arn]);
    expect(rows).toHaveLength(1);
    shop.provider.clock.advance(HOUR);
  });
});

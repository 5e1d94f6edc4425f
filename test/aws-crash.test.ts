import { readInbox } from "../src/marketplaces/aws/inbox/read-inbox.ts";
import { dueLicences, settleClaimed, settleLicence } from "../src/marketplaces/aws/licences/settle.ts";
import type { AwsOptions } from "../src/marketplaces/aws/options.ts";
import {
  type AwsShop,
  agreementOf,
  arrive,
  awsShop,
  closeAwsShops,
  event,
  type Purchase,
  purchaseOf,
  sendEvent,
  settle,
  tokenFor,
} from "./support/aws.ts";
import { allSettled } from "./support/aws-settled.ts";
import { HOUR, MINUTE } from "./support/clock.ts";

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
  // The first sweep would find the renewal by itself.
  await allSettled(shop);
});
afterAll(closeAwsShops);

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
    await allSettled(shop);
    await Promise.all(lives.map(({ life }) => arouse(life)));
    await read();
    await Promise.all(lives.map(({ mortal, life }) => settleLicence(mortal.options, key(life)).catch(() => undefined)));
    shop.provider.clock.advance(MINUTE);
    await allSettled(shop);
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

import fc from "fast-check";
import type { Fact } from "../src/marketplaces/aws/inbox/fact.ts";
import { asQueued, keepMessage } from "../src/marketplaces/aws/inbox/keep.ts";
import { type Said, standingOf } from "../src/marketplaces/aws/licences/standing.ts";
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
  tokenFor,
} from "./support/aws.ts";
import { allSettled } from "./support/aws-settled.ts";
import { MINUTE } from "./support/clock.ts";

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
    await allSettled(shop);
  }
  // What waits for word of AWS looks again within a minute.
  shop.provider.clock.advance(2 * MINUTE);
  await allSettled(shop);
  return Promise.all(
    lives.map(async ({ one, other }) => {
      const first = await stateOf(history.legacy === true ? `${one.product.code}:${one.customer}` : one.arn);
      if (!isRenewed(history)) return first.said;
      const second = await stateOf(other.arn);
      return `${first.said}, ${second.said.split(" ")[0]} with ${second.tenant === first.tenant ? "the same" : "another"} tenant`;
    }),
  );
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

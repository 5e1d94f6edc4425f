import { EventEmitter, once } from "node:events";
import { readInbox } from "../src/marketplaces/aws/inbox/read-inbox.ts";
import { settleLicence } from "../src/marketplaces/aws/licences/settle.ts";
import { LeaseLost } from "../src/marketplaces/aws/licences/settling.ts";
import type { AwsOptions } from "../src/marketplaces/aws/options.ts";
import { randomFrom } from "./soak/random.ts";
import { type AwsShop, agreementOf, awsShop, closeAwsShops, type Purchase, purchaseOf } from "./support/aws.ts";
import {
  type Arrival,
  DAYS,
  type History,
  histories,
  moves,
  registers,
  subscribes,
} from "./support/aws-generation-histories.ts";
import { HOUR, MINUTE } from "./support/clock.ts";

/** Each history is gone through in this many orders; `LAW_RUNS` asks for more. */
const ORDERS = Math.max(2, Number(process.env["LAW_RUNS"] ?? 0));

let shop: AwsShop;

beforeAll(async () => {
  shop = await awsShop();
});
afterEach(async () => {
  // Whoever has been judged is left alone.
  await shop.provider.look("update aws_licences set due_at = null returning key");
  shop.aws.agreements.clear();
});
afterAll(closeAwsShops);

interface Life {
  readonly history: History;
  readonly chain: readonly Purchase[];
  readonly order: readonly number[];
  readonly steps: readonly Arrival[];
}

const PRODUCT = "mixed";

/** A new customer who lives through the history, with arrivals in an order of its own. */
function newLife(history: History, number: number, at: (ago: number) => Date): Life {
  const { name, began, arrivals, last } = history;
  const one = purchaseOf(PRODUCT);
  const { account, customer } = one;
  const [two, three] = [purchaseOf(PRODUCT, { account, customer }), purchaseOf(PRODUCT, { account, customer })];
  const chain = [one, two, three].slice(0, began.length);
  for (const [place, of] of chain.entries()) {
    const start = at(began[place] ?? 0);
    const status = place === last ? "ACTIVE" : place === chain.length - 1 ? "CANCELLED" : "REPLACED";
    shop.aws.agreements.set(of.agreement, agreementOf(of, { initial: one.agreement, start, status }));
  }
  const inForce = last === undefined ? undefined : chain[last];
  if (inForce !== undefined)
    for (const name of [inForce.arn, customer]) shop.aws.granted.set(name, [{ dimension: "requests", value: 500 }]);
  const all = arrivals(one, two, three);
  const indexes = all.map((_, index) => index);
  const order = number === 0 ? indexes : randomFrom("generations", name, number).shuffled(indexes);
  return { history, chain, order, steps: order.map((index) => all[index] as Arrival) };
}

async function allSettled(): Promise<void> {
  for (let round = 0; round < 100; round += 1) {
    await shop.marketplace.upkeep?.();
    const [due] = await shop.provider.look<{ count: number }>(
      `select (select count(*) from aws_messages where state = 'stored')
            + (select count(*) from aws_licences where due_at <= $1)::int as count`,
      [shop.provider.clock.now()],
    );
    if (Number(due?.count) === 0) return;
  }
}

const HOURS_AHEAD = 3;

/** Living tenants of the customer, and who pays for the hour that runs and those that follow. */
async function outcome({ chain }: Pick<Life, "chain">): Promise<string> {
  const [one] = chain;
  const tenants = await shop.provider.look<{ id: string }>(
    `select distinct t.id from aws_licences l join tenants t on t.id = l.tenant_id
     where (l.account = $1 or l.customer = $2) and t.state = 'active'`,
    [one?.account, one?.customer],
  );
  const hours = await shop.provider.look<{ reference: string | null }>(
    `select p.billing_reference as reference
     from generate_series(0, $3) n left join lateral payer_of($1, date_trunc('hour', $2::timestamptz, 'UTC') + n * interval '1 hour') p on true
     order by n`,
    [tenants[0]?.id, shop.provider.clock.now(), HOURS_AHEAD],
  );
  const [running, ...later] = hours.map(({ reference }) => nameOf(chain, reference));
  if (tenants.length === 0) return "no tenant";
  return `${tenants.length} tenant, ${running === "nobody" ? "nobody pays" : "paid"}, then ${[...new Set(later)].join(" and ")}`;
}

function nameOf(chain: readonly Purchase[], reference: string | null): string {
  if (reference === null) return "nobody";
  const place = chain.findIndex(({ arn }) => reference.includes(arn));
  return place < 0 ? "the older name" : `licence ${place}`;
}

type Mode = "is read at once" | "is read when all has come" | "comes while AWS does not answer";
const modes: readonly Mode[] = ["is read at once", "is read when all has come", "comes while AWS does not answer"];

/** Many customers live at once, several through each history, each with an order of its own. Those that end otherwise. */
async function live(mode: Mode): Promise<readonly string[]> {
  const { clock } = shop.provider;
  clock.advance(HOUR - (clock.now().getTime() % HOUR) + 30 * MINUTE);
  const now = clock.now().getTime();
  const at = (ago: number): Date => new Date(now - ago * MINUTE);
  const lives = histories.flatMap((history) =>
    Array.from({ length: ORDERS }, (_, number) => newLife(history, number, at)),
  );
  shop.aws.silent.agreements = mode === "comes while AWS does not answer";
  for (let step = 0; step < Math.max(...lives.map(({ steps }) => steps.length)); step += 1) {
    await Promise.all(lives.map(({ steps }) => steps[step]?.(shop, at)));
    if (mode !== "is read when all has come") await allSettled();
  }
  await allSettled();
  shop.aws.silent.agreements = false;
  // Long enough for two sweeps of agreements.
  for (let round = 0; round < 8; round += 1) {
    clock.advance(3 * MINUTE);
    await allSettled();
  }
  const ends = await Promise.all(lives.map(async (one) => ({ ...one, end: await outcome(one) })));
  return ends.flatMap(({ history, order, end }) =>
    end === expectedOf(history) ? [] : [`${history.name} (${order.join("")}): ${end}`],
  );
}

const expectedOf = ({ last }: History): string =>
  last === undefined ? "no tenant" : `1 tenant, paid, then licence ${last}`;

describe("a customer of the older generation, whatever the order in which the rest comes,", () => {
  test.each(modes)("has one tenant, and each hour one payer, when it %s", async (mode) => {
    expect(await live(mode)).toEqual([]);
  });
});

describe("another purchase of a customer of the older generation", () => {
  test.each([true, false])("is another tenant, also after the first has moved: %s", async (hasMoved) => {
    const at = (ago: number): Date => new Date(shop.provider.clock.now().getTime() - ago * MINUTE);
    const one = purchaseOf(PRODUCT);
    const two = purchaseOf(PRODUCT, { account: one.account, customer: one.customer });
    shop.aws.agreements.set(one.agreement, agreementOf(one, { start: at(DAYS) }));
    shop.aws.agreements.set(two.agreement, agreementOf(two, { start: at(30) }));
    const arrivals = [...subscribes(one), ...(hasMoved ? moves(60, one) : []), ...moves(30, two), registers(two)];
    for (const arrival of arrivals) {
      await arrival(shop, at);
      await allSettled();
    }
    expect(await outcome({ chain: [one, two] })).toMatch(/^2 tenant, paid/);
  });
});

describe("two processes that come to both names of a purchase at once", () => {
  /** Options of a process that stops where it is about to make a tenant, until it is told how that goes on. */
  function stopping(): { options: AwsOptions; stopped: Promise<unknown>; goOn: (lives: boolean) => void } {
    const turns = new EventEmitter();
    const [stopped, told] = [once(turns, "stopped"), once(turns, "told")];
    const provider = new Proxy(shop.options.provider, {
      get(target, name) {
        const value = Reflect.get(target, name) as unknown;
        if (name !== "provision" || typeof value !== "function") return value;
        return async (...args: unknown[]) => {
          turns.emit("stopped");
          const [lives] = await told;
          if (!lives) throw new LeaseLost();
          return Reflect.apply(value, target, args) as unknown;
        };
      },
    });
    return { options: { ...shop.options, provider }, stopped, goOn: (lives) => turns.emit("told", lives) };
  }

  test.each([
    { first: "the older one", lives: true },
    { first: "the older one", lives: false },
    { first: "the newer one", lives: true },
    { first: "the newer one", lives: false },
  ])("make one tenant, $first being first and its process living: $lives", async ({ first, lives }) => {
    const { clock } = shop.provider;
    const at = (ago: number): Date => new Date(clock.now().getTime() - ago * MINUTE);
    const one = purchaseOf(PRODUCT);
    shop.aws.agreements.set(one.agreement, agreementOf(one, { start: at(DAYS) }));
    for (const name of [one.arn, one.customer]) shop.aws.granted.set(name, [{ dimension: "requests", value: 500 }]);
    for (const arrival of [registers(one, "legacy"), registers(one), ...moves(3, one), ...subscribes(one).slice(0, 1)])
      await arrival(shop, at);
    await readInbox(shop.options, 100);
    const keys = [`${one.product.code}:${one.customer}`, one.arn];
    const [mine = "", other = ""] = first === "the older one" ? keys : keys.toReversed();
    const process = stopping();
    const run = settleLicence(process.options, mine);
    await process.stopped;
    await settleLicence(shop.options, other);
    process.goOn(lives);
    await run;
    await settleLicence(shop.options, other);
    for (let round = 0; round < 3; round += 1) {
      clock.advance(MINUTE);
      await allSettled();
    }
    expect(await outcome({ chain: [one] })).toBe("1 tenant, paid, then licence 0");
  });
});

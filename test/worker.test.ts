import { setTimeout as sleep } from "node:timers/promises";
import { connect } from "../src/db/db.ts";
import type { Delivery, OwedCall } from "../src/deliveries/deliveries.ts";
import { createMetrics } from "../src/http/metrics.ts";
import { createLogger } from "../src/log.ts";
import type { Marketplace } from "../src/marketplaces/marketplace.ts";
import { RetryLater } from "../src/product/product.ts";
import { startWorker, type Worker } from "../src/worker.ts";
import { MINUTE } from "./support/clock.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { closeReceivers, receiver } from "./support/receiver.ts";
import { heldBack } from "./support/scripted-product.ts";
import { boughtTenant, subscribed } from "./support/subscribed.ts";

const PLACES = 10;
/** Far less than a worker's own look at what is due, taken several times over. */
const SOON_MS = 900;

const ended: (() => Promise<unknown>)[] = [];
let shop: TestProvider;
let worker: Worker;
let deliver: (call: OwedCall) => Promise<Delivery>;
let atWork = 0;
let mostAtWork = 0;
let begun = 0;
let faults = 0;

beforeEach(async () => {
  [atWork, mostAtWork, begun, faults] = [0, 0, 0, 0];
  deliver = async () => ({ outcome: "delivered" });
  shop = await testProvider({ budgets: { product: 20_000 } });
});

afterEach(async () => {
  await worker.stop();
  for (const end of ended.splice(0)) await end();
  await closeReceivers();
  await closeProviders();
});

function work(): void {
  const database = connect({ url: shop.database.appUrl });
  ended.push(() => database.close());
  const bazaar = { name: "bazaar", deliver: counted } as Partial<Marketplace> as Marketplace;
  worker = startWorker({
    database,
    store: shop.deps.store,
    clock: shop.clock,
    provider: shop,
    subscriptions: subscribed(shop, { limitMs: 20_000 }),
    marketplaces: new Map([["bazaar", bazaar]]),
    logger: createLogger({ level: "error", destination: { write: noteFault } }),
    metrics: createMetrics(),
  });
}

function noteFault(): void {
  faults += 1;
}

async function counted(call: OwedCall): Promise<Delivery> {
  begun += 1;
  atWork += 1;
  mostAtWork = Math.max(mostAtWork, atWork);
  return deliver(call).finally(() => {
    atWork -= 1;
  });
}

/** As many tenants, each of which owes one call. */
async function owing(count: number): Promise<void> {
  for (let index = 0; index < count; index += 1) {
    await shop.provision(purchase({ owed: [{ marketplace: "bazaar", kind: "say" }] }));
  }
}

const countOf = async (rows: string): Promise<number> => (await shop.look(`select from ${rows}`)).length;

async function comesTo(wanted: number, count: () => number | Promise<number>, withinMs = 10_000): Promise<void> {
  const until = performance.now() + withinMs;
  while ((await count()) !== wanted && performance.now() < until) await sleep(10);
  expect(await count()).toBe(wanted);
}

describe("a worker", () => {
  test("delivers everybody else's calls while one of them takes its time", async () => {
    const slow = heldBack<Delivery>();
    deliver = () => (begun === 1 ? slow.promise : Promise.resolve({ outcome: "delivered" }));
    await owing(2 * PLACES + 5);
    work();
    await comesTo(2 * PLACES + 4, () => countOf("owed_calls where state = 'delivered'"));
    expect(atWork).toBe(1);
    slow.release({ outcome: "delivered" });
    await comesTo(0, () => countOf("owed_calls where state = 'owed'"));
  });

  test("runs everybody else's operations while the product takes its time over one", async () => {
    const slow = heldBack<object>();
    const count = PLACES + 5;
    shop.product.answer(...Array.from({ length: count }, () => new RetryLater(1)), slow.promise);
    for (let index = 0; index < count; index += 1) await shop.provision(purchase());
    shop.clock.advance(MINUTE);
    work();
    await comesTo(count - 1, () => countOf("tenants where state = 'active'"));
    slow.release({});
    await comesTo(count, () => countOf("tenants where state = 'active'"));
  });

  test("tells an endpoint of events as they happen, while others are silent", async () => {
    const [well, ...silent] = [
      await receiver(),
      ...(await Promise.all([1, 2, 3, 4].map(() => receiver(() => undefined)))),
    ];
    for (const { url } of [...silent, well]) await subscribed(shop).create({ url });
    work();
    for (let count = 1; count <= 6; count += 1) {
      await boughtTenant(shop);
      await comesTo(2 * count, () => well.got.length, SOON_MS);
    }
    expect(silent.map(({ got }) => got.length)).toEqual([4, 4, 4, 4]);
    await closeReceivers();
  });

  test("has ten calls on their way at most, and a place that is free is taken at once", async () => {
    const held = Array.from({ length: 3 * PLACES }, () => heldBack<Delivery>());
    deliver = () => held[begun - 1]?.promise ?? Promise.resolve({ outcome: "delivered" });
    await owing(held.length);
    work();
    await comesTo(PLACES, () => begun);
    for (const [index, { release }] of held.entries()) {
      release({ outcome: "delivered" });
      await comesTo(Math.min(PLACES + index + 1, held.length), () => begun, SOON_MS);
    }
    await comesTo(0, () => countOf("owed_calls where state = 'owed'"));
    expect(mostAtWork).toBe(PLACES);
  });

  test("that stops ends the calls on their way and takes no new ones", async () => {
    const slow = heldBack<Delivery>();
    deliver = () => slow.promise;
    await owing(PLACES);
    work();
    await comesTo(PLACES, () => begun);
    let stopped = false;
    const stopping = worker.stop().then(() => {
      stopped = true;
    });
    await owing(1);
    await sleep(200);
    expect(stopped).toBe(false);
    slow.release({ outcome: "delivered" });
    await stopping;
    expect(await countOf("owed_calls where state = 'delivered'")).toBe(PLACES);
    expect([begun, await countOf("owed_calls where attempts = 0")]).toEqual([PLACES, 1]);
  });

  test("goes on after a fault in the midst of a call, which is taken up again after its lease", async () => {
    const fault = "create function fail() returns trigger language plpgsql as $$ begin raise 'no'; end $$";
    await shop.look(fault);
    await shop.look("create trigger fail before insert on deliveries execute function fail()");
    await owing(1);
    work();
    await comesTo(1, () => faults);
    await shop.look("drop trigger fail on deliveries");
    await owing(1);
    await comesTo(1, () => countOf("owed_calls where state = 'delivered'"));
    shop.clock.advance(MINUTE);
    await comesTo(2, () => countOf("owed_calls where state = 'delivered'"));
  });
});

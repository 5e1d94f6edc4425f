import { setTimeout as sleep } from "node:timers/promises";
import { SECOND } from "./support/clock.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { closeReceivers, idsAt, type Receiver, receiver, takes, toldOf } from "./support/receiver.ts";
import { boughtTenant, happens, type Subscribed, subscribed } from "./support/subscribed.ts";

let shop: TestProvider;
let out: Subscribed;

beforeEach(async () => {
  shop = await testProvider();
  out = subscribed(shop);
});

afterEach(async () => {
  await closeReceivers();
  await closeProviders();
});

describe("an endpoint", () => {
  test("hears of an event from one of many workers at once", async () => {
    const desk = await receiver();
    await out.endpointAt(desk.url, ["provision.requested"]);
    for (let count = 0; count < 5; count += 1) await boughtTenant(shop);
    const others = Array.from({ length: 4 }, () => subscribed(shop));
    await Promise.all([out, ...others].map((one) => one.send()));
    expect(new Set(idsAt(desk)).size).toBe(5);
    expect(desk.got).toHaveLength(5);
  });

  test("misses nothing and hears nothing out of order while events are written and taken at the same moment", async () => {
    const desk = await receiver();
    const id = await out.endpointAt(desk.url, ["signed_in"]);
    const tenants = await Promise.all(Array.from({ length: 4 }, () => boughtTenant(shop)));
    let writing = true;
    const write = async (tenant: { readonly id: string }): Promise<void> => {
      for (let count = 0; count < 25; count += 1) await happens(shop, tenant);
    };
    const send = async (sender: Subscribed): Promise<void> => {
      while (writing) await sender.send();
    };
    const senders = [send(out), send(subscribed(shop))];
    await Promise.all(tenants.map(write));
    writing = false;
    await Promise.all(senders);
    await out.send();
    for (const tenant of tenants) expect(toldOf(tenant, desk)).toEqual(Array.from({ length: 25 }, (_, n) => n + 3));
    expect(await out.find(id)).toMatchObject({ owed: 0 });
    expect(await shop.look("select from event_queues")).toEqual([]);
  });

  test("hears again of an event whose sender died before it was noted, and the late note changes nothing", async () => {
    const desk = await receiver();
    const id = await out.endpointAt(desk.url, ["provision.requested"]);
    await boughtTenant(shop);
    let release = (): void => undefined;
    desk.manner = (response) => {
      release = () => response.writeHead(500).end();
    };
    const slow = subscribed(shop, { limitMs: 20_000 });
    const [dying] = await slow.startDueEvents();
    while (desk.got.length === 0) await sleep(5);
    shop.clock.advance(30 * SECOND - 1);
    await out.send();
    expect(desk.got).toHaveLength(1);
    shop.clock.advance(1);
    const late = release;
    desk.manner = takes;
    await out.send();
    expect(desk.got).toHaveLength(2);
    late();
    await dying;
    expect(await out.find(id)).toMatchObject({ owed: 0, failingSince: null });
    expect(slow.settled).toEqual([]);
  });
});

describe("at the same moment", () => {
  /** Answers that are held back until each is let go with a status. */
  function holding(desk: Receiver): ((status: number) => void)[] {
    const held: ((status: number) => void)[] = [];
    desk.manner = (response) => void held.push((status) => response.writeHead(status).end());
    return held;
  }

  const comes = async (count: number, held: readonly unknown[]): Promise<void> => {
    while (held.length < count) await sleep(5);
  };

  test("a late note does not take the lease from whoever has it now", async () => {
    const desk = await receiver();
    await out.endpointAt(desk.url, ["provision.requested"]);
    await boughtTenant(shop);
    const held = holding(desk);
    const patient = subscribed(shop, { limitMs: 20_000 });
    const [late] = await patient.startDueEvents();
    await comes(1, held);
    shop.clock.advance(30 * SECOND);
    const [current] = await patient.startDueEvents();
    await comes(2, held);
    held[0]?.(500);
    await late;
    shop.clock.advance(20 * SECOND);
    expect(await patient.startDueEvents()).toEqual([]);
    held[1]?.(204);
    await current;
    expect(patient.settled.map(({ outcome, attempt }) => [outcome, attempt])).toEqual([["delivered", 2]]);
  });

  test("an event that is written while the one before it is taken is not forgotten", async () => {
    const desk = await receiver();
    const id = await out.endpointAt(desk.url, ["provision.done", "renamed"]);
    const tenant = await boughtTenant(shop);
    const held = holding(desk);
    const [taken] = await out.startDueEvents();
    await comes(1, held);
    await shop.deps.store.asTenant(tenant.id, async (tx) => {
      await tx.query("select append_event($1, 'renamed', 'product', $2, $2, '{}')", [tenant.id, shop.clock.now()]);
      held[0]?.(204);
      await sleep(300);
    });
    await taken;
    desk.manner = takes;
    await out.send();
    expect(toldOf(tenant, desk)).toEqual([2, 3]);
    expect((await out.find(id)).owed).toBe(0);
  });
});

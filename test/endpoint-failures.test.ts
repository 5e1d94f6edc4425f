import { setTimeout as sleep } from "node:timers/promises";
import { DAY, HOUR, MINUTE, SECOND } from "./support/clock.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import {
  answers,
  closeReceivers,
  type Manner,
  type Receiver,
  receiver,
  sequencesAt,
  takes,
  toldOf,
  typesAt,
} from "./support/receiver.ts";
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

/** Turns the clock and sends until the endpoint is owed nothing, or for ten days. */
async function tenDays(): Promise<void> {
  for (let hours = 0; hours < 240; hours += 2) {
    await out.send();
    shop.clock.advance(2 * HOUR);
  }
  await out.send();
}

describe("an endpoint", () => {
  test("is tried ten times in three days, later and later", async () => {
    const desk = await receiver(answers(500));
    await out.endpointAt(desk.url, ["provision.requested"]);
    const begun = shop.clock.now().getTime();
    await boughtTenant(shop);
    const at: number[] = [];
    for (let minutes = 0; minutes < 5 * 24 * 60; minutes += 1) {
      const before = desk.got.length;
      await out.send();
      if (desk.got.length > before) at.push(shop.clock.now().getTime() - begun);
      shop.clock.advance(minutes < 10 ? MINUTE / 6 : MINUTE * 10);
      if (at.length === 10) break;
    }
    expect(at).toHaveLength(10);
    const waits = at.slice(1).map((moment, place) => (moment - (at[place] ?? 0)) / SECOND);
    const law = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];
    // The clock is turned by ten minutes, so that a look comes so much late.
    for (const [place, wait] of waits.entries()) {
      expect(wait).toBeGreaterThanOrEqual((law[place] ?? 0) * 0.8);
      expect(wait).toBeLessThanOrEqual((law[place] ?? 0) + 600);
    }
  });

  test("may ask for a longer wait, of a day at most, which holds for all it is owed, and not for a shorter one", async () => {
    const desk = await receiver(answers(503, { "retry-after": "3600" }));
    await out.endpointAt(desk.url, ["provision.requested"]);
    await boughtTenant(shop);
    await out.send();
    await boughtTenant(shop);
    await out.send();
    expect(desk.got).toHaveLength(1);
    shop.clock.advance(HOUR - SECOND);
    await out.send();
    expect(desk.got).toHaveLength(1);
    shop.clock.advance(SECOND);
    desk.manner = answers(429, { "retry-after": "999999999" });
    await out.send();
    const asked = desk.got.length;
    shop.clock.advance(DAY - SECOND);
    await out.send();
    expect(desk.got).toHaveLength(asked);
    shop.clock.advance(SECOND);
    desk.manner = answers(429, { "retry-after": "0" });
    await out.send();
    const more = desk.got.length;
    expect(more).toBeGreaterThan(asked);
    shop.clock.advance(SECOND);
    await out.send();
    expect(desk.got).toHaveLength(more);
  });

  test("that answers 410 is disabled at once and told of to others; what it is owed waits until it is turned on", async () => {
    const [gone, other] = [await receiver(answers(410)), await receiver()];
    const id = await out.endpointAt(gone.url);
    await out.endpointAt(other.url);
    const tenant = await boughtTenant(shop);
    await out.send();
    expect(await out.find(id)).toMatchObject({ state: "disabled", reason: "It answered 410." });
    expect(out.settled).toContainEqual(expect.objectContaining({ endpoint: id, outcome: "disabled", status: 410 }));
    expect(typesAt(other)).toContain("endpoint.disabled.v1");
    await happens(shop, tenant);
    shop.clock.advance(DAY);
    await out.send();
    expect(gone.got).toHaveLength(1);
    gone.manner = takes;
    await out.change(id, { state: "on" });
    await out.send();
    expect(sequencesAt(gone)).toEqual([1, 1, 2, 3, 4]);
  });

  test("that has taken nothing for three days is disabled and loses nothing", async () => {
    const desk = await receiver(answers(500));
    const id = await out.endpointAt(desk.url);
    await boughtTenant(shop);
    await tenDays();
    expect(await out.find(id)).toMatchObject({ state: "disabled", reason: "It answered 500.", owed: 3 });
    expect(desk.got).toHaveLength(10);
    desk.manner = takes;
    await out.change(id, { state: "on" });
    desk.got.length = 0;
    await out.send();
    expect(sequencesAt(desk)).toEqual([1, 2, 3]);
  });

  test("that takes others gives one event up after all tries; that is an event, and the next goes on", async () => {
    const desk = await receiver();
    const id = await out.endpointAt(desk.url, ["signed_in", "renamed", "event.given_up"]);
    const tenant = await boughtTenant(shop);
    const healthy = await boughtTenant(shop);
    desk.manner = (response) => {
      const { event } = desk.got.at(-1) ?? {};
      response.writeHead(event?.type.includes("renamed") ? 422 : 204).end();
    };
    await happens(shop, tenant, "renamed", { what: "app", from: "a", to: "b" });
    await happens(shop, tenant);
    for (let days = 0; days < 5; days += 0.25) {
      await happens(shop, healthy);
      await out.send();
      shop.clock.advance(6 * HOUR);
    }
    await out.send();
    expect(await out.find(id)).toMatchObject({ state: "on", owed: 0 });
    const ofTenant = desk.got.filter(({ event }) => event.subject === tenant.id);
    expect(ofTenant.filter(({ event }) => event.type.includes("renamed"))).toHaveLength(10);
    const [after, told] = ofTenant.slice(10);
    expect(after?.event.type).toContain("signed_in");
    expect(told?.event.data.details).toMatchObject({ endpoint: id, type: "renamed", attempts: 10 });
  });
});

describe("receivers that fail", () => {
  const endless: Manner = (response) => {
    response.writeHead(200);
    const more = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(more));
  };
  const huge: Manner = (response) => {
    response.writeHead(200);
    const block = "x".repeat(64 * 1024);
    const pour = (): void => {
      while (response.writable && response.write(block));
    };
    response.on("drain", pour).on("error", () => undefined);
    pour();
  };
  const faults: Readonly<Record<string, Manner>> = {
    "answer 500": answers(500),
    "answer 404": answers(404),
    "answer 429 and ask for time": answers(429, { "retry-after": "30" }),
    "redirect to a private address": answers(302, { location: "http://169.254.169.254/latest/meta-data/" }),
    "redirect to themselves": answers(307, { location: "/events" }),
    "are gone": answers(410),
    "never answer": () => undefined,
    "begin an answer and stop": (response) => void response.writeHead(200, { "content-length": "10" }).write("x"),
    "answer for ever": endless,
    "answer without end": huge,
    "hang up": (response) => response.destroy(),
    "speak no HTTP": (_, request) => request.socket.end("nonsense\r\n\r\n"),
    "answer 102 for ever": (response) => {
      const more = setInterval(() => response.writeProcessing(), 20);
      response.on("close", () => clearInterval(more));
    },
  };

  interface Sick {
    readonly name: string;
    readonly at: Receiver;
    readonly id: string;
  }

  const PROVISION = ["provision.*"];

  async function allSick(): Promise<readonly Sick[]> {
    const sick: Sick[] = [];
    for (const [name, manner] of Object.entries(faults)) {
      const at = await receiver(manner);
      sick.push({ name, at, id: await out.endpointAt(at.url, PROVISION) });
    }
    return sick;
  }

  async function heal({ at, id }: Sick): Promise<void> {
    at.manner = takes;
    at.got.length = 0;
    if ((await out.find(id)).state === "disabled") await out.change(id, { state: "on" });
  }

  test("lose no event, and stop no other receiver", async () => {
    out = subscribed(shop, { limitMs: 4_000 });
    const sick = await allSick();
    const closed = await receiver();
    const closedId = await out.endpointAt(closed.url, PROVISION);
    await closed.close();
    const well = await receiver();
    await out.endpointAt(well.url, PROVISION);

    const tenants = [await boughtTenant(shop), await boughtTenant(shop), await boughtTenant(shop)];
    const calls: Promise<void>[] = [];
    while (well.got.length < 6) {
      calls.push(...(await out.startDueEvents()));
      await sleep(10);
    }
    const silent = sick.find(({ name }) => name === "never answer");
    expect(out.settled.filter(({ endpoint }) => endpoint === silent?.id)).toEqual([]);
    await Promise.all(calls);
    // Not one has been told of what comes second before it has taken the first.
    expect(sick.filter(({ at }) => sequencesAt(at).some((n) => n > 1)).map(({ name }) => name)).toEqual([]);

    for (const one of sick) await heal(one);
    for (let round = 0; round < 8; round += 1) {
      shop.clock.advance(5 * MINUTE);
      await out.send();
    }
    const told = Object.fromEntries(sick.map(({ name, at }) => [name, tenants.map((tenant) => toldOf(tenant, at))]));
    expect(told).toEqual(Object.fromEntries(sick.map(({ name }) => [name, tenants.map(() => [1, 2])])));
    expect(await out.find(closedId)).toMatchObject({ state: "on", owed: 6 });
    expect(well.got).toHaveLength(6);
  }, 60_000);
});

import { setTimeout as sleep } from "node:timers/promises";
import { DAY, HOUR, MINUTE, SECOND } from "./support/clock.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { answers, closeReceivers, type Manner, type Receiver, receiver, takes, verify } from "./support/receiver.ts";
import { boughtTenant, happens, PUBLIC_URL, type Subscribed, subscribed } from "./support/subscribed.ts";

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

const typesAt = ({ got }: Receiver): string[] => got.map(({ event }) => event.type.split(".tenant.")[1] ?? "");
const idsAt = ({ got }: Receiver): string[] => got.map(({ event }) => event.id);
const sequencesAt = ({ got }: Receiver): number[] => got.map(({ event }) => Number(event.sequence));
const toldOf = (tenant: { readonly id: string }, { got }: Receiver): number[] =>
  got.filter(({ event }) => event.subject === tenant.id).map(({ event }) => Number(event.sequence));

async function endpointAt(url: string, types?: readonly string[]): Promise<string> {
  return (await out.create({ url, types })).endpoint.id;
}

/** Turns the clock and sends until the endpoint is owed nothing, or for ten days. */
async function tenDays(): Promise<void> {
  for (let hours = 0; hours < 240; hours += 2) {
    await out.send();
    shop.clock.advance(2 * HOUR);
  }
  await out.send();
}

describe("an endpoint", () => {
  test("hears of each event once, in order, signed, with the ids of the events themselves", async () => {
    const desk = await receiver();
    const { secret = "" } = await out.create({ url: desk.url });
    const tenant = await boughtTenant(shop);
    await shop.suspend({ ...about(tenant), reason: "unpaid" });
    await out.send();
    const rows = await shop.look<{ id: string; type: string }>(
      "select id, type from lifecycle_events where tenant_id = $1 order by sequence",
      [tenant.id],
    );
    expect(idsAt(desk)).toEqual(rows.map(({ id }) => id));
    expect(typesAt(desk)).toEqual(rows.map(({ type }) => `${type}.v1`));
    for (const one of desk.got) verify(secret, one);
    expect(desk.got[0]?.headers).toMatchObject({
      "webhook-id": desk.got[0]?.event.id,
      "content-type": "application/cloudevents+json; charset=utf-8",
    });
    await out.send();
    expect(desk.got).toHaveLength(4);
  });

  test("that chose types hears of those alone; by a beginning, of all that begin so; of none that others have told", async () => {
    const [some, all] = [await receiver(), await receiver()];
    await endpointAt(some.url, ["suspended", "provision.*"]);
    await endpointAt(all.url);
    const tenant = await boughtTenant(shop);
    await shop.suspend({ ...about(tenant), reason: "unpaid" });
    await happens(shop, tenant, "external.ticket" as "renamed");
    await out.send();
    expect(typesAt(some)).toEqual(["provision.requested.v1", "provision.done.v1", "suspended.v1"]);
    expect(typesAt(all)).toHaveLength(4);
  });

  test("is owed nothing of a change that was rolled back", async () => {
    const desk = await receiver();
    await endpointAt(desk.url);
    const tenant = await boughtTenant(shop);
    await out.send();
    const undone = shop.deps.store.asTenant(tenant.id, async (tx) => {
      await tx.query("select append_event($1, 'renamed', 'product', $2, $2, '{}')", [tenant.id, shop.clock.now()]);
      throw new Error("undone");
    });
    await expect(undone).rejects.toThrow("undone");
    await out.send();
    expect(desk.got).toHaveLength(2);
  });

  test("gets nothing of a tenant before what it has not taken; other tenants and other endpoints go on", async () => {
    const [sick, well] = [await receiver(), await receiver()];
    await endpointAt(sick.url);
    await endpointAt(well.url);
    const [unlucky, lucky] = [await boughtTenant(shop), await boughtTenant(shop)];
    sick.manner = (response) => {
      const { event } = sick.got.at(-1) ?? {};
      response.writeHead(event?.subject === unlucky.id ? 500 : 204).end();
    };
    await out.send();
    expect(toldOf(unlucky, sick)).toEqual([1]);
    expect(toldOf(lucky, sick)).toEqual([1, 2]);
    expect(toldOf(unlucky, well)).toEqual([1, 2]);
    sick.manner = takes;
    shop.clock.advance(5 * SECOND);
    await out.send();
    expect(toldOf(unlucky, sick)).toEqual([1, 1, 2]);
    const [first, again] = sick.got.filter(({ event }) => event.subject === unlucky.id);
    expect(again?.text).toBe(first?.text);
    expect(again?.headers["webhook-id"]).toBe(first?.headers["webhook-id"]);
  });

  test("is tried ten times in three days, later and later", async () => {
    const desk = await receiver(answers(500));
    await endpointAt(desk.url, ["provision.requested"]);
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
    await endpointAt(desk.url, ["provision.requested"]);
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
    const id = await endpointAt(gone.url);
    await endpointAt(other.url);
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
    const id = await endpointAt(desk.url);
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
    const id = await endpointAt(desk.url, ["signed_in", "renamed", "event.given_up"]);
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

  test("that is turned off is owed nothing, and what it missed can be recovered in order", async () => {
    const desk = await receiver();
    const id = await endpointAt(desk.url, ["provision.*", "signed_in"]);
    const since = shop.clock.now();
    const tenant = await boughtTenant(shop);
    await out.send();
    await out.change(id, { state: "off" });
    shop.clock.advance(MINUTE);
    await happens(shop, tenant);
    await happens(shop, tenant);
    await out.change(id, { state: "on" });
    await out.send();
    expect(sequencesAt(desk)).toEqual([1, 2]);
    expect(await out.recover(id, since)).toEqual({ owed: 2, recoveredThrough: null });
    expect(await out.recover(id, since)).toEqual({ owed: 0, recoveredThrough: null });
    await out.send();
    expect(sequencesAt(desk)).toEqual([1, 2, 3, 4]);
    await expect(out.recover(id, new Date(since.getTime() - 31 * DAY))).rejects.toMatchObject({
      code: "request_malformed",
    });
  });

  test("gets an event again when it is asked for, under the same id", async () => {
    const desk = await receiver();
    const id = await endpointAt(desk.url, ["provision.requested"]);
    await boughtTenant(shop);
    await out.send();
    const [first] = await out.deliveries(id, { limit: 10 });
    expect(first).toMatchObject({ outcome: "delivered", status: 204, attempt: 1, type: "provision.requested" });
    await out.resend(id, String(first?.id));
    await out.send();
    expect(new Set(idsAt(desk)).size).toBe(1);
    expect(desk.got).toHaveLength(2);
    await expect(out.resend(id, "nothing")).rejects.toMatchObject({ code: "request_malformed" });
  });

  test("is signed for with both secrets during a rotation, and with the new one alone afterwards", async () => {
    const desk = await receiver();
    const { secret: old = "", endpoint } = await out.create({ url: desk.url, types: ["provision.requested"] });
    const { secret: fresh = "" } = await out.rotateSecret(endpoint.id, 3_600);
    await boughtTenant(shop);
    await out.send();
    const [during] = desk.got;
    if (during === undefined) throw new Error("Nothing came.");
    expect(during.headers["webhook-signature"]?.split(" ")).toHaveLength(2);
    verify(old, during);
    verify(fresh, during);
    shop.clock.advance(HOUR);
    await boughtTenant(shop);
    await out.send();
    const after = desk.got[1];
    if (after === undefined) throw new Error("Nothing came.");
    verify(fresh, after);
    expect(() => verify(old, after)).toThrow();
  });

  test("keeps its secrets sealed, for itself alone", async () => {
    const { secret = "" } = await out.create({ url: (await receiver()).url });
    const { endpoint: other } = await out.create({ url: (await receiver()).url });
    const dump = JSON.stringify(await shop.look("select * from endpoints"));
    expect(dump).not.toContain(secret.slice("whsec_".length));
    await shop.look(
      "update endpoints set secrets = (select secrets from endpoints where id <> $1 limit 1) where id = $1",
      [other.id],
    );
    await boughtTenant(shop);
    await out.send();
    expect(out.settled.filter(({ endpoint }) => endpoint === other.id)).toContainEqual(
      expect.objectContaining({ outcome: "retry", status: undefined }),
    );
  });

  test("that is removed gets nothing more, and nothing of it is kept", async () => {
    const desk = await receiver();
    const id = await endpointAt(desk.url);
    await boughtTenant(shop);
    await out.remove(id);
    await out.send();
    expect(desk.got).toEqual([]);
    expect(
      await shop.look(
        "select from owed_events union all select from event_queues union all select from event_deliveries",
      ),
    ).toEqual([]);
    await expect(out.remove(id)).rejects.toMatchObject({ code: "endpoint_not_found" });
  });

  test("hears of an event from one of many workers at once", async () => {
    const desk = await receiver();
    await endpointAt(desk.url, ["provision.requested"]);
    for (let count = 0; count < 5; count += 1) await boughtTenant(shop);
    const others = Array.from({ length: 4 }, () => subscribed(shop));
    await Promise.all([out, ...others].map((one) => one.send()));
    expect(new Set(idsAt(desk)).size).toBe(5);
    expect(desk.got).toHaveLength(5);
  });

  test("misses nothing and hears nothing out of order while events are written and taken at the same moment", async () => {
    const desk = await receiver();
    const id = await endpointAt(desk.url, ["signed_in"]);
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
    const id = await endpointAt(desk.url, ["provision.requested"]);
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
    await endpointAt(desk.url, ["provision.requested"]);
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
    const id = await endpointAt(desk.url, ["provision.done", "renamed"]);
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
      sick.push({ name, at, id: await endpointAt(at.url, PROVISION) });
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
    const closedId = await endpointAt(closed.url, PROVISION);
    await closed.close();
    const well = await receiver();
    await endpointAt(well.url, PROVISION);

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

describe("the envelope", () => {
  test("is CloudEvents 1.0 and holds no secret of the tenant", async () => {
    const desk = await receiver();
    await endpointAt(desk.url);
    const { tenant, config } = (await shop.provision(purchase())).value;
    await shop.rotateCredentials(about(tenant));
    await out.send();
    expect(desk.got[0]?.event).toEqual({
      specversion: "1.0",
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      source: PUBLIC_URL,
      type: `com.${shop.deps.catalog.id}.tenant.provision.requested.v1`,
      subject: tenant.id,
      time: "2026-03-01T11:59:59.000Z",
      datacontenttype: "application/json",
      dataschema: `${PUBLIC_URL}/docs/events/provision.requested.json`,
      sequence: "000000000001",
      data: {
        tenant: tenant.id,
        marketplace: "bazaar",
        resource_id: tenant.resourceId,
        by: "marketplace:bazaar",
        recorded_at: "2026-03-01T12:00:00.000Z",
        details: { plan: "basic", region: "us" },
      },
    });
    const said = desk.got.map(({ text }) => text).join();
    for (const value of Object.values({ ...config, ...(await shop.configVars(tenant.id)) }).filter((text) =>
      text.includes("_live_"),
    ))
      expect(said).not.toContain(value);
  });

  test("tells what the catalogue names and no more", async () => {
    const desk = await receiver();
    await endpointAt(desk.url, ["signed_in", "renamed"]);
    const tenant = await boughtTenant(shop);
    await happens(shop, tenant, "signed_in", { email: "ada@example.com", token: "secret" });
    await happens(shop, tenant, "renamed", { what: 7, password: "secret" });
    await out.send();
    expect(desk.got.map(({ event }) => event.data.details)).toEqual([{ email: "ada@example.com" }, { what: 7 }]);
  });
});

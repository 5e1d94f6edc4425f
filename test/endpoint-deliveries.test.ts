import { DAY, HOUR, MINUTE, SECOND } from "./support/clock.ts";
import { about, closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { closeReceivers, idsAt, receiver, sequencesAt, takes, toldOf, typesAt, verify } from "./support/receiver.ts";
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
    await out.endpointAt(some.url, ["suspended", "provision.*"]);
    await out.endpointAt(all.url);
    const tenant = await boughtTenant(shop);
    await shop.suspend({ ...about(tenant), reason: "unpaid" });
    await happens(shop, tenant, "external.ticket" as "renamed");
    await out.send();
    expect(typesAt(some)).toEqual(["provision.requested.v1", "provision.done.v1", "suspended.v1"]);
    expect(typesAt(all)).toHaveLength(4);
  });

  test("is owed nothing of a change that was rolled back", async () => {
    const desk = await receiver();
    await out.endpointAt(desk.url);
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
    await out.endpointAt(sick.url);
    await out.endpointAt(well.url);
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

  test("that is turned off is owed nothing, and what it missed can be recovered in order", async () => {
    const desk = await receiver();
    const id = await out.endpointAt(desk.url, ["provision.*", "signed_in"]);
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
    const id = await out.endpointAt(desk.url, ["provision.requested"]);
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
    const id = await out.endpointAt(desk.url);
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
});

describe("the envelope", () => {
  test("is CloudEvents 1.0 and holds no secret of the tenant", async () => {
    const desk = await receiver();
    await out.endpointAt(desk.url);
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
    await out.endpointAt(desk.url, ["signed_in", "renamed"]);
    const tenant = await boughtTenant(shop);
    await happens(shop, tenant, "signed_in", { email: "ada@example.com", token: "secret" });
    await happens(shop, tenant, "renamed", { what: 7, password: "secret" });
    await out.send();
    expect(desk.got.map(({ event }) => event.data.details)).toEqual([{ email: "ada@example.com" }, { what: 7 }]);
  });
});

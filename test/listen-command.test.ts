import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { replay, trigger } from "../src/cli/events.ts";
import { listen } from "../src/cli/listen.ts";
import { forwardingSecret } from "../src/subscriptions/listener.ts";
import { HOUR, MINUTE, SECOND } from "./support/clock.ts";
import { runCommand, type Said } from "./support/command.ts";
import { about, closeProviders, type TestProvider, testProvider } from "./support/provider.ts";
import { answers, closeReceivers, receiver, verify } from "./support/receiver.ts";
import { boughtTenant, happens, type Subscribed, subscribed } from "./support/subscribed.ts";

const SECRET = "the-product-secret-of-the-tests";

let shop: TestProvider;
let out: Subscribed;
let folder: string;
let clock: Server;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "listen-"));
});

beforeEach(async () => {
  shop = await testProvider();
  out = subscribed(shop);
  clock = createServer((_, response) => response.end(JSON.stringify({ now: shop.clock.now() })));
  await new Promise<void>((resolve) => clock.listen(0, "127.0.0.1", resolve));
  Object.assign(process.env, {
    DATABASE_URL: shop.database.appUrl,
    DATA_DIR: folder,
    PRODUCT_SECRET: SECRET,
    CLOCK_URL: `http://127.0.0.1:${(clock.address() as AddressInfo).port}/`,
  });
});

afterEach(async () => {
  for (const name of ["DATABASE_URL", "DATA_DIR", "PRODUCT_SECRET", "CLOCK_URL", "NODE_ENV_"]) delete process.env[name];
  clock.closeAllConnections();
  await new Promise((resolve) => clock.close(resolve));
  // A second Ctrl-C would end this process.
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.removeAllListeners(signal);
  await closeReceivers();
  await closeProviders();
});

afterAll(() => rm(folder, { recursive: true }));

const owedToListeners = async (): Promise<number> =>
  (await shop.look("select from owed_events o join endpoints e on e.id = o.endpoint_id where o.state = 'owed'")).length;

const listeners = async (): Promise<number> =>
  (await shop.look("select from endpoints where kind = 'listener'")).length;

async function until(done: () => Promise<boolean> | boolean): Promise<void> {
  for (let waited = 0; !(await done()) && waited < 15_000; waited += 20) await sleep(20);
  expect(await done()).toBe(true);
}

/** Listens while `work` is done and until all that is owed was heard; then Ctrl-C. */
async function listening(options: Parameters<typeof listen>[0], work: () => Promise<unknown>): Promise<Said> {
  const said = runCommand(() => listen(options));
  await until(async () => (await listeners()) === 1);
  await work();
  await until(async () => (await owedToListeners()) === 0);
  process.emit("SIGINT");
  return said;
}

/** A command's clock may be ahead of the test's by the time that a question takes. */
function sent(): Promise<void> {
  shop.clock.advance(SECOND);
  return out.send();
}

const eventsIn = ({ out: text }: Said) =>
  text
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => JSON.parse(line));

describe("stallholder listen", () => {
  test("shows events as they happen and leaves nothing behind when it ends", async () => {
    let id = "";
    const said = await listening({}, async () => {
      ({ id } = await boughtTenant(shop));
    });
    expect(said.code).toBe(0);
    const lines = said.out.trimEnd().split("\n");
    expect(lines).toHaveLength(2);
    expect(lines[0]).toBe(
      `2026-03-01T11:59:59.000Z  provision.requested  ${id}  bazaar  marketplace:bazaar  {"plan":"basic","region":"us"}`,
    );
    expect(said.err).toBe("Listening; Ctrl-C ends it.\n");
    expect(await listeners()).toBe(0);
    expect(
      await shop.look(
        "select from owed_events union all select from event_queues union all select from event_deliveries",
      ),
    ).toEqual([]);
  });

  test("shows only what was asked for, as one JSON a line, in the order of each tenant", async () => {
    const [tenant, other] = [await boughtTenant(shop), await boughtTenant(shop)];
    const said = await listening({ json: true, tenant: tenant.id, type: ["suspend*", "resumed"] }, async () => {
      await shop.suspend({ ...about(tenant), reason: "unpaid" });
      await shop.resume(about(tenant));
      await shop.suspend({ ...about(other), reason: "unpaid" });
    });
    expect(eventsIn(said).map(({ subject, type }) => [subject, type.split(".tenant.")[1]])).toEqual([
      [tenant.id, "suspend.requested.v1"],
      [tenant.id, "suspended.v1"],
      [tenant.id, "resumed.v1"],
    ]);
  });

  test("begins with what has happened since a time", async () => {
    const tenant = await boughtTenant(shop);
    shop.clock.advance(HOUR);
    const since = shop.clock.now();
    await happens(shop, tenant);
    shop.clock.advance(MINUTE);
    const said = await listening({ json: true, since }, () => happens(shop, tenant));
    expect(eventsIn(said).map(({ sequence }) => Number(sequence))).toEqual([3, 4]);
  });

  test("forwards each, signed, and shows what became of it; what fails is not tried again and stops nothing", async () => {
    const program = await receiver();
    const said = await listening({ forwardTo: program.url }, async () => {
      await boughtTenant(shop);
      await until(() => program.got.length === 2);
      program.manner = answers(500);
      await boughtTenant(shop);
    });
    for (const one of program.got) verify(forwardingSecret(SECRET), one);
    expect(program.got).toHaveLength(4);
    expect(said.err).toContain(`signed with ${forwardingSecret(SECRET)}`);
    expect(said.err.match(/✔ 204 in \d+ ms/g)).toHaveLength(2);
    expect(said.err.match(/✘ It answered 500\. \(\d+ ms\)/g)).toHaveLength(2);
  });

  test("that was killed is forgotten two minutes later", async () => {
    await shop.look(
      `insert into endpoints (id, kind, state, ends_at, created_at, changed_at)
       values ('ep_' || repeat('a', 26), 'listener', 'on', $1, $1, $1)`,
      [new Date(shop.clock.now().getTime() + 2 * MINUTE)],
    );
    await boughtTenant(shop);
    await out.sweep();
    expect(await listeners()).toBe(1);
    shop.clock.advance(2 * MINUTE + 1);
    await out.sweep();
    expect(await listeners()).toBe(0);
    expect(await owedToListeners()).toBe(0);
    expect(await shop.look("select from owed_events union all select from event_queues")).toEqual([]);
  });

  test.each([
    [{ tenant: "nobody" }, "nobody is no id of a tenant."],
    [{ forwardTo: "localhost:4000" }, "localhost:4000 is no address such as http://127.0.0.1:4000/events."],
    [{ type: ["nonsense"] }, "The endpoint cannot be kept like this."],
  ])("refuses %j", async (options, message) => {
    await expect(listen(options)).rejects.toMatchObject({ code: "request_malformed", message });
    expect(await listeners()).toBe(0);
  });
});

describe("stallholder trigger", () => {
  test("makes an event up for who listens and for endpoints marked for tests, and for no others", async () => {
    const [marked, real] = [await receiver(), await receiver()];
    await out.create({ url: marked.url, test: true });
    await out.create({ url: real.url });
    const tenant = await boughtTenant(shop);
    await out.send();
    marked.got.length = 0;
    const said = await listening({ json: true }, async () => {
      await trigger("usage.at_risk", { tenant: tenant.id, json: true });
      await sent();
    });
    const [result, heard] = eventsIn(said);
    expect(result).toMatchObject({ receivers: 2, event: { madeup: true, subject: tenant.id } });
    expect(heard).toEqual(result.event);
    expect(marked.got.map(({ event }) => event)).toEqual([result.event]);
    expect(real.got).toHaveLength(2);
    expect(await shop.events(tenant)).toHaveLength(2);
  });

  test("tells when nobody hears it", async () => {
    const said = await runCommand(() => trigger("suspended", {}));
    expect(said).toMatchObject({ code: 0, out: expect.stringContaining("for 0 receivers.\nNobody hears it") });
  });

  test("refuses a type that there is not, and makes nothing up in production", async () => {
    await expect(trigger("nonsense", {})).rejects.toMatchObject({ code: "request_malformed" });
    const before = { ...process.env };
    const key = Buffer.alloc(32, 1).toString("base64");
    Object.assign(process.env, {
      NODE_ENV: "production",
      PUBLIC_URL: "https://addons.example",
      SECRET_KEYS: `k1:${key}`,
      HEROKU_PASSWORD: "a-password-of-this-test",
      HEROKU_SSO_SALT: "a-salt-of-this-test-as-well",
      HEROKU_CLIENT_SECRET: "a-client-secret-of-this-test",
    });
    delete process.env["CLOCK_URL"];
    try {
      await expect(trigger("suspended", {})).rejects.toMatchObject({ code: "not_permitted" });
    } finally {
      for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
      Object.assign(process.env, before);
    }
  });
});

describe("stallholder events replay", () => {
  test("sends past events again in their order, also those that were taken, and those alone that were asked for", async () => {
    const desk = await receiver();
    const { endpoint } = await out.create({ url: desk.url });
    const since = shop.clock.now();
    const tenant = await boughtTenant(shop);
    await shop.suspend({ ...about(tenant), reason: "unpaid" });
    await out.send();
    const first = desk.got.splice(0).map(({ event }) => event.id);
    const dry = await runCommand(() => replay({ endpoint: endpoint.id, since, dryRun: true, json: true }));
    expect(JSON.parse(dry.out)).toMatchObject({
      endpoint: endpoint.id,
      dry_run: true,
      events: 4,
      owed: 4,
      state: "on",
    });
    await sent();
    expect(desk.got).toEqual([]);
    const said = await runCommand(() => replay({ endpoint: endpoint.id, since }));
    expect(said).toMatchObject({ code: 0, out: "4 of 4 events are due now; a worker sends them.\n" });
    await sent();
    expect(desk.got.splice(0).map(({ event }) => event.id)).toEqual(first);
    await runCommand(() => replay({ endpoint: endpoint.id, since, type: ["suspend*"] }));
    await sent();
    expect(desk.got.map(({ event }) => event.id)).toEqual(first.slice(2));
  });

  test("goes through a long history page by page", async () => {
    const desk = await receiver();
    const { endpoint } = await out.create({ url: desk.url, types: ["renamed"] });
    const since = shop.clock.now();
    const tenant = await boughtTenant(shop);
    await shop.look(
      `insert into lifecycle_events (tenant_id, sequence, type, by, at, recorded_at)
       select $1, n, case when n % 1000 = 0 then 'renamed' else 'signed_in' end, 'product', $2, $2::timestamptz + n * interval '1 second' / 100
       from generate_series(3, 6000) n`,
      [tenant.id, since],
    );
    shop.clock.advance(2 * MINUTE);
    const said = await runCommand(() => replay({ endpoint: endpoint.id, since, json: true }));
    expect(JSON.parse(said.out)).toMatchObject({ events: 6, owed: 0 });
    await sent();
    expect(desk.got).toHaveLength(6);
  });

  test("refuses an endpoint that there is not", async () => {
    await expect(replay({ endpoint: "ep_none", since: new Date(0) })).rejects.toMatchObject({
      code: "endpoint_not_found",
    });
  });
});

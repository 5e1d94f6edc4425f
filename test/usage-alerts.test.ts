import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { Webhook } from "standardwebhooks";
import type { AlertWish } from "../src/provider/contract.ts";
import { customerWebhooks } from "../src/subscriptions/customer-webhooks.ts";
import { DAY, HOUR } from "./support/clock.ts";
import { about, closeProviders, ISSUER, type TestProvider, testProvider } from "./support/provider.ts";
import { answers, closeReceivers, receiver, takes } from "./support/receiver.ts";
import { newTenant, send, settle } from "./support/usage.ts";

let shop: TestProvider;
let place = 0;

beforeAll(async () => {
  shop = await testProvider();
});
afterAll(async () => {
  await closeReceivers();
  await closeProviders();
});

const ADA = { email: "ada@round.example" };

function ask(tenant: string, wish: Partial<AlertWish> = {}) {
  return shop.addUsageAlert({
    ...about({ id: tenant }),
    dimension: "requests",
    of: "limit",
    percent: 90,
    to: ADA,
    ...wish,
  });
}

async function use(tenant: string, quantity: number): Promise<void> {
  place += 1;
  const time = shop.clock.now().toISOString();
  await send(shop, { id: `use ${place}`, tenant, dimension: "requests", quantity, time });
  await settle(shop);
}

/** What a worker does in each round, unless it rests. */
function raise(): Promise<object[]> {
  const limits = JSON.stringify([{ plan: "basic", dimension: "requests", limit: 100_000 }]);
  const text = "select raise_usage_alerts($1, $2)";
  return shop.deps.store.throughDoor({ text, values: [limits, shop.clock.now()] });
}

/** What the vendor's mailer heard of, without ids. */
async function raised(tenant: string): Promise<object[]> {
  const rows = await shop.look<{ data: Record<string, unknown> }>(
    "select data from lifecycle_events where tenant_id = $1 and type = 'usage.alert' order by sequence",
    [tenant],
  );
  return rows.map(({ data: { alert: _, ...data } }) => data);
}

describe("an alert of a customer", () => {
  test("is raised once when its share of the month's limit is used, and again in the next month", async () => {
    const tenant = await newTenant(shop);
    await ask(tenant);
    await use(tenant, 89_999);
    expect(await raised(tenant)).toEqual([]);
    await use(tenant, 1);
    const told = { dimension: "requests", of: "limit", percent: 90, limit: 100_000, email: "ada@round.example" };
    expect(await raised(tenant)).toEqual([{ ...told, quantity: 90_000, since: "2026-03-01" }]);
    await use(tenant, 50_000);
    await raise();
    expect(await raised(tenant)).toHaveLength(1);
    shop.clock.advance(31 * DAY);
    await use(tenant, 95_000);
    expect((await raised(tenant)).slice(1)).toEqual([{ ...told, quantity: 95_000, since: "2026-04-01" }]);
  });

  test("several workers at once raise it once", async () => {
    const tenant = await newTenant(shop);
    await use(tenant, 99_000);
    await ask(tenant);
    const holder = new pg.Client(shop.database.superuserUrl);
    await holder.connect();
    await holder.query("begin");
    await holder.query("select from tenants where id = $1 for update", [tenant]);
    const workers = Promise.all(Array.from({ length: 6 }, raise));
    const waiting = `select count(*)::int as workers from pg_stat_activity
                     where datname = current_database() and wait_event_type = 'Lock' and query ~ 'raise_usage_alerts'`;
    for (let look = 0; look < 1_000; look += 1) {
      const [found] = await shop.look<{ workers: number }>(waiting);
      if (found?.workers === 6) break;
      await sleep(10);
    }
    await holder.query("commit");
    await holder.end();
    await workers;
    expect(await raised(tenant)).toHaveLength(1);
  });

  test("one asked for beyond its share is raised with what is used already; one of 150 % waits for that", async () => {
    const tenant = await newTenant(shop);
    await use(tenant, 120_000);
    await ask(tenant, { percent: 50 });
    await ask(tenant, { percent: 150 });
    await raise();
    expect(await raised(tenant)).toMatchObject([{ percent: 50, quantity: 120_000 }]);
    await use(tenant, 30_000);
    expect(await raised(tenant)).toMatchObject([{ percent: 50 }, { percent: 150 }]);
  });

  test("of what is included it follows the contracts, not the month", async () => {
    const tenant = await newTenant(shop);
    await ask(tenant, { of: "included", percent: 80 });
    const from = shop.clock.now();
    const sql = `insert into usage_included (tenant_id, billing_reference, dimension, from_at, until_at, quantity, used)
                 values ($1, $1, 'requests', $2, $3, 1000, $4)`;
    await shop.look(sql, [tenant, from, new Date(from.getTime() + 300 * DAY), 799]);
    await raise();
    expect(await raised(tenant)).toEqual([]);
    await shop.look("update usage_included set used = 800 where tenant_id = $1", [tenant]);
    await raise();
    expect(await raised(tenant)).toMatchObject([{ of: "included", quantity: 800, limit: 1_000 }]);
    shop.clock.advance(40 * DAY);
    await raise();
    expect(await raised(tenant)).toHaveLength(1);
  });

  test("a webhook gets it signed, as an event, and again until it is taken", async () => {
    const tenant = await newTenant(shop);
    const target = await receiver(answers(500));
    const { secret } = await ask(tenant, { to: { url: target.url } });
    await use(tenant, 90_000);
    await shop.work();
    target.manner = takes;
    await shop.rest();
    expect(target.got).toHaveLength(2);
    const [first, second] = target.got;
    expect(second?.text).toBe(first?.text);
    new Webhook(String(secret)).verify(second?.text ?? "", second?.headers ?? {});
    expect(second?.event).toMatchObject({ type: "com.acme-search.tenant.usage.alert.v1", subject: tenant });
    expect(second?.event.data.details).toMatchObject({ dimension: "requests", percent: 90, quantity: 90_000 });
    const [event] = await shop.look<{ id: string }>(
      "select id from lifecycle_events where tenant_id = $1 and type = 'usage.alert'",
      [tenant],
    );
    expect(second?.event.id).toBe(event?.id);
  });

  test("a webhook that never takes it is given up after days, and holds up nothing else of the tenant", async () => {
    const tenant = await newTenant(shop);
    const target = await receiver(answers(503));
    await ask(tenant, { to: { url: target.url } });
    await use(tenant, 90_000);
    await shop.work();
    shop.told.length = 0;
    await shop.rotateCredentials({ ...about({ id: tenant }), overlapSeconds: 0 });
    await shop.work();
    expect(shop.told.map(({ kind }) => kind)).toContain("push-config");
    for (let day = 1; day <= 12; day += 1) {
      shop.clock.advance(DAY);
      await shop.work();
    }
    expect(target.got).toHaveLength(10);
    expect((await shop.events({ id: tenant })).at(-1)).toBe("call.given_up");
  });

  test("what is removed is not sent any more, and nothing is left of a tenant that ends", async () => {
    const tenant = await newTenant(shop);
    const target = await receiver(answers(503));
    const { id } = await ask(tenant, { to: { url: target.url } });
    await ask(tenant);
    await use(tenant, 90_000);
    await shop.work();
    const removal = { ...about({ id: tenant }), alert: id };
    await shop.removeUsageAlert(removal);
    await shop.removeUsageAlert(removal);
    shop.clock.advance(HOUR);
    await shop.rest();
    expect(target.got).toHaveLength(1);
    expect(await shop.events({ id: tenant })).toEqual(expect.arrayContaining(["usage.alerts_changed"]));
    await shop.deprovision(about({ id: tenant }));
    expect(await shop.look("select from usage_alerts where tenant_id = $1", [tenant])).toEqual([]);
  });

  test.each([
    [{ percent: 0 }, "/percent"],
    [{ percent: 1.5 }, "/percent"],
    [{ percent: 1_001 }, "/percent"],
    [{ dimension: "nothing" }, "/dimension"],
    [{ to: { email: "ada@round.example\nBcc: all@example.com" } }, "/email"],
    [{ to: { email: "ada" } }, "/email"],
    [{ to: { url: "http://169.254.169.254/" } }, "/url"],
    [{ to: { url: "ftp://example.com/" } }, "/url"],
    [{ to: { url: "http://ada:secret@127.0.0.1/" } }, "/url"],
  ])("%j is refused, and says where the fault is", async (wish, at) => {
    const tenant = await newTenant(shop);
    await expect(ask(tenant, wish)).rejects.toMatchObject({ code: "request_malformed", faults: [{ at }] });
  });

  test("in production an address of a private network, or without TLS, is refused", async () => {
    const speaker = { publicUrl: ISSUER, serviceId: "acme-search" };
    const webhooks = customerWebhooks({ reach: { privately: false }, speaker });
    for (const url of ["https://127.0.0.1/", "https://[::1]/", "https://10.1.2.3/hook", "http://93.184.216.34/"]) {
      await expect(webhooks.check(url)).rejects.toMatchObject({ code: "request_malformed" });
    }
  });

  test("there are no more than twenty", async () => {
    const tenant = await newTenant(shop);
    for (let percent = 1; percent <= 20; percent += 1) await ask(tenant, { percent });
    await expect(ask(tenant)).rejects.toMatchObject({ code: "quota_exceeded" });
  });
});

import { randomUUID } from "node:crypto";
import { HOUR } from "./support/clock.ts";
import { type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { type CountedStore, countedStore } from "./support/counted-store.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

const MOST = 8;
const TROUBLES = 60;
const ENDPOINT = `ep_${"a".repeat(26)}`;

let shop: TestProvider;
let counted: CountedStore;
let visitor: ConsoleVisitor;
/** What stands in the addresses below for something that is there. */
const names = { ":tenant": "", ":hour": "", ":group": "", ":next": "" };

beforeAll(async () => {
  shop = await testProvider();
  counted = countedStore(shop.database);
  const describe = () => Promise.resolve({ settings: [] });
  const stage = await consoleOf(shop, {
    store: counted.store,
    marketplaces: new Map([["bazaar", { describe } as never]]),
  });
  visitor = await stage.signIn();
  for (let bought = 0; bought < 3; bought += 1) await shop.provision(purchase({ resourceId: randomUUID() }));
  await fill();
});

afterAll(async () => {
  await closeServers();
  await counted.close();
  await closeProviders();
});

/** More than one page of everything, where what it costs could depend on how much there is. */
async function fill(): Promise<void> {
  const [{ id = "" } = {}] = await shop.look<{ id: string }>("select id from tenants order by id limit 1");
  const now = shop.clock.now();
  const hour = new Date(Math.floor(now.getTime() / HOUR) * HOUR - HOUR);
  await shop.look(
    `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, state, due_at, attempts, last_fault, created_at)
     select $1, 900 + n, 'bazaar', 'test', 'lane ' || n, 'owed', $2, 3, 'it answered 503', $2
     from generate_series(1, ${TROUBLES}) n`,
    [id, now],
  );
  await shop.look(
    `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, frozen_at, stamped_at, lot,
       units, expires_at)
     select $1, $2::timestamptz - n * interval '1 hour', 'queries', 7, 1, 'sealed', $3, $3, $2, 'bazaar', 7,
            $3::timestamptz + interval '1 hour' from generate_series(0, ${TROUBLES}) n`,
    [id, hour, now],
  );
  await shop.look(
    `insert into endpoints (id, kind, name, url, state, created_at, changed_at)
     select 'ep_' || repeat(chr(96 + n), 26), 'http', 'desk', 'https://desk.example', 'on', $1, $1 from generate_series(1, 9) n`,
    [now],
  );
  await shop.look(
    `insert into event_deliveries (tenant_id, endpoint_id, event_id, type, attempt, started_at, milliseconds, outcome)
     select $1, '${ENDPOINT}', gen_random_uuid(), 'signed_in', 1, $2, 1, 'retry' from generate_series(1, ${TROUBLES}) n`,
    [id, now],
  );
  await shop.look(
    `insert into operators (email, role, added_by, created_at, changed_at)
     select 'p' || n || '@vendor.example', 'viewer', 'test', $1, $1 from generate_series(1, ${TROUBLES}) n`,
    [now],
  );
  const [{ work } = { work: { groups: [{ group: "" }] } }] = await shop.look<{
    work: { groups: { group: string }[] };
  }>(`select console_work('{"of": "calls", "state": "failing"}', 1) as work`);
  const next = Buffer.from(JSON.stringify({ event: 100, call: 950 })).toString("base64url");
  Object.assign(names, {
    ":tenant": id,
    ":hour": `${hour.toISOString().slice(0, 16)}Z`,
    ":group": work.groups[0]?.group,
    ":next": next,
  });
}

const addressOf = (pattern: string): string =>
  Object.entries(names).reduce((path, [name, value]) => path.replaceAll(name, encodeURIComponent(value)), pattern);

describe("a page of the console takes no more than eight round trips", () => {
  test.each([
    "",
    "/tenants",
    "/tenants?marketplace=bazaar&plan=basic&state=active",
    "/tenants?q=:tenant",
    "/tenants?q=nobody",
    "/tenants/export.csv",
    "/tenants/:tenant",
    "/tenants/:tenant?before=:next",
    "/tenants/:tenant/acts/suspend",
    "/tenants/:tenant/acts/rotate",
    "/tenants/:tenant/acts/change_plan",
    "/tenants/:tenant/acts/deprovision",
    "/tenants/:tenant/acts/view",
    "/tenants/:tenant/acts/send_now",
    "/metering",
    "/metering/reconcile",
    "/metering/:tenant",
    "/metering/:tenant/dry-run",
    "/metering/:tenant/record?hour=:hour&dimension=queries",
    "/usage",
    "/usage?range=30d&by=plan",
    "/usage/export.csv",
    "/revenue",
    "/revenue/export.csv",
    "/deliveries",
    "/deliveries?of=calls&state=given_up",
    "/deliveries?of=operations&state=failing",
    "/deliveries/retry?of=calls&state=failing&group=:group",
    "/endpoints",
    `/endpoints/${ENDPOINT}`,
    `/endpoints/${ENDPOINT}?show=failed`,
    `/endpoints/${ENDPOINT}/acts/test`,
    "/marketplaces",
    "/people",
    "/people/add",
    "/people/p1@vendor.example/remove",
    "/audit",
    "/audit?action=operator.crossed&from=2020-01-01",
    "/audit?chain=:tenant",
    "/audit/export.csv",
  ])("/console%s", async (pattern) => {
    counted.trips.length = 0;
    await visitor.get(`/console${addressOf(pattern)}`).expect(200);
    expect(counted.trips.length).toBeGreaterThan(0);
    expect(counted.trips.slice(MOST)).toEqual([]);
  });
});

import { randomUUID } from "node:crypto";
import { get } from "node:http";
import supertest from "supertest";
import { type ConsoleStage, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { type CountedStore, countedStore } from "./support/counted-store.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let stage: ConsoleStage;
let visitor: ConsoleVisitor;
let counted: CountedStore;

const bazaar = new Map([
  ["bazaar", { describe: () => Promise.reject(new Error("not asked")) }],
  ["heroku", { describe: () => Promise.reject(new Error("not asked")) }],
]);

beforeAll(async () => {
  shop = await testProvider();
  counted = countedStore(shop.database);
  stage = await consoleOf(shop, { marketplaces: bazaar, store: counted.store });
  visitor = await stage.signIn();
});

afterAll(async () => {
  await closeServers();
  await counted.close();
  await closeProviders();
});

const home = async () => (await visitor.get("/console").expect(200)).text;

/** The first event of a stream, and its headers. */
function firstEvent(cookie: string): Promise<{ type: string | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const request = get(`${stage.url}/console/live`, { headers: { cookie } }, (answer) => {
      answer.once("data", (chunk: Buffer) => {
        resolve({ type: answer.headers["content-type"], text: chunk.toString() });
        request.destroy();
      });
    });
    request.on("error", reject);
  });
}

describe("the console's home", () => {
  test("names each marketplace and says when it last called", async () => {
    expect(await home()).toContain("It has not called yet.");
    await shop.provision(purchase({ resourceId: randomUUID() }));
    const page = await home();
    expect(page).toMatch(/Bazaar <span.*It last called just now\./);
    expect(page).toContain("Every grant can be refreshed.");
  });

  test("a call that fails, one that was given up, and an endpoint in trouble are told", async () => {
    const [{ id = "" } = {}] = await shop.look<{ id: string }>("select id from tenants limit 1");
    await shop.look(
      `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, state, due_at, attempts, created_at, ended_at)
       values ($1, 901, 'bazaar', 'test', 'x', 'owed', $2, 3, $2, null),
              ($1, 902, 'bazaar', 'test', 'y', 'given_up', $2, 9, $2, $2)`,
      [id, shop.clock.now()],
    );
    await shop.look(
      `insert into endpoints (id, kind, name, state, failing_since, created_at, changed_at)
       values ('ep_' || repeat('a', 26), 'http', 'billing <desk>', 'disabled', $1, $1, $1)`,
      [shop.clock.now()],
    );
    const page = await home();
    expect(page).toContain("1 owed call failing, the oldest owed just now. 1 owed call given up since yesterday.");
    expect(page).toContain("In trouble: billing &lt;desk> (first failed just now).");
    expect(page).toContain('<strong class="badge">Look now</strong>');
  });

  test("what a marketplace has not taken is told first, with its deadline", async () => {
    const [{ id = "" } = {}] = await shop.look<{ id: string }>("select id from tenants limit 1");
    const now = shop.clock.now();
    const hour = new Date(Math.floor(now.getTime() / 3_600_000) * 3_600_000 - 5 * 3_600_000);
    await shop.look(
      `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, frozen_at, stamped_at, lot,
         units, expires_at)
       values ($1, $2, 'queries', 70, 1, 'sealed', $3, $3, $2, 'bazaar', 70, $3::timestamptz + interval '30 minutes')`,
      [id, hour, now],
    );
    const page = await home();
    expect(page).toContain("1 record, 70 units, at risk.");
    expect(page.indexOf("Money at risk")).toBeLessThan(page.indexOf("Owed calls"));
  });

  test("takes no more than eight round trips and is told in the audit", async () => {
    counted.trips.length = 0;
    await home();
    expect(counted.trips.length).toBeGreaterThan(2);
    expect(counted.trips.length).toBeLessThanOrEqual(8);
    const crossed = await shop.look<{ by: string }>(
      `select "by" from audit_entries where data->>'reason' = 'looks at the console''s home'`,
    );
    expect(crossed[0]?.by).toBe("operator:token");
  });

  test("is small", async () => {
    expect(Buffer.byteLength(await home())).toBeLessThan(100_000);
  });

  test("comes live to whoever is signed in, and to nobody else", async () => {
    const { type, text } = await firstEvent(visitor.cookie);
    expect(type).toBe("text/event-stream");
    expect(text).toMatch(/^event: part\ndata: <section class="status bad".*\n\n$/);
    await supertest(stage.url).get("/console/live").set("Accept", "text/event-stream").expect(204);
  });
});

import { rollPictures } from "../src/metering/pictures.ts";
import { DAY, HOUR } from "./support/clock.ts";
import { becomes, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let visitor: ConsoleVisitor;
const trips: string[] = [];
const bought: string[] = [];

beforeAll(async () => {
  shop = await testProvider();
  const { store } = shop.deps;
  const counted: typeof store = {
    ...store,
    throughDoor: (statement) => {
      trips.push(statement.text);
      return store.throughDoor(statement);
    },
    asOperator: (operator) => {
      trips.push("crossing");
      return store.asOperator(operator);
    },
  };
  const stage = await consoleOf(shop, { store: counted });
  visitor = await stage.signIn();
  await becomes(shop, "vera@example.com", "viewer");
  for (const [plan, name] of [
    ["basic", "acme <b>"],
    ["basic", "=cmd"],
    ["standard", "small"],
  ] as const)
    bought.push((await shop.provision(purchase({ plan, name }))).value.tenant.id);
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const hourAgo = (hours: number) => new Date(Math.floor(shop.clock.now().getTime() / HOUR) * HOUR - hours * HOUR);
const page = async (path = "") => (await visitor.get(`/console/usage${path}`).expect(200)).text;
const wordsOf = (html: string) => html.replace(/<[^>]+>/g, " ").replace(/\s+/g, " ");
/** A card as words. */
const card = (html: string, id: string) => wordsOf(html.split(`id="${id}"`)[1]?.split("</section>")[0] ?? "");

/** A record of an hour that is over, and months as the metering keeps them. */
async function plant(
  tenant: string | undefined,
  hours: number,
  quantity: number,
  dimension = "requests",
): Promise<void> {
  await shop.look(
    `with record as (
       insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at) values ($1, $2, $3, $4, 2, 'sealed', $2))
     insert into usage_months as m (tenant_id, month, dimension, quantity) values ($1, date_trunc('month', $2::timestamptz, 'UTC'), $3, $4)
     on conflict (tenant_id, month, dimension) do update set quantity = m.quantity + excluded.quantity`,
    [tenant, hourAgo(hours), dimension, quantity],
  );
}

async function sumUp(through: number): Promise<void> {
  await shop.look("update usage_rolls set summed_through = $1", [hourAgo(through)]);
  for (let more = true; more; ) more = await rollPictures(shop.deps.store, shop.clock.now());
}

const sums = (step: string) =>
  shop.look<{ line: string }>(
    `select concat_ws(' ', to_char(at at time zone 'UTC', 'DD"T"HH24'), plan, dimension, quantity, events) as line from usage_sums
     where step = $1 order by at, plan, dimension`,
    [step],
  );

describe("the console's pictures of usage", () => {
  test("say so when nothing has been summed, and need at most eight round trips", async () => {
    trips.length = 0;
    const words = wordsOf(await page());
    expect(trips.length).toBeLessThanOrEqual(4);
    expect(words).toContain("No hour has been summed yet.");
    expect(words).toContain("Nothing was used in the last 30 days.");
    expect(words).toContain("Nobody has been counted yet.");
  });

  test("count each record once, in its hour and its day, however often the worker looks", async () => {
    await plant(bought[0], 4, 5);
    await plant(bought[1], 4, 1.5);
    await plant(bought[2], 4, 7, "documents");
    await plant(bought[0], 3, 1000);
    await sumUp(4);
    expect(await sums("hour")).toHaveLength(2);
    const day = await sums("day");
    await sumUp(4);
    expect(await sums("day")).toEqual(day);
    await sumUp(2);
    expect(await sums("hour")).toHaveLength(3);
    const total = await shop.look(
      "select step, sum(quantity)::text as used, sum(events)::text as events from usage_sums group by 1 order by 1",
    );
    expect(total).toEqual([
      { step: "day", used: "1013.5", events: "8" },
      { step: "hour", used: "1013.5", events: "8" },
    ]);
  });

  test("are one for each marketplace, plan or dimension, and can be read as tables", async () => {
    const html = await page("?range=48h&by=plan&dimension=requests");
    expect(card(html, "part-0")).toContain("1,006.5 in the last 48 hours (UTC).");
    expect(card(html, "part-0")).toContain(`${hourAgo(4).toISOString().slice(0, 16).replace("T", " ")} 6.5 `);
    expect(html).not.toContain('id="part-1"');
    expect(html).toContain('data-chart="chart-part-0"');
    expect(html).toMatch(/<a class="button" href="[^"]*by=plan[^"]*" aria-current="page"/);
    const dimensions = await page("?range=12m&by=dimension");
    expect(card(dimensions, "part-0")).toContain("1,006.5 in the last 12 months (UTC).");
    expect(card(dimensions, "part-1")).toContain("7 in the last 12 months (UTC).");
    for (const text of [html, dimensions, await page()]) expect(Buffer.byteLength(text)).toBeLessThan(100_000);
  });

  test("name who uses most, and how many of a month's purchases are left", async () => {
    const html = await page();
    expect(html).not.toContain("acme <b>");
    expect(card(html, "tops")).toMatch(/acme &lt;b> bazaar basic 1,005 =cmd bazaar basic 1\.5/);
    expect(html).toContain(`href="/console/tenants/${bought[0]}"`);
    const month = shop.clock.now().toISOString().slice(0, 7);
    expect(card(html, "cohorts")).toContain(`${month} 3 3 100 %`);
    await shop.look("update tenants set state = 'gone' where id = $1", [bought[2]]);
    await sumUp(2);
    expect(card(await page(), "cohorts")).toContain(`${month} 3 3 100 %`);
    await shop.look("update picture_rolls set counted_at = counted_at - interval '61 minutes'");
    await sumUp(2);
    expect(card(await page(), "cohorts")).toContain(`${month} 2 3 67 %`);
  });

  test("come as a file too, with no formula in it, and are told in the audit", async () => {
    await shop.look("update usage_sums set plan = '=1+1' where plan = 'standard'");
    const { text } = await visitor.get("/console/usage/export.csv?range=30d").expect(200);
    expect(text.split("\n")[0]).toBe("at,marketplace,plan,dimension,quantity,events");
    expect(text).toMatch(/T00:00:00\.000000Z,bazaar,'=1\+1,documents,7,2\n/);
    const told = await shop.look<{ reason: string }>(
      `select distinct data->>'reason' as reason from audit_entries where "by" = 'operator:vera@example.com' order by 1`,
    );
    expect(told.map(({ reason }) => reason)).toEqual(["looked at the usage of all", "took the usage of all as a file"]);
  });

  test("refuse strange addresses clearly", async () => {
    for (const query of [
      "range=1y",
      "by=name",
      "dimension=nothing",
      "dimension=a&dimension=b",
      "range=toString",
      "by=%00",
    ])
      expect([query, (await visitor.get(`/console/usage?${query}`)).status]).toEqual([query, 400]);
  });

  test("forget hours after 35 days and keep the days", async () => {
    shop.clock.advance(40 * DAY);
    await sumUp(1);
    expect(await sums("hour")).toEqual([]);
    expect((await sums("day")).length).toBeGreaterThan(1);
  });

  test("read by index", async () => {
    await shop.look(
      "insert into usage_sums select 'hour', now() - n * interval '1 hour', 'm', 'p', 'd', 1, 1 from generate_series(1, 5000) n",
    );
    await shop.look("analyze usage_sums");
    const plan = await shop.look<object>(
      "explain select * from usage_sums where step = 'hour' and at >= now() - interval '2 days'",
    );
    expect(JSON.stringify(plan)).toContain("usage_sums_pkey");
  });
});

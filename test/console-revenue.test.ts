import { countRevenue } from "../src/metering/pictures.ts";
import { DAY, HOUR } from "./support/clock.ts";
import { becomes, type ConsoleStage, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let stage: ConsoleStage;
let visitor: ConsoleVisitor;

beforeAll(async () => {
  shop = await testProvider();
  const plans = [
    { ...planOf("basic"), price: { cents: 900, unit: "month" as const } },
    { ...planOf("standard"), price: { cents: 120_000, unit: "year" as const } },
  ];
  const dimensions = shop.deps.catalog.dimensions.map((one) =>
    one.id === "requests" ? { ...one, price: { cents: 5, per: 100 } } : one,
  );
  stage = await consoleOf(shop, { catalog: { ...shop.deps.catalog, plans, dimensions } });
  visitor = await signedIn();
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

function planOf(id: string) {
  const plan = shop.deps.catalog.plans.find((one) => one.id === id);
  if (plan === undefined) throw new Error(`There is no plan ${id}.`);
  return plan;
}

async function signedIn(): Promise<ConsoleVisitor> {
  const person = await stage.signIn();
  await becomes(shop, "vera@example.com", "viewer");
  return person;
}

interface Planted {
  readonly marketplace?: string;
  readonly plan?: string;
  readonly state?: string;
  readonly ended?: number;
  /** Days from now. */
  readonly until?: number;
  readonly licence?: { readonly state?: string; readonly trial?: boolean; readonly agreement?: object };
}

let planted = 0;
const inDays = (days: number | undefined) =>
  days === undefined ? null : new Date(shop.clock.now().getTime() + days * DAY);

async function plant({ marketplace = "aws", plan = "basic", state = "active", ended, until, licence }: Planted = {}) {
  planted += 1;
  const id = `t${String(planted).replaceAll(/\d/g, (digit) => "abcdefghij"[Number(digit)] ?? "a")}`.padEnd(26, "z");
  const now = shop.clock.now();
  await shop.look(
    `insert into tenants (id, marketplace, resource_id, plan, state, request_digest, created_at, changed_at, ended_at, entitled_until)
     values ($1, $2, $1, $3, $4, 'd', $5, $5, $6, $7)`,
    [id, marketplace, plan, state, now, inDays(ended), inDays(until)],
  );
  if (licence === undefined) return;
  await shop.look(
    `insert into aws_licences (key, generation, region, state, trial, agreement, tenant_id, created_at, changed_at)
     values ($1, 'licence', 'us-east-1', $2, $3, $4, $1, $5, $5)`,
    [id, licence.state ?? "active", licence.trial ?? false, JSON.stringify(licence.agreement ?? {}), now],
  );
}

const wordsOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");
const page = async () => wordsOf((await visitor.get("/console/revenue").expect(200)).text);
const count = () => countRevenue(shop.deps.store, shop.clock.now());

describe("the console's revenue", () => {
  test("is an estimate by plan and marketplace, of counts that say how old they are", async () => {
    expect(await page()).toContain("Nothing has been counted yet");
    const day = (days: number) => inDays(days)?.toISOString();
    await plant();
    await plant({ state: "suspended" });
    await plant({ licence: { trial: true } });
    await plant({ licence: { trial: true, agreement: { trial_until: day(-1) } } });
    await plant({ licence: { agreement: { end: day(60), at_end: "EXPIRE" } } });
    await plant({ licence: { agreement: { end: day(60), at_end: "RENEW" } } });
    await plant({ licence: { agreement: { end: day(120), at_end: "EXPIRE" } } });
    await plant({ licence: { state: "ending" } });
    await plant({ state: "gone", ended: -10 });
    await plant({ state: "gone", ended: -40, until: -40 });
    await plant({ state: "provisioning" });
    await plant({ marketplace: "heroku", plan: "standard", until: 89 });
    await plant({ marketplace: "heroku", plan: "retired" });
    const month = new Date(Date.UTC(shop.clock.now().getUTCFullYear(), shop.clock.now().getUTCMonth()));
    await shop.look(
      `insert into usage_sums (step, at, marketplace, plan, dimension, quantity, events)
       values ('day', $1, 'aws', 'basic', 'requests', 30000, 1), ('day', $1, 'aws', 'basic', 'documents', 7, 1),
              ('day', $1::timestamptz - interval '1 day', 'aws', 'basic', 'requests', 99999, 1)`,
      [month],
    );
    await count();
    const shown = await page();
    expect(shown).toContain("An estimate: the marketplace pays.");
    expect(shown).toContain("As of just now");
    expect(shown).toContain(" aws basic 7 1 $63.00 $15.00 2 1 ");
    expect(shown).toContain(" heroku standard 1 0 $100.00 no price 1 0 ");
    expect(shown).toContain(" heroku retired 1 0 no price no price 0 0 ");
    expect(shown).toContain(" All all 9 1 $163.00 $15.00 3 1 ");
  });

  test("is counted once an hour, and leaves a line for each day", async () => {
    await plant({ marketplace: "heroku", plan: "standard" });
    await count();
    expect(await page()).toContain("$100.00");
    shop.clock.advance(DAY + HOUR);
    visitor = await signedIn();
    await count();
    const shown = await page();
    expect(shown).toContain(" heroku standard 2 0 $200.00 ");
    expect(shown).toMatch(/\d{4}-\d\d-\d\d \$163\.00 \d{4}-\d\d-\d\d \$263\.00/);
  });

  test("goes into a file, without a cell that is a formula, and is looked at under a name", async () => {
    await plant({ marketplace: "=cmd", plan: "basic" });
    shop.clock.advance(2 * HOUR);
    visitor = await signedIn();
    await count();
    const { text } = await visitor.get("/console/revenue/export.csv").expect(200);
    const [head, ...lines] = text.trim().split("\n");
    expect(head).toBe("marketplace,plan,active,trials,recurring,metered,ending,ended,currency,counted_at");
    expect(lines).toContainEqual(expect.stringMatching(/^'=cmd,basic,1,0,9\.00,,0,0,USD,/));
    expect(lines).toContainEqual(expect.stringMatching(/^heroku,retired,1,0,,,0,0,USD,/));
    const told = await shop.look(
      `select distinct data->>'reason' as reason from audit_entries where "by" = 'operator:vera@example.com' order by 1`,
    );
    expect(told).toEqual([{ reason: "looked at the revenue" }, { reason: "took the revenue as a file" }]);
    const html = (await visitor.get("/console").expect(200)).text;
    expect(html).toContain('<a href="/console/revenue">Revenue</a>');
  });
});

import { h } from "preact";
import { render } from "preact-render-to-string";
import { monthEnd } from "../src/dashboard/console/metering/month-end.ts";
import { OverviewPage } from "../src/dashboard/console/metering/overview-page.tsx";
import { MOST_SUMMED } from "../src/dashboard/console/metering/read.ts";
import { HOUR } from "./support/clock.ts";
import { becomes, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { type CountedStore, countedStore } from "./support/counted-store.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let visitor: ConsoleVisitor;
let tenant: string;
let counted: CountedStore;

beforeAll(async () => {
  shop = await testProvider();
  counted = countedStore(shop.database);
  const describe = () => Promise.reject(new Error("not asked"));
  const stage = await consoleOf(shop, { store: counted.store, marketplaces: new Map([["aws", { describe }]]) });
  visitor = await stage.signIn();
  await becomes(shop, "vera@example.com", "viewer");
  tenant = (await shop.provision(purchase({ resourceId: crypto.randomUUID(), name: "acme <b>" }))).value.tenant.id;
});

afterAll(async () => {
  await closeServers();
  await counted.close();
  await closeProviders();
});

const hourAgo = (hours: number) => new Date(Math.floor(shop.clock.now().getTime() / HOUR) * HOUR - hours * HOUR);
const inAddress = (hour: Date) => `${hour.toISOString().slice(0, 16)}Z`;
const wordsOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replace(/\s+/g, " ");
const page = async (path: string) => (await visitor.get(`/console/metering${path}`).expect(200)).text;
const recordPath = (hour: Date, dimension: string) =>
  `/${tenant}/record?${new URLSearchParams({ hour: inAddress(hour), dimension })}`;

/** Records of one state, an hour each, from so many hours ago back. Those that ended did so one after the other. */
async function plant(
  state: string,
  verdict: string | null,
  count: number,
  from: number,
  { dimension = "queries", minutesAgo = 0 } = {},
) {
  const now = shop.clock.now();
  await shop.look(
    `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, frozen_at, stamped_at, lot,
       carried_in, included, units, carried_out, expires_at, attempts, definite, verdict, message, settled_at)
     select $1, $2::timestamptz - n * interval '1 hour', $3, 1200.5, 1, $4, $5, $5, $5, 'bazaar', 0.5, 1, 1200, 0,
       $5::timestamptz + interval '30 minutes', 2, 1, $6, case when $6::text is null then null else 'said <so>' end,
       case when $6::text is null then null else $5::timestamptz - (n + $8::integer) * interval '1 minute' end
     from generate_series(0, $7::integer - 1) n`,
    [tenant, hourAgo(from), dimension, state, now, verdict, count, minutesAgo],
  );
}

describe("the console's metering", () => {
  test("says what waits, the least time first, and what came to nothing, with its reason", async () => {
    expect(wordsOf(await page(""))).toContain("Nothing waits.");
    await plant("sent", null, 1, 5);
    await plant("refused", "rejected", 1, 6);
    await plant("expired", "carried_over", 1, 7);
    const html = await page("");
    expect(html).toContain(`href="/console/tenants/${tenant}"`);
    expect(html).not.toContain("acme <b>");
    const words = wordsOf(html);
    expect(words).toMatch(/Waiting 1,200 /);
    expect(words).toMatch(/queries 1,200\.5 sent 2 ends in 30 minutes/);
    expect(words).toMatch(/refused lost .* the marketplace refused it: said &lt;so>/);
    expect(words).toContain("expired carried on");
    await plant("expired", "too_late", 1, 900, { dimension: "ancient", minutesAgo: 30 * 24 * 60 });
    expect(wordsOf(await page(""))).not.toContain("ancient");
  });

  test("speaks of the end of a month only where a marketplace closes months", async () => {
    expect(wordsOf(await page(""))).toContain("Month end AWS Marketplace closes");
    const elsewhere = await (await consoleOf(shop)).signIn();
    const html = (await elsewhere.get("/console/metering").expect(200)).text;
    expect(html).not.toContain("Month end");
  });

  test("shows ten dimensions at a time, the others on the next part", async () => {
    const day = hourAgo(24 * 5)
      .toISOString()
      .slice(0, 10);
    await shop.look(
      `insert into usage_records (tenant_id, hour, dimension, quantity, events, state)
       select $1, $2::timestamptz, 'part-' || lpad(n::text, 2, '0'), n, 1, 'open' from generate_series(1, 12) n`,
      [tenant, `${day}T00:00:00Z`],
    );
    const columnsOf = async (part: number) => [
      ...new Set([...(await page(`/${tenant}?day=${day}&part=${part}`)).matchAll(/part-\d\d/g)].map(String)),
    ];
    expect([(await columnsOf(1)).length, await columnsOf(2)]).toEqual([10, ["part-11", "part-12"]]);
  });

  test("loses and repeats nothing between the pages of records that share a deadline", async () => {
    await plant("sealed", null, 120, 30, { dimension: "bytes" });
    await plant("expired", "too_late", 70, 200, { dimension: "bytes" });
    for (const [list, count] of [
      ["waiting", 121],
      ["ended", 72],
    ] as const) {
      const seen: string[] = [];
      let path: string | undefined = "";
      while (path !== undefined) {
        const card: string = (await page(path)).split(`id="${list}"`)[1]?.split("</section>")[0] ?? "";
        seen.push(...[...card.matchAll(/record\?([^"]+)"/g)].map(([, key]) => String(key)));
        const next = /rel="next" href="([^"#]+)/.exec(card)?.[1];
        path = next?.replace("/console/metering", "").replaceAll("&amp;", "&");
      }
      expect([list, seen.length, new Set(seen).size]).toEqual([list, count, count]);
    }
  });

  test("shows a day of a tenant as hours and dimensions, each state in a word", async () => {
    const day = hourAgo(0).toISOString().slice(0, 10);
    const states = ["sealed", "sent", "accepted", "refused", "expired"];
    const began = new Date(`${day}T00:00:00Z`).getTime();
    for (const [n, state] of states.entries()) {
      const settled = n > 1 ? shop.clock.now() : null;
      await shop.look(
        `insert into usage_records (tenant_id, hour, dimension, quantity, events, state, sealed_at, verdict, settled_at)
         values ($1, $2, 'calls', $3, 1, $4, $2, $5, $6)`,
        [tenant, new Date(began + n * HOUR), n + 1, state, settled && "billed", settled],
      );
    }
    await shop.look(
      `insert into usage_records (tenant_id, hour, dimension, quantity, events, state) values ($1, $2, 'calls', 6, 1, 'open')`,
      [tenant, new Date(began + 5 * HOUR)],
    );
    const html = await page(`/${tenant}?day=${day}`);
    const words = wordsOf(html);
    for (const [n, state] of [...states, "open"].entries()) expect(words).toContain(`0${n}:00 ${n + 1} ${state}`);
    expect(words).toMatch(/Total 21 /);
    expect(html).toContain(`day=${new Date(began - 24 * HOUR).toISOString().slice(0, 10)}`);
    expect(html).not.toContain("Next day");
    expect(await page(`/${tenant}?day=2020-02-29`)).toContain("Nothing was counted on this day.");
  });

  test("tells everything of one record: quantities, attempts with their request ids, the carry", async () => {
    const hour = hourAgo(5);
    await shop.look(
      `insert into usage_attempts (tenant_id, hour, dimension, n, lease, started_at, ended_at, outcome, fault, request_id)
       values ($1, $2, 'queries', 1, gen_random_uuid(), $3, $3, 'unknown', 'reset', 'req-1'),
              ($1, $2, 'queries', 2, gen_random_uuid(), $3, null, null, null, null)`,
      [tenant, hour, shop.clock.now()],
    );
    await shop.look("insert into usage_carries values ($1, 'queries', 41.5)", [tenant]);
    const words = wordsOf(await page(recordPath(hour, "queries")));
    expect(words).toContain("Carried in 0.5 Counted 1,200.5 Included 1 Units 1,200 Carried out 0");
    expect(words).toContain("unknown: reset req-1");
    expect(words).toContain("not known: under way, or its answer never came");
    expect(words).toContain("Carried now Owed, but on no record yet: the next hour that can takes it. queries 41.5");
    expect(wordsOf(await page(""))).toContain("Carried to a later hour 41.5 ");
  });

  test("needs at most eight round counted.trips, fits, and is told in the audit", async () => {
    for (const path of ["", `/${tenant}`, recordPath(hourAgo(5), "queries")]) {
      counted.trips.length = 0;
      expect(Buffer.byteLength(await page(path))).toBeLessThan(100_000);
      expect([path, counted.trips.length]).toEqual([path, path === "" ? 3 : 8]);
    }
    const told = await shop.look<{ reason: string }>(
      `select distinct data->>'reason' as reason from audit_entries
       where "by" = 'operator:vera@example.com' and chain = $1 order by 1`,
      [tenant],
    );
    expect(told.map(({ reason }) => reason)).toEqual(["looked at a usage record", "looked at the tenant's usage"]);
  });

  test("refuses strange addresses clearly", async () => {
    const cursor = (...place: unknown[]) => Buffer.from(JSON.stringify(place)).toString("base64url");
    const at = "2026-02-28T10:00:00.000000Z";
    const cases: [string, number][] = [
      ["?after=x", 400],
      ["?after=a&after=b", 400],
      [`?after=${cursor(at.replace("28", "30"), tenant, at, "d")}`, 400],
      [`?before=${cursor(at, "nobody", at, "d")}`, 400],
      [`?before=${cursor(at, tenant, at, "\0")}`, 400],
      [`?before=${cursor(at, tenant, at, "d")}`, 200],
      ["/nobody", 404],
      [`/${"a".repeat(26)}`, 404],
      ["/%00", 404],
      [`/${tenant}?day=2026-02-30`, 400],
      [`/${tenant}?day=yesterday`, 400],
      [`/${tenant}?day=a&day=b`, 400],
      [`/${tenant}?part=0`, 400],
      [`/${tenant}/record`, 400],
      [`/${tenant}/record?hour=2026-05-10T25:00Z&dimension=queries`, 400],
      [`/${tenant}/record?hour=2026-05-10T09:00Z&dimension=%00`, 400],
      [`/${tenant}/record?hour=2026-05-10T09:00Z&dimension=queries`, 404],
    ];
    for (const [path, status] of cases)
      expect([path, (await visitor.get(`/console/metering${path}`)).status]).toEqual([path, status]);
  });

  test("says how many records are summed at most as they are summed", async () => {
    const [door] = await shop.look<{ source: string }>(
      "select prosrc as source from pg_proc where proname = 'console_metering'",
    );
    expect(door?.source.match(/ limit \d{4,}/g)).toEqual([
      ...Array(2).fill(` limit ${MOST_SUMMED}`),
      " limit 1000",
      " limit 1000",
    ]);
  });

  test("walks indexes, whatever a page asks for", async () => {
    await shop.look("analyze usage_records");
    for (const [condition, order, index] of [
      ["state in ('sealed', 'sent') and verdict is null", "expires_at, tenant_id, hour, dimension", "expiring"],
      ["state in ('refused', 'expired')", "settled_at desc, tenant_id desc, hour desc, dimension desc", "ended"],
    ]) {
      const plan = await shop.look<object>(
        `explain select * from usage_records where ${condition} order by ${order} limit 1`,
      );
      expect(JSON.stringify(plan)).toContain(`usage_records_${index}`);
    }
  });
});

describe("the end of a month", () => {
  test("is six o'clock on the first of the next, until then that of the month before", () => {
    const end = (now: string) => {
      const { month, end: at, last } = monthEnd(new Date(now));
      return [month, at.toISOString().slice(0, 16), last];
    };
    expect(end("2026-11-23T02:00:00Z")).toEqual(["November 2026", "2026-12-01T06:00", false]);
    expect(end("2027-01-01T05:59:59Z")).toEqual(["December 2026", "2027-01-01T06:00", true]);
    expect(end("2027-01-01T06:00:00Z")).toEqual(["January 2027", "2027-02-01T06:00", false]);
  });

  test("is red in its last hours while a record of the month waits, and says what has no payer yet", () => {
    const shown = (now: string, late: number, unfixed: number) => {
      const sums = { waiting_units: {}, waiting_records: 0, carried_units: {}, carried_records: 0 };
      const overview = { waiting: [], ended: [], ...sums, unfixed, of_last_month: late };
      const props = { overview, now: new Date(now), catalog: shop.deps.catalog, closesMonths: true, limit: 50, at: {} };
      return render(h(OverviewPage, props));
    };
    const red = 'class="status bad"';
    expect(shown("2027-01-01T05:00:00Z", 2, 3)).toContain(red);
    expect(shown("2027-01-01T05:00:00Z", 2, 3)).toMatch(/2 records are of an earlier month.*3 records are sealed/s);
    expect(shown("2027-01-01T05:00:00Z", 0, 0)).not.toContain(red);
    expect(shown("2027-01-20T05:00:00Z", 2, 1)).not.toContain(red);
  });
});

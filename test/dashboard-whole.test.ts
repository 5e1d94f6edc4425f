import { appendEvent } from "../src/events/events.ts";
import { DAY } from "./support/clock.ts";
import { about } from "./support/provider.ts";
import { send, settle } from "./support/usage.ts";
import { type Customer, enterStage, leaveStage, type Stage } from "./support/visitor.ts";
import { wordsOf } from "./support/words.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await enterStage();
});
afterAll(leaveStage);

/** Counts `quantity` requests for the customer now. */
async function use({ tenant }: Customer, quantity: number): Promise<void> {
  const { shop } = stage;
  const id = `${tenant.id} ${quantity} ${shop.clock.now().toISOString()}`;
  await send(shop, { id, tenant: tenant.id, dimension: "requests", quantity, time: shop.clock.now().toISOString() });
  await settle(shop);
}

const wordsAt = async (customer: Pick<Customer, "get">, path = "/dashboard") =>
  wordsOf((await customer.get(path)).text);

describe("usage on the dashboard", () => {
  test("marks stand at 80 % and 100 %, and whichever is passed is said in words", async () => {
    const customer = await stage.customer();
    await use(customer, 79_999);
    expect(await wordsAt(customer)).toContain("Search requests 79,999 of 100,000");
    await use(customer, 1);
    expect(await wordsAt(customer)).toContain("Search requests 80 % reached 80,000 of 100,000");
    await use(customer, 20_000);
    expect(await wordsAt(customer)).toContain("Search requests 100 % reached 100,000 of 100,000");
    expect((await customer.get("/dashboard")).text).toMatch(/<meter [^>]*max="100000" high="80000"/);
  });

  test("less than a day of use is projected nowhere; what a contract includes is projected to its own end", async () => {
    const { shop } = stage;
    const customer = await stage.customer();
    const from = shop.clock.now();
    await shop.look(
      `insert into usage_included (tenant_id, billing_reference, dimension, from_at, until_at, quantity, used)
       values ($1, $1, 'requests', $2, $3, 5000, 1000)`,
      [customer.tenant.id, from, new Date(from.getTime() + 20 * DAY)],
    );
    await use(customer, 1_000);
    expect(await wordsAt(customer)).toContain("What it will be by the end of the month is said after a day of use.");
    shop.clock.advance(2 * DAY);
    const again = await stage.visit(customer.tenant);
    expect(await wordsAt(again)).toMatch(/At this rate 1[0-9],\d{3} by the end of the month\./);
    expect(await wordsAt(again)).toMatch(/1,000 of 5,000 included until .* At this rate 10,0\d\d by .*, which is more/);
  });
});

describe("alerts on the dashboard", () => {
  const share = "limit requests";

  test("an alert by e-mail is set, listed with when it came last, and removed", async () => {
    const customer = await stage.customer();
    expect(await wordsAt(customer)).toContain("Nobody is told yet when usage nears its limit. Set an alert");
    const set = await customer.post("/dashboard/alerts", { share, percent: "90", to: " ada@round.example " });
    expect([set.status, set.headers["location"]]).toEqual([303, "/dashboard/alerts?done=alert-added"]);
    await use(customer, 95_000);
    const { text } = await customer.get("/dashboard/alerts?done=alert-added");
    expect(wordsOf(text)).toContain("The alert is set. It comes once in each period");
    expect(wordsOf(text)).toContain("90 % of Search requests for the month ada@round.example just now Remove");
    expect(await wordsAt(customer)).toContain(
      "Usage of Search requests reached 90 % of what the plan allows for the month",
    );
    const alert = /name="alert" value="([^"]+)"/.exec(text)?.[1] ?? "";
    expect((await customer.post("/dashboard/alerts/remove", { alert })).status).toBe(303);
    expect(await wordsAt(customer, "/dashboard/alerts")).toContain("Nobody yet.");
  });

  test("a webhook's secret is shown once, and its address nowhere whole", async () => {
    const customer = await stage.customer();
    const to = "http://127.0.0.1:9/hooks/t0ps3cret";
    const set = await customer.post("/dashboard/alerts", { share, percent: "80", to });
    expect(set.text).toMatch(/whsec_[\w+/]{43}=/);
    for (const path of ["/dashboard", "/dashboard/alerts", "/dashboard/activity"]) {
      expect((await customer.get(path)).text).not.toMatch(/whsec_|t0ps3cret/);
    }
    expect(await wordsAt(customer, "/dashboard/alerts")).toContain("the webhook at 127.0.0.1:9");
  });

  test("what cannot be is said beside the form, with what was typed", async () => {
    const customer = await stage.customer();
    const { status, text } = await customer.post("/dashboard/alerts", {
      share,
      percent: "85",
      to: "https://10.0.0.1:x",
    });
    expect(status).toBe(400);
    expect(wordsOf(text)).toContain("The address must be an address such as https://example.com/events.");
    expect(text).toContain('value="https://10.0.0.1:x"');
    for (const wrong of [{ percent: "0" }, { percent: "many" }, { to: "nobody" }, { share: "limit nothing" }]) {
      const answer = await customer.post("/dashboard/alerts", {
        share,
        percent: "80",
        to: "ada@round.example",
        ...wrong,
      });
      expect(answer.status).toBe(400);
    }
    expect(await wordsAt(customer, "/dashboard/alerts")).toContain("Nobody yet.");
  });

  test("another tenant's alert is not removed", async () => {
    const [mine, other] = [await stage.customer(), await stage.customer()];
    await other.post("/dashboard/alerts", { share, percent: "80", to: "ada@round.example" });
    const alert = /name="alert" value="([^"]+)"/.exec((await other.get("/dashboard/alerts")).text)?.[1] ?? "";
    await mine.post("/dashboard/alerts/remove", { alert });
    expect(await wordsAt(other, "/dashboard/alerts")).toContain("ada@round.example");
  });
});

describe("the first steps of a fresh purchase", () => {
  test("stand open, and are done one after the other", async () => {
    const { shop } = stage;
    const customer = await stage.customer();
    expect(await wordsAt(customer)).toMatch(
      /The config vars are in your app \(done\).* Make a first call \(not yet\).* Waiting No call has come yet\./,
    );
    await shop.verifyKey(String((await shop.configVars(customer.tenant.id))["ACME_SEARCH_API_KEY"]));
    await shop.deps.lastUse.flush();
    expect(await wordsAt(customer)).toMatch(
      /a first call \(done\).* first usage \(not yet\).* A first call has come\./,
    );
    await use(customer, 1);
    expect(await wordsAt(customer)).toMatch(/first usage \(done\).* It works Acme Search hears from your code\./);
    shop.clock.advance(2 * DAY);
    expect(await wordsAt(await stage.visit(customer.tenant))).not.toContain("First steps");
  });

  test("come live, end with the last one, and are not asked for again", async () => {
    const customer = await stage.customer();
    const stream = customer.get("/dashboard/live", { Accept: "text/event-stream" });
    await use(customer, 1);
    const { text, headers } = await stream;
    expect(headers["content-type"]).toBe("text/event-stream");
    const [first, ...more] = text.split("\n\n").filter((part) => part.startsWith("event: part"));
    expect(more.at(-1) ?? first).toMatch(/^event: part\nid: last\ndata: .*It works/);
    expect((await customer.get("/dashboard/live", { "Last-Event-ID": "last" })).status).toBe(204);
  });

  test("are shown to nobody who is not signed in", async () => {
    const { status } = await fetch(`${stage.url}/dashboard/live`);
    expect(status).toBe(401);
  });
});

describe("the export", () => {
  test("holds all that is kept of the tenant, and no value of a credential, nor anything of another tenant", async () => {
    const { shop } = stage;
    const [customer, other] = [await stage.customer({ name: "acme-search-mine" }), await stage.customer()];
    await stage.pages.name(customer.tenant, [{ id: "2", email: "ada@round.example", role: "member" }]);
    await use(customer, 12);
    await use(other, 77);
    await customer.post("/dashboard/alerts", { share: "limit requests", percent: "80", to: "ada@round.example" });
    await shop.suspend({ ...about(customer.tenant), by: "operator:jo@acme.example", reason: "Unpaid." });
    const { status, text, headers } = await customer.post("/dashboard/export");
    expect([status, headers["content-type"]]).toEqual([200, "application/x-ndjson"]);
    expect(headers["content-disposition"]).toContain(`acme-search-${customer.tenant.id}.ndjson`);
    const lines = text
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const of = (kind: string) => lines.filter((line) => line["kind"] === kind);
    expect(of("tenant")).toMatchObject([{ id: customer.tenant.id, name: "acme-search-mine", state: "suspended" }]);
    expect(of("plan")).toMatchObject([{ id: "basic", limits: { requests: 100_000 } }]);
    expect(of("config_vars")).toEqual([{ kind: "config_vars", names: ["ACME_SEARCH_API_KEY", "ACME_SEARCH_URL"] }]);
    expect(of("person")).toMatchObject([{ email: "ada@round.example", role: "member" }]);
    expect(of("credential")).toMatchObject([{ name: "ACME_SEARCH_API_KEY", state: "active" }]);
    expect(of("usage")).toMatchObject([{ dimension: "requests", quantity: 12 }]);
    expect(of("alert")).toMatchObject([{ percent: 80, email: "ada@round.example" }]);
    expect(of("event").map((line) => line["type"])).toEqual(
      expect.arrayContaining(["data.exported", "suspended", "usage.alerts_changed", "provision.done"]),
    );
    expect(lines.at(-1)?.["kind"]).toBe("end");
    for (const secret of [...Object.values(await shop.configVars(customer.tenant.id)), other.tenant.id, "jo@acme"])
      expect(text).not.toContain(secret);
    expect(await wordsAt(customer)).toContain("All data were exported.");
  });

  test("goes on over pages, in the order of the activity", async () => {
    const { shop } = stage;
    const customer = await stage.customer();
    const { id } = customer.tenant;
    const event = { type: "renamed", by: "marketplace:bazaar", at: shop.clock.now() } as const;
    await shop.deps.store.asTenant(id, async (tx) => {
      for (let number = 0; number < 505; number += 1) await appendEvent(tx, id, event, shop.clock.now());
    });
    const { text } = await customer.post("/dashboard/export");
    const sequences = [...text.matchAll(/"kind":"event","sequence":(\d+)/g)].map(([, sequence]) => Number(sequence));
    expect(sequences.length).toBeGreaterThan(505);
    expect(sequences).toEqual(Array.from({ length: sequences.length }, (_, place) => sequences.length - place));
  });

  test("is refused to a form of another site", async () => {
    const customer = await stage.customer();
    expect((await customer.post("/dashboard/export", {}, { "Sec-Fetch-Site": "cross-site" })).status).toBe(403);
  });
});

describe("the rest of the dashboard", () => {
  test("the plan says when it was bought and where it is changed", async () => {
    const customer = await stage.customer();
    expect(await wordsAt(customer)).toMatch(/Bought 20\d\d-\d\d-\d\d .*Change the plan in Bazaar/);
    expect((await customer.get("/dashboard")).text).toContain('<a href="https://bazaar.example/apps">Change the plan');
  });

  test("people are there with when they signed in last", async () => {
    const { shop } = stage;
    const customer = await stage.customer();
    const { id } = customer.tenant;
    await stage.pages.name(customer.tenant, [
      { id: "2", email: "ada@round.example", role: "member" },
      { id: "3", email: "bob@round.example", role: "owner" },
    ]);
    const at = shop.clock.now();
    const event = {
      type: "signed_in",
      by: "customer:ada@round.example",
      at,
      data: { email: "ada@round.example" },
    } as const;
    await shop.deps.store.asTenant(id, (tx) => appendEvent(tx, id, event, at));
    shop.clock.advance(3 * DAY);
    const words = await wordsAt(await stage.visit(customer.tenant));
    expect(words).toContain("ada@round.example member 3 days ago");
    expect(words).toContain("bob@round.example owner not yet");
  });

  test("help names the tenant and the purchase, also in the letter that it begins", async () => {
    const customer = await stage.customer();
    const { text } = await customer.get("/dashboard");
    const letter = decodeURIComponent(/href="mailto:([^"]+)"/.exec(text)?.[1] ?? "").replaceAll("&amp;", "&");
    expect(letter).toContain("help@acme-search.example?subject=Help with acme-search-round-12345");
    expect(letter).toContain(`Tenant: ${customer.tenant.id}`);
    expect(letter).toContain(customer.tenant.resourceId);
    expect(text).toContain('href="https://status.acme-search.example"');
    expect(wordsOf(text)).toContain("Acme Search is cancelled by removing it in Bazaar, which sends the invoice");
  });

  test("the activity is filtered, page by page, and taken along as a file without formulas", async () => {
    const customer = await stage.customer();
    const { id } = customer.tenant;
    const { shop } = stage;
    await shop.deps.store.asTenant(id, async (tx) => {
      const event = { by: "marketplace:bazaar", at: shop.clock.now() } as const;
      for (let number = 1; number <= 51; number += 1) {
        const data = { what: "app", to: `app-${number}` };
        await appendEvent(tx, id, { ...event, type: "renamed", data }, shop.clock.now());
      }
      await appendEvent(
        tx,
        id,
        { ...event, type: "external.note", data: { public: true, title: "=1+1" } },
        shop.clock.now(),
      );
    });
    await customer.post("/dashboard/reveal", { name: "ACME_SEARCH_API_KEY" });
    const access = await wordsAt(customer, "/dashboard/activity?kind=access");
    expect(access).toContain("The value of ACME_SEARCH_API_KEY was shown.");
    expect(access).not.toContain("was renamed");
    const purchase = (await customer.get("/dashboard/activity?kind=purchase")).text;
    expect(purchase).not.toContain("was shown");
    const older = /href="(\/dashboard\/activity\?before=\d+&amp;kind=purchase)"/.exec(purchase)?.[1] ?? "";
    expect(await wordsAt(customer, older.replace("&amp;", "&"))).toMatch(/app-1\..*Bought on Bazaar/);
    expect((await customer.get("/dashboard/activity?kind=everything")).status).toBe(400);
    const file = (await customer.get("/dashboard/activity.csv")).text;
    expect(file).toContain("renamed,Bazaar,The app was renamed to app-51.");
    expect(file).toContain("external.note,Bazaar,'=1+1");
    expect((await customer.get("/dashboard/activity.csv?kind=access")).text).not.toContain("renamed");
  });

  test("a connection that is none is not tested", async () => {
    const customer = await stage.customer();
    for (const name of ["ACME_SEARCH_API_KEY", "PATH"])
      expect((await customer.post("/dashboard/test-connection", { name })).status).toBe(400);
  });
});

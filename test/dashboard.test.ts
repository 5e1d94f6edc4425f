import { liveCredentials } from "../src/credentials/credentials.ts";
import { fromNow } from "../src/dashboard/time.tsx";
import { appendEvent } from "../src/events/events.ts";
import { DAY, HOUR, MINUTE, SECOND } from "./support/clock.ts";
import { about, type TestProvider } from "./support/provider.ts";
import { hangs } from "./support/scripted-product.ts";
import { type Customer, enterStage, leaveStage, type Stage } from "./support/visitor.ts";
import { wordsOf } from "./support/words.ts";

const KEY = "ACME_SEARCH_API_KEY";

let stage: Stage;
let shop: TestProvider;

beforeAll(async () => {
  stage = await enterStage();
  ({ shop } = stage);
});

afterEach(() => shop.product.reset());

afterAll(leaveStage);

const keyOf = async ({ tenant }: Customer) => String((await shop.configVars(tenant.id))[KEY]);
const credentialsOf = ({ tenant }: Customer) => shop.deps.store.asTenant(tenant.id, liveCredentials);

describe("the customer's dashboard", () => {
  test("says what was bought, for which app, from whom, and who is looking", async () => {
    const visitor = await stage.customer({ name: "acme-search-round-1", region: "eu" });
    const { text, headers } = await visitor.get("/dashboard");
    expect(text).toContain("<title>acme-search-round-1 · Acme Search</title>");
    const words = wordsOf(text);
    expect(words).toContain("Marketplace Bazaar App round-river Owner owner@round.example Region eu");
    expect(words).toContain("Ready Everything is set up and your credentials work.");
    expect(words).toContain(visitor.tenant.id);
    expect(text).toContain('id="bazaar-header"><a href="https://bazaar.example/apps">');
    expect(headers["cache-control"]).toBe("no-store");
  });

  test("shows every plan with its price and limits, and the command that changes to each other one", async () => {
    const visitor = await stage.customer({ name: "acme-search-plan", plan: "standard" });
    const words = wordsOf((await visitor.get("/dashboard")).text);
    expect(words).toContain("Standard Your plan $49 a month Search requests 1,000,000 Documents indexed 250,000");
    expect(words).toContain("Basic $9 a month");
    expect(words).toContain("bazaar addons:upgrade acme-search-plan acme-search:premium --app round-river");
    expect(words).not.toContain("acme-search:standard");
  });

  test("names the config vars and code in six languages, and holds no value", async () => {
    shop.product.answer({ config: { ACME_SEARCH_INDEX: "index-of-this-tenant" } });
    const visitor = await stage.customer();
    const { text } = await visitor.get("/dashboard");
    const values = Object.entries(await shop.configVars(visitor.tenant.id));
    expect(values.map(([name]) => name).sort()).toEqual([KEY, "ACME_SEARCH_INDEX", "ACME_SEARCH_URL"]);
    for (const [name, value] of values) {
      expect(text).toContain(`<code>${name}</code>`);
      expect(text).not.toContain(value);
    }
    expect(wordsOf(text)).toContain("curl Node Python Ruby Java Go .env");
    expect(text).toContain(`ENV.fetch(&quot;${KEY}&quot;)`);
  });

  test("a reveal shows that one value and is an event in the name of the person", async () => {
    const visitor = await stage.customer();
    const { status, text } = await visitor.post("/dashboard/reveal", { name: KEY });
    expect(status).toBe(200);
    expect(text).toContain(await keyOf(visitor));
    expect(text).not.toContain("https://addons.example");
    expect((await stage.eventsOf(visitor.tenant)).at(-1)).toBe(
      `credential.revealed by customer:owner@round.example ${KEY}`,
    );
    expect((await visitor.get("/dashboard")).text).not.toContain(await keyOf(visitor));
    expect(wordsOf((await visitor.get("/dashboard")).text)).toContain(`The value of ${KEY} was shown.`);
  });

  test("a reveal that a script asks for answers with the row alone", async () => {
    const visitor = await stage.customer();
    const { text } = await visitor.post("/dashboard/reveal", { name: KEY }, { "HX-Request": "true" });
    expect(text).toMatch(/^<tr .*<\/tr>$/s);
    expect(text).toContain(await keyOf(visitor));
  });

  test("a config var that does not exist is refused and leaves no event", async () => {
    const visitor = await stage.customer();
    const before = await stage.eventsOf(visitor.tenant);
    expect((await visitor.post("/dashboard/reveal", { name: "PATH" })).status).toBe(400);
    expect(await stage.eventsOf(visitor.tenant)).toEqual(before);
  });

  test("a rotation shows the new key beside the old one, which works for two more hours", async () => {
    const visitor = await stage.customer();
    const old = await keyOf(visitor);
    const answer = await visitor.post("/dashboard/rotate", { overlap: "7200" });
    await shop.rest();
    expect([answer.status, answer.headers["location"]]).toEqual([303, "/dashboard?done=rotated"]);
    const fresh = await keyOf(visitor);

    const words = wordsOf((await visitor.get("/dashboard?done=rotated")).text);
    expect(words).toContain("New credentials are active. Bazaar restarts every dyno of the apps that use it.");
    expect(words).toMatch(new RegExp(`API key ending in ${fresh.slice(-4)} .*Active.* ending in ${old.slice(-4)}`));
    expect(words).toContain("Retiring Ends in 2 hours");

    shop.clock.advance(2 * HOUR - MINUTE);
    await shop.rest();
    expect((await shop.verifyKey(old)).valid).toBe(true);
    shop.clock.advance(2 * HOUR);
    await shop.rest();
    expect([(await shop.verifyKey(old)).valid, (await shop.verifyKey(fresh)).valid]).toEqual([false, true]);
  });

  test("a rotation without overlap ends the old key at once", async () => {
    const visitor = await stage.customer();
    const old = await keyOf(visitor);
    await visitor.post("/dashboard/rotate", { overlap: "0" });
    expect((await shop.verifyKey(old)).valid).toBe(false);
    expect((await shop.verifyKey(await keyOf(visitor))).valid).toBe(true);
  });

  test("an overlap that is not offered is refused and rotates nothing", async () => {
    const visitor = await stage.customer();
    const old = await keyOf(visitor);
    for (const overlap of ["", "1", "-1", "7200.0", "1e9", "now"]) {
      expect((await visitor.post("/dashboard/rotate", { overlap })).status).toBe(400);
    }
    expect(await keyOf(visitor)).toBe(old);
  });

  test("a retiring credential can be revoked early, the active one cannot", async () => {
    const visitor = await stage.customer();
    const old = await keyOf(visitor);
    await visitor.post("/dashboard/rotate", { overlap: "7200" });
    const [active, retiring] = await credentialsOf(visitor);
    expect((await visitor.post("/dashboard/revoke", { credential: String(active?.id) })).status).toBe(400);
    expect((await visitor.post("/dashboard/revoke", { credential: String(retiring?.id) })).status).toBe(303);
    expect((await shop.verifyKey(old)).valid).toBe(false);
    expect((await shop.verifyKey(await keyOf(visitor))).valid).toBe(true);
    expect((await visitor.get("/dashboard?done=revoked")).text).toContain("The credential no longer works.");
  });

  test("who is signed in to one tenant neither sees nor touches another", async () => {
    const [mine, other] = [await stage.customer({ name: "mine" }), await stage.customer({ name: "acme-search-other" })];
    await other.post("/dashboard/rotate", { overlap: "7200" });
    const [, retiring] = await credentialsOf(other);
    const { text } = await mine.get(`/dashboard?tenant=${other.tenant.id}`);
    expect(text).toContain(mine.tenant.id);
    for (const secret of [other.tenant.id, "acme-search-other", String(retiring?.id)])
      expect(text).not.toContain(secret);

    const revoked = await mine.post("/dashboard/revoke", {
      credential: String(retiring?.id),
      tenant: other.tenant.id,
    });
    expect(revoked.status).toBe(404);
    expect(await credentialsOf(other)).toHaveLength(2);
    const revealed = await mine.post("/dashboard/reveal", { name: KEY, tenant: other.tenant.id });
    expect(revealed.text).not.toContain(await keyOf(other));
  });

  test("a tenant that is still being set up shows no credentials, and its status asks until it is over", async () => {
    shop.product.answer(hangs);
    const visitor = await stage.customer();
    const page = (await visitor.get("/dashboard")).text;
    expect(wordsOf(page)).toContain("Being set up Acme Search is setting this up.");
    expect(page).not.toContain("/dashboard/reveal");
    expect(page).not.toContain("/dashboard/rotate");

    const running = await visitor.get("/dashboard/status");
    expect(running.text).toContain('hx-trigger="every 2s"');
    expect(running.headers["hx-refresh"]).toBeUndefined();
    await shop.rest();
    const over = await visitor.get("/dashboard/status");
    expect(over.text).not.toContain("hx-trigger");
    expect(over.headers["hx-refresh"]).toBe("true");
  });

  test("a suspended tenant reads why", async () => {
    const visitor = await stage.customer();
    await shop.suspend({ ...about(visitor.tenant), reason: "The last invoice is not paid." });
    expect(wordsOf((await visitor.get("/dashboard")).text)).toContain(
      "Suspended The last invoice is not paid. Acme Search refuses your credentials until this is settled",
    );
  });

  test("the people are those whom the marketplace named", async () => {
    const visitor = await stage.customer();
    expect(wordsOf((await visitor.get("/dashboard")).text)).toContain("Bazaar has not named anybody yet.");
    await stage.pages.name(visitor.tenant, [{ id: "2", email: "ada@round.example", role: "member" }]);
    expect(wordsOf((await visitor.get("/dashboard")).text)).toContain("ada@round.example member");
  });

  test("the activity tells what happened in sentences, newest first and page by page", async () => {
    const visitor = await stage.customer();
    const { id } = visitor.tenant;
    await shop.changePlan({ ...about(visitor.tenant), plan: "premium" });
    await shop.deps.store.asTenant(id, async (tx) => {
      for (let number = 1; number <= 60; number += 1) {
        const event = {
          type: "renamed",
          by: "marketplace:bazaar",
          at: shop.clock.now(),
          data: { what: "app", to: `name-${number}` },
        } as const;
        await appendEvent(tx, id, event, shop.clock.now());
      }
    });
    shop.clock.advance(3 * DAY);
    const again = await stage.visit(visitor.tenant);
    const first = (await again.get("/dashboard/activity")).text;
    expect(wordsOf(first)).toContain("The app was renamed to name-60.");
    expect(wordsOf(first)).toContain("3 days ago (");
    expect(first.indexOf("name-60.")).toBeLessThan(first.indexOf("name-11."));
    expect(first).not.toContain("name-10.");
    const older = /href="(\/dashboard\/activity\?before=\d+)"/.exec(first)?.[1] ?? "";
    const second = wordsOf((await again.get(older)).text);
    expect(second).toContain("name-10.");
    expect(second).toContain("The plan changed from Basic to Premium.");
    expect(second).toContain("Bought on Bazaar with the plan Basic.");
    expect(second).not.toContain("Older activity");
    for (const before of ["0", "-1", "1.5", "x", "9".repeat(20)]) {
      expect((await again.get(`/dashboard/activity?before=${before}`)).status).toBe(400);
    }
  });

  test("text from outside is inert wherever it stands", async () => {
    const attack = `"><img src=x onerror=alert(1)><script>alert(2)</script>'`;
    const visitor = await stage.customer({
      name: attack,
      facts: { app: attack, owner: attack },
      by: `marketplace:${attack}`,
    });
    await stage.pages.name(visitor.tenant, [{ id: "2", email: attack, role: attack }]);
    await shop.suspend({ ...about(visitor.tenant), reason: attack, by: `customer:${attack}` });
    await visitor.post("/dashboard/reveal", { name: KEY });
    for (const path of ["/dashboard", "/dashboard/activity", `/dashboard?done=${encodeURIComponent(attack)}`]) {
      const { text } = await visitor.get(path);
      expect(text).toContain("&lt;img src=x onerror=alert(1)>");
      expect(text).not.toMatch(/<img|<script>|alert\(1\)"/);
    }
  });

  test("an address that is not there is a page that says so", async () => {
    const { status, text } = await (await stage.customer()).get("/dashboard/nothing");
    expect(status).toBe(404);
    expect(text).toContain("<h1>There is nothing at this address</h1>");
  });
});

describe("a time", () => {
  const now = new Date("2026-03-01T12:00:00.000Z");

  test.each([
    [0, "just now"],
    [-59 * SECOND, "just now"],
    [59 * SECOND, "in less than a minute"],
    [-MINUTE, "1 minute ago"],
    [2 * HOUR - SECOND, "in 120 minutes"],
    [2 * HOUR, "in 2 hours"],
    [-47 * HOUR, "47 hours ago"],
    [-2 * DAY, "2 days ago"],
    [-60 * DAY, "2 months ago"],
    [-800 * DAY, "27 months ago"],
  ])("%d ms from now reads %s", (ms, words) => {
    expect(fromNow(new Date(now.getTime() + ms), now)).toBe(words);
  });
});

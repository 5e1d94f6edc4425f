import pg from "pg";
import { peopleOf, type Tenant } from "../src/tenants/tenants.ts";
import { consoleOf as signInStage } from "./support/console.ts";
import { consoleOf, hiddenIn } from "./support/console-tenants-app.ts";
import { describeInBazaar } from "./support/dashboard-app.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";
import { hangs } from "./support/scripted-product.ts";

let shop: TestProvider;
let consoles: Awaited<ReturnType<typeof consoleOf>>;

beforeAll(async () => {
  shop = await testProvider({ budgets: { product: 150 } });
  consoles = await consoleOf(shop, {
    currentTruth: () => Promise.resolve([{ term: "State", text: "provisioned over there" }]),
    requestOf: ({ name }, { kind }) => ({
      method: "POST",
      path: `/bazaar/${kind}`,
      authorization: { basic: "acme:$BAZAAR_PASSWORD" },
      headers: {},
      body: { name },
    }),
  });
});

afterEach(() => shop.product.reset());

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const wordsOf = (html: string) =>
  html
    .replace(/<head>.*<\/head>/s, "")
    .replace(/<[^>]+>/g, " ")
    .replaceAll("&#39;", "'")
    .replace(/\s+/g, " ");

async function bought(name = "acme-search-1") {
  const { tenant } = (await shop.provision(purchase({ resourceId: crypto.randomUUID(), name }))).value;
  await shop.rest();
  return tenant;
}

const page = async (id: string, query = "") =>
  wordsOf((await consoles.person("admin").get(`/console/tenants/${id}${query}`).expect(200)).text);
const auditOf = (id: string) =>
  shop.look<{ action: string; by: string; data: Record<string, string> }>(
    `select action, "by", data from audit_entries where chain = $1 and action like 'operator%' order by sequence`,
    [id],
  );
const stateOf = async (id: string) => (await shop.findTenant({ tenant: id }))?.state;

/** How often the database is asked while `work` runs. */
async function roundTrips(work: () => Promise<unknown>): Promise<number> {
  const query: (...given: unknown[]) => unknown = Reflect.get(pg.Client.prototype, "query");
  let asked = 0;
  Reflect.set(pg.Client.prototype, "query", function counted(this: unknown, ...given: unknown[]) {
    asked += 1;
    return Reflect.apply(query, this, given);
  });
  try {
    await work();
    return asked;
  } finally {
    Reflect.set(pg.Client.prototype, "query", query);
  }
}

describe("the console's tenants", () => {
  test("are found by what somebody has of them, and say what is searched", async () => {
    const tenant = await bought("acme-search-needle");
    const viewer = consoles.person("viewer");
    const list = await viewer.get("/console/tenants").query({ q: tenant.resourceId.slice(0, 9) });
    expect(list.text).toContain(`href="/console/tenants/${tenant.id}"`);
    expect(wordsOf(list.text)).toContain("acme-search-needle resource_id: ");
    expect(wordsOf(list.text)).toContain("Looks at how these begin");
    const none = await viewer.get("/console/tenants").query({ q: `"><script>alert(1)</script>%_'\\` });
    expect(none.status).toBe(200);
    expect(none.text).not.toContain("<script>alert");
    expect(wordsOf(none.text)).toContain("Nothing begins like that.");
    expect((await viewer.get("/console/tenants").query({ state: "asleep" })).status).toBe(400);
    expect((await viewer.get("/console/tenants").query({ cursor: "x" })).status).toBe(400);
    expect((await viewer.get("/console/tenants?q=a&q=b")).status).toBe(200);
  });

  test("can be had as CSV, in which no cell is a formula", async () => {
    for (const name of ["=1+1", "+a", "-b", "@c", "\td", "\re"]) await bought(`${name}"evil`);
    const { text, headers } = await consoles.person("viewer").get("/console/tenants/export.csv?marketplace=bazaar");
    expect(headers["content-type"]).toContain("text/csv");
    const cells = text.trimEnd().split("\n").slice(1);
    expect(cells.length).toBeGreaterThanOrEqual(6);
    for (const start of ["=1+1", "+a", "-b", "@c"]) expect(text).toContain(`'${start}""evil`);
    expect(text).not.toMatch(/(^|,)"?[=+\-@\t\r]/m);
  });

  test("show what each side says, what is due, the credentials without a value, and what happened", async () => {
    const tenant = await bought("acme-search-sides");
    const words = await page(tenant.id);
    expect(words).toContain("Bazaar We Acme Search");
    expect(words).toContain("Nothing runs and nothing is owed.");
    expect(words).toContain("active ACME_SEARCH_API_KEY");
    expect(words).toContain("provision.requested");
    expect(words).toContain("curl -X POST 'http://127.0.0.1:3000/bazaar/provision'");
    expect(words).toContain(`stallholder listen --tenant ${tenant.id}`);
    const { text } = await consoles.person("admin").get(`/console/tenants/${tenant.id}`);
    for (const value of Object.values(await shop.configVars(tenant.id))) expect(text).not.toContain(value);
    expect(Buffer.byteLength(text)).toBeLessThan(100_000);
    expect(await auditOf(tenant.id)).toContainEqual({
      action: "operator.crossed",
      by: "operator:admin",
      data: { reason: "looked at the tenant" },
    });
  });

  test("need few round trips, whatever the page", async () => {
    const tenant = await bought();
    const viewer = consoles.person("viewer");
    // Beside those of the sign-in, and of what the marketplace reads to describe a tenant (three).
    for (const path of ["", "?q=acme", "?state=active&plan=basic", `/${tenant.id}`])
      expect([path, await roundTrips(() => viewer.get(`/console/tenants${path}`).expect(200))]).toEqual([path, 2]);
  });

  test("have a timeline that loses nothing between its pages", async () => {
    const tenant = await bought();
    for (let round = 0; round < 12; round += 1) {
      shop.clock.advance(60_000);
      await shop.rotateCredentials({ ref: { tenant: tenant.id }, by: "customer:1", at: shop.clock.now() });
      await shop.rest();
    }
    const seen: string[] = [];
    let path: string | undefined = `/console/tenants/${tenant.id}`;
    while (path !== undefined) {
      const { text } = await consoles.person("viewer").get(path);
      seen.push(...[...text.matchAll(/<li id="((?:event|call|operation)-[^"]+)"/g)].map(([, key]) => String(key)));
      path = /href="([^"]+#timeline)" rel="next"/.exec(text)?.[1]?.replace("#timeline", "");
    }
    const rows = await shop.look<{ key: string }>(
      `select 'event-' || sequence as key from lifecycle_events where tenant_id = $1
       union all select 'call-' || sequence from owed_calls where tenant_id = $1
       union all select 'operation-' || id from operations where tenant_id = $1`,
      [tenant.id],
    );
    expect(rows.length).toBeGreaterThan(50);
    expect([...seen].sort()).toEqual(rows.map(({ key }) => key).sort());
    const strange = ["x", "bnVsbA", Buffer.from('{"event":"1; drop"}').toString("base64url")];
    for (const before of strange)
      expect((await consoles.person("viewer").get(`/console/tenants/${tenant.id}?before=${before}`)).status).toBe(400);
  });

  test("can be asked about over there, within a time limit", async () => {
    const tenant = await bought();
    const support = consoles.person("support");
    const form = hiddenIn((await support.get(`/console/tenants/${tenant.id}`)).text);
    const asked = await support.post(`/console/tenants/${tenant.id}/ask`, form);
    expect(wordsOf(asked.text)).toContain("Bazaar says now: State provisioned over there");
  });

  test("of an unknown id are not found", async () => {
    for (const id of ["nobody", "a".repeat(26), "%00", "..%2f"])
      expect((await consoles.person("admin").get(`/console/tenants/${id}`)).status).toBe(404);
  });
});

describe("behind the sign-in of the console", () => {
  test("a tenant's page needs at most eight round trips, three of them for what the marketplace reads of it", async () => {
    const tenant = await bought();
    const describe = (one: Tenant) => shop.deps.store.asTenant(one.id, peopleOf).then(() => describeInBazaar(one));
    const stage = await signInStage(shop, { marketplaces: new Map([["bazaar", { describe }]]) });
    const visitor = await stage.signIn();
    for (const path of ["", `/${tenant.id}`]) {
      const asked = await roundTrips(() => visitor.get(`/console/tenants${path}`).expect(200));
      expect(asked).toBeLessThanOrEqual(8);
    }
    expect((await visitor.get(`/console/tenants/${tenant.id}`)).text).toContain('aria-current="page">Tenants');
  });

  test("a form sent after the session has ended leads back to the page that shows it", async () => {
    const { id } = await bought();
    const stage = await signInStage(shop);
    const answer = await stage.visitor("").post(`/console/tenants/${id}/acts/suspend/confirmed`);
    expect(answer.headers["location"]).toContain(encodeURIComponent(`/console/tenants/${id}/acts/suspend`));
    expect(await stateOf(id)).toBe("active");
  });
});

describe("what an operator does to a tenant", () => {
  test("suspends and resumes it, with a reason that the customer reads, in the audit and the timeline", async () => {
    const tenant = await bought();
    const ada = consoles.person("operator", "ada@vendor.example");
    const answer = await ada.act(tenant.id, "suspend", { reason: "The last invoice is not paid." });
    expect([answer.status, answer.headers["location"]]).toEqual([303, `/console/tenants/${tenant.id}?done=suspend`]);
    expect(await shop.findTenant({ tenant: tenant.id })).toMatchObject({
      state: "suspended",
      reason: "The last invoice is not paid.",
    });
    expect(await page(tenant.id, "?done=suspend")).toContain("The tenant is being suspended.");
    expect(await page(tenant.id)).toMatch(/operator\.acted .*operator:ada@vendor\.example/);
    expect(await auditOf(tenant.id)).toContainEqual({
      action: "operator.acted",
      by: "operator:ada@vendor.example",
      data: { act: "suspend", reason: "The last invoice is not paid." },
    });
    expect((await ada.act(tenant.id, "resume")).status).toBe(303);
    expect(await stateOf(tenant.id)).toBe("active");
  });

  test("rotates, changes the plan, and refuses what is not offered", async () => {
    const tenant = await bought();
    const ada = consoles.person("operator");
    const old = await shop.configVars(tenant.id);
    expect((await ada.act(tenant.id, "rotate", { overlap: "0" })).status).toBe(303);
    expect(await shop.configVars(tenant.id)).not.toEqual(old);
    await shop.rest();
    for (const plan of ["", "platinum", "basic"])
      expect((await ada.act(tenant.id, "change_plan", { plan })).status).toBe(422);
    expect((await ada.act(tenant.id, "change_plan", { plan: "standard" })).status).toBe(303);
    expect((await shop.findTenant({ tenant: tenant.id }))?.plan).toBe("standard");
    expect((await ada.act(tenant.id, "rotate", { overlap: "1e9", reason: "x" })).status).toBe(422);
    expect((await ada.act(tenant.id, "resume", { reason: "x" })).status).toBe(422);
    expect((await ada.act(tenant.id, "suspend", { reason: "  " })).status).toBe(422);
  });

  test("deprovisions only with the resource_id typed", async () => {
    const tenant = await bought();
    const ada = consoles.person("operator");
    const wrong = await ada.act(tenant.id, "deprovision", { typed: tenant.id });
    expect([wrong.status, wordsOf(wrong.text).includes("That is not its resource_id.")]).toEqual([422, true]);
    expect(await stateOf(tenant.id)).toBe("active");
    expect((await ada.act(tenant.id, "deprovision", { typed: tenant.resourceId })).status).toBe(303);
    await shop.rest();
    expect(await stateOf(tenant.id)).toBe("gone");
    expect(await page(tenant.id)).toContain("There are none in force.");
  });

  test("makes an operation and an owed call due at once, also one that was given up", async () => {
    const tenant = await bought();
    const command = { ref: { tenant: tenant.id }, by: "customer:1", at: shop.clock.now() } as const;
    await shop.rotateCredentials(command);
    shop.product.answer(hangs);
    await shop.suspend({ ...command, reason: "x" });
    await shop.look("update operations set due_at = '2099-01-01' where tenant_id = $1 and state = 'running'", [
      tenant.id,
    ]);
    await shop.look("update owed_calls set state = 'given_up', attempts = 40 where tenant_id = $1", [tenant.id]);
    const { text } = await consoles.person("support").get(`/console/tenants/${tenant.id}`);
    const queries = [...text.matchAll(/acts\/retry(\?[^"]+)"/g)].map(([, query]) => String(query));
    expect(queries.length).toBeGreaterThan(1);
    for (const query of queries)
      expect((await consoles.person("support").act(tenant.id, "retry", {}, query)).status).toBe(303);
    const [due] = await shop.look<{ operations: string; calls: string }>(
      `select (select count(*) from operations where tenant_id = $1 and state = 'running' and due_at <= $2) as operations,
              (select count(*) from owed_calls where tenant_id = $1 and state = 'owed' and due_at <= $2) as calls`,
      [tenant.id, shop.clock.now()],
    );
    expect(due).toEqual({ operations: "1", calls: String(queries.length - 1) });
    shop.product.reset();
    await shop.rest();
    expect((await consoles.person("support").act(tenant.id, "retry", {}, String(queries[0]))).status).toBe(409);
  });

  test("is told to the second of two at once, and done once", async () => {
    const tenant = await bought();
    const [ada, bob] = [consoles.person("operator", "ada"), consoles.person("operator", "bob")];
    const path = `/console/tenants/${tenant.id}/acts/rotate`;
    const forms = await Promise.all([ada.get(path), bob.get(path)]);
    const [first, second] = forms.map(({ text }) => hiddenIn(text));
    const answers = await Promise.all([
      ada.post(`${path}/confirmed`, { ...first, overlap: "7200", reason: "leaked" }),
      bob.post(`${path}/confirmed`, { ...second, overlap: "7200", reason: "leaked too" }),
    ]);
    expect(answers.map(({ status }) => status).sort()).toEqual([303, 409]);
    const told = wordsOf(String(answers.find(({ status }) => status === 409)?.text));
    expect(told).toContain("Something happened meanwhile Nothing was done");
    expect(told).toMatch(/operator\.acted : rotate .* operator:(ada|bob) · leaked/);
    expect((await shop.events(tenant)).filter((type) => type === "operator.acted")).toHaveLength(1);
  });

  test("is not overtaken by a sign-in of the customer", async () => {
    const tenant = await bought();
    const ada = consoles.person("operator");
    const path = `/console/tenants/${tenant.id}/acts/suspend`;
    const form = hiddenIn((await ada.get(path)).text);
    await shop.look(`select append_event($1, 'signed_in', 'customer:1', now(), now(), '{}')`, [tenant.id]);
    expect((await ada.post(`${path}/confirmed`, { ...form, reason: "x" })).status).toBe(303);
  });
});

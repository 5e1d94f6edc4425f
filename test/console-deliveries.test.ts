import { consoleOf, hiddenIn } from "./support/console-tenants-app.ts";
import { closeServers } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

let shop: TestProvider;
let consoles: Awaited<ReturnType<typeof consoleOf>>;
let tenant: string;

beforeAll(async () => {
  shop = await testProvider({ budgets: { product: 150 } });
  consoles = await consoleOf(shop);
  tenant = (await shop.provision(purchase({ resourceId: crypto.randomUUID(), name: "acme-owed" }))).value.tenant.id;
  await shop.rest();
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

/** Calls that have failed, due in a day. */
async function fail(kind: string, count: number, fault: string, state = "owed") {
  const now = shop.clock.now().toISOString();
  await shop.look(
    `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, state, due_at, attempts, last_fault, created_at)
     select $1, (select coalesce(max(sequence), 0) from owed_calls where tenant_id = $1) + n, 'bazaar', $2, $2, $5,
            $6::timestamptz + interval '1 day', 3, $4 || (10000 + n), $6::timestamptz + n * interval '1 second'
     from generate_series(1, $3::int) n`,
    [tenant, kind, count, fault, state, now],
  );
}

const groupOf = (html: string) => /group=([\da-f]{32})/.exec(html)?.[1] ?? "";
const due = async (kind: string) =>
  (
    await shop.look("select 1 from owed_calls where kind = $1 and state = 'owed' and due_at <= $2", [
      kind,
      shop.clock.now(),
    ])
  ).length;

describe("the console's deliveries", () => {
  test("show each failing call once, page by page, and what is alike together", async () => {
    await fail("tell-page", 70, "The marketplace answered 503, request ");
    const viewer = consoles.person("viewer");
    const { text } = await viewer.get("/console/deliveries").expect(200);
    expect(text).toContain("The marketplace answered 503, request …");
    expect(text).toContain(`href="/console/tenants/${tenant}"`);
    expect(text).not.toMatch(/Try now|Try all/);
    const next = /href="([^"]+)" rel="next"/.exec(text)?.[1]?.replaceAll("&amp;", "&") ?? "";
    const second = (await viewer.get(next).expect(200)).text;
    const faults = [...`${text}${second}`.matchAll(/request (1\d{4})/g)].map(([, number]) => number);
    expect([faults.length, new Set(faults).size]).toEqual([70, 70]);
    expect((await viewer.get("/console/deliveries?of=operations&state=given_up").expect(200)).text).toContain(
      "none of",
    );
  });

  test("try a group again in batches, and write it into history and audit", async () => {
    await fail("tell-batch", 130, "It is gone ", "given_up");
    const bob = consoles.person("support", "bob@vendor.example");
    const list = "of=calls&state=given_up";
    const group = groupOf((await bob.get(`/console/deliveries?${list}`)).text);
    const form = hiddenIn((await bob.get(`/console/deliveries/retry?${list}&group=${group}`).expect(200)).text);
    expect((await bob.post("/console/deliveries/retry/confirmed", { ...form, reason: " " })).status).toBe(422);
    expect(await due("tell-batch")).toBe(0);
    const answer = await bob.post("/console/deliveries/retry/confirmed", { ...form, reason: "It is back." });
    expect(answer.headers["location"]).toBe(`/console/deliveries?${list}&done=100&left=30`);
    expect((await bob.get(answer.headers["location"] ?? "")).text).toContain(
      "100 became due. 30 or more of that group are",
    );
    expect(await due("tell-batch")).toBe(100);
    const told = await shop.look(
      `select "by" from audit_entries where chain = $1 and action = 'operator.acted' and data->>'reason' = 'It is back.'`,
      [tenant],
    );
    expect(told).toHaveLength(100);
    expect(told[0]).toEqual({ by: "operator:bob@vendor.example" });
  });

  test("offer no other try of an operation that has failed, and take none", async () => {
    const now = shop.clock.now();
    await shop.look(
      `insert into operations (tenant_id, id, kind, by, at, state, due_at, attempts, last_fault, created_at, ended_at)
       values ($1, gen_random_uuid(), 'rotate', 'customer:1', $2, 'failed', $2, 3, 'It went wrong', $2, $2)`,
      [tenant, now],
    );
    const support = consoles.person("support");
    const { text } = await support.get("/console/deliveries?of=operations&state=given_up").expect(200);
    expect(text).toContain("It went wrong");
    expect(text).toMatch(/data-word="Next try">none/);
    expect(text).not.toMatch(/Try now|Try all/);
    const { csrf_token = "" } = hiddenIn((await support.get(`/console/tenants/${tenant}/acts/retry?call=1`)).text);
    const sent = { csrf_token, of: "operations", state: "given_up", group: "0".repeat(32), reason: "x" };
    const answer = await support.post("/console/deliveries/retry/confirmed", sent);
    expect([answer.status, answer.text.includes("that has failed is over")]).toEqual([400, true]);
  });

  test("let no viewer act, and no form without its token", async () => {
    for (const [method, path] of [
      ["GET", "/console/deliveries/retry"],
      ["POST", "/console/deliveries/retry/confirmed"],
    ] as const) {
      const { status, text } = await consoles.person("viewer").send(method, path);
      expect([status, text.includes("takes the role support")]).toEqual([403, true]);
    }
    const bare = { of: "calls", state: "failing", group: "0".repeat(32), reason: "x" };
    expect((await consoles.person("support").post("/console/deliveries/retry/confirmed", bare)).status).toBe(403);
  });

  test("refuse lists, groups and cursors that do not exist", async () => {
    const support = consoles.person("support");
    const cursor = Buffer.from(`["2026-13-99T00:00:00Z","${tenant}","1"]`).toString("base64url");
    const strange = ["?state=asleep", "?of=x", "?of=calls&of=calls", "?cursor=", "?cursor=bnVsbA", `?cursor=${cursor}`];
    for (const query of [...strange, "/retry?group=x", `/retry?group=${"0".repeat(32)}`]) {
      expect([query, (await support.get(`/console/deliveries${query}`)).status]).toEqual([query, 400]);
    }
  });
});

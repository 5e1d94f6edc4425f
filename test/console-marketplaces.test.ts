import { readFile } from "node:fs/promises";
import express from "express";
import { parseManifest } from "../src/catalog/catalog.ts";
import { checkInTime } from "../src/dashboard/console/marketplaces/check-in-time.ts";
import { differences } from "../src/dashboard/console/marketplaces/differences.ts";
import { checkConnection as checkAws } from "../src/marketplaces/aws/checks/connection.ts";
import { checkConnection as checkHeroku } from "../src/marketplaces/heroku/check.ts";
import type { HerokuOptions } from "../src/marketplaces/heroku/options.ts";
import type { Finding } from "../src/marketplaces/marketplace.ts";
import { becomes, type ConsoleVisitor, consoleOf } from "./support/console.ts";
import { testKeys } from "./support/fake-aws.ts";
import { closeServers, listen } from "./support/listen.ts";
import { closeProviders, purchase, type TestProvider, testProvider } from "./support/provider.ts";

type Wild = ReturnType<typeof JSON.parse>;

let shop: TestProvider;
let eve: ConsoleVisitor;
let text: string;
/** The file as it is now. */
let onDisk: string;
let found: readonly Finding[] | "broken";

/** The sample file with something else in it. */
const changed = (change: (file: Wild) => void): string => {
  const file = JSON.parse(text);
  change(file);
  return JSON.stringify(file);
};

beforeAll(async () => {
  text = await readFile(new URL("../addon-manifest.json", import.meta.url), "utf8");
  shop = await testProvider();
  const consoles = await consoleOf(shop, {
    marketplaces: new Map([
      [
        "bazaar",
        {
          describe: () => Promise.reject(new Error("Nobody asks.")),
          check: async () => {
            if (found === "broken") throw new Error("An adapter with a mistake.");
            return found;
          },
        },
      ],
      ["souk", { describe: () => Promise.reject(new Error("Nobody asks.")) }],
    ]),
    manifest: { inForce: parseManifest(text).file, readFile: async () => parseManifest(onDisk) },
    settingsSet: ["BAZAAR_PASSWORD", "BAZAARS_URL", "SOUK_REGION"],
  });
  eve = await consoles.signIn();
});

beforeEach(() => {
  onDisk = text;
  found = [];
});

afterAll(async () => {
  await closeServers();
  await closeProviders();
});

const page = async () => (await eve.get("/console/marketplaces").expect(200)).text;

describe("the console's marketplaces", () => {
  test("say when each last called and last took a call, and which settings are set", async () => {
    const before = await page();
    expect(before.match(/never/g)).toHaveLength(4);
    const { value } = await shop.provision(purchase());
    await shop.look(
      `insert into owed_calls (tenant_id, sequence, marketplace, kind, lane, state, due_at, created_at, ended_at)
       values ($1, 1000, 'bazaar', 'tell', 'tell', 'delivered', $2, $2, $2)`,
      [value.tenant.id, shop.clock.now()],
    );
    const after = await page();
    const [bazaar = "", souk = ""] = [/id="bazaar".*?<\/section>/s, /id="souk".*?<\/section>/s].map(
      (part) => part.exec(after)?.[0] ?? "",
    );
    expect([bazaar.match(/<time/g)?.length, bazaar.includes("never")]).toEqual([2, false]);
    expect([bazaar.includes("BAZAAR_PASSWORD"), bazaar.includes("BAZAARS_URL")]).toEqual([true, false]);
    expect([souk.includes("SOUK_REGION"), souk.match(/never/g)?.length]).toEqual([true, 2]);
    expect([bazaar.includes("Test connection"), souk.includes("Test connection")]).toEqual([true, false]);
  });

  test("compare the manifest in force with the file, plans by their id, and hide its secrets", async () => {
    expect(await page()).toContain("are the same");
    onDisk = changed(({ api, catalog }) => {
      catalog.plans.find(({ id }: Wild) => id === "standard").price.cents = 4711;
      catalog.plans.reverse();
      api.password = "quite-another-secret";
    });
    const html = await page();
    expect(html).toContain("/catalog/plans/standard/price/cents");
    expect(html).toContain("4711");
    expect(html).toContain("/api/password");
    expect(html).not.toContain("quite-another-secret");
    expect(html).not.toContain(JSON.parse(text).api.password);
    expect(html.match(/In the file:/g)).toHaveLength(3);
    onDisk = changed(({ catalog }) => catalog.plans.pop());
    expect(await page()).toContain("can never change its slug");
  });

  test("name every fault of a file that reads no more", async () => {
    onDisk = changed(({ api, catalog }) => {
      api.regions = ["mars"];
      catalog.plans[1].price.cents = -1;
    });
    const html = await page();
    expect(html).toContain("a restart would not succeed");
    expect([html.includes("/api/regions/0"), html.includes("/catalog/plans/1/price/cents")]).toEqual([true, true]);
    onDisk = "{";
    expect(await page()).toContain("is not JSON");
  });

  test("test a connection and say what to do about what was found", async () => {
    found = [
      { check: "bazaar", verdict: "ok", says: "the stall is open" },
      { check: "bazaar", verdict: "fault", says: "the till is shut", cure: "Open it." },
    ];
    const { status, text: html } = await eve.post("/console/marketplaces/bazaar/check");
    expect(status).toBe(200);
    for (const said of ["the stall is open", "the till is shut", "Open it."]) expect(html).toContain(said);
    const told = await shop.look(
      "select 1 from audit_entries where chain = 'operator' and data->>'reason' = 'tested the connection to bazaar'",
    );
    expect(told).toHaveLength(1);
    found = "broken";
    const broken = await eve.post("/console/marketplaces/bazaar/check");
    expect([broken.status, broken.text.includes("the test itself failed")]).toEqual([200, true]);
    expect(broken.text).not.toContain("An adapter with a mistake");
    for (const name of ["souk", "nowhere"]) {
      expect((await eve.post(`/console/marketplaces/${name}/check`)).status).toBe(404);
    }
  });

  test("do not wait for a marketplace that keeps to no time", async () => {
    const findings = await checkInTime("bazaar", () => new Promise(() => undefined), 50);
    expect(findings.map(({ verdict, says }) => [verdict, says])).toEqual([
      ["fault", "it did not answer within 0.05 s"],
    ]);
    const ended = await checkInTime(
      "bazaar",
      (within) => new Promise((resolve) => within.addEventListener("abort", () => resolve([]))),
      50,
    );
    expect(ended).toEqual([]);
  });

  test("let only an operator test, by a form of ours", async () => {
    expect((await eve.post("/console/marketplaces/bazaar/check", { csrf_token: "x" })).status).toBe(403);
    await becomes(shop, "vera@vendor.example", "viewer");
    expect(await page()).not.toContain("Test connection");
    const { status, text: html } = await eve.post("/console/marketplaces/bazaar/check");
    expect([status, html.includes("takes the role operator")]).toEqual([403, true]);
  });

  test("tell what of two files differs, whatever they are", () => {
    expect(differences({ a: [1, 2], b: { "x/y": null } }, { a: [1, 3], b: { "x/y": 0 }, c: [] })).toEqual([
      { at: "/a", before: [1, 2], after: [1, 3] },
      { at: "/b/x~1y", before: null, after: 0 },
      { at: "/c", before: undefined, after: [] },
    ]);
    expect(differences([{ id: "a", n: 1 }, { id: "b" }], [{ id: "b" }, { id: "a", n: 2 }])).toEqual([
      { at: "/a/n", before: 1, after: 2 },
      { at: "", before: ["a", "b"], after: ["b", "a"] },
    ]);
    expect(differences([{ id: "a" }, { id: "a" }], [{ id: "a" }])).toHaveLength(1);
    expect(differences("x", { x: 1 })).toHaveLength(1);
  });
});

describe("a marketplace that is asked whether it can be reached", () => {
  const heroku = (apiUrl: string, idUrl: string) =>
    checkHeroku(
      {
        settings: { apiUrl, idUrl },
        catalog: shop.deps.catalog,
        publicUrl: new URL(shop.deps.catalog.baseUrl).origin,
      } as HerokuOptions,
      AbortSignal.timeout(3_000),
    );

  /** Another side that answers every request so. */
  const answering = (status: number) => listen(express().use((_request, response) => void response.sendStatus(status)));

  test("Heroku: two addresses, and whether its calls come here", async () => {
    const [well, ill] = [await answering(404), await answering(503)];
    const nobody = "http://127.0.0.1:1";
    expect((await heroku(well.url, well.url)).map(({ verdict }) => verdict)).toEqual(["ok", "ok", "ok"]);
    const faults = await heroku(ill.url, nobody);
    expect(faults.map(({ verdict, says }) => `${verdict} ${says}`)).toEqual([
      `fault ${ill.url} answers 503`,
      `fault ${nobody} does not answer`,
      expect.stringMatching(/^ok /),
    ]);
  });

  test("AWS: ends with the signal, and says that nothing was reached", async () => {
    const silent = await listen(express().use(() => undefined));
    const [first, ...more] = await checkAws({
      access: { region: "us-east-1", endpoint: silent.url, keys: testKeys },
      products: [{ code: "x", id: "prod-x", model: "subscription", plan: "basic" }] as never,
      queueUrl: undefined,
      within: AbortSignal.timeout(300),
    });
    expect([first?.verdict, first?.says.startsWith("AWS cannot be reached"), more]).toEqual(["fault", true, []]);
  });
});

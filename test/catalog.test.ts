import { readFileSync } from "node:fs";
import fc from "fast-check";
import { z } from "zod";
import {
  type Catalog,
  configVarName,
  currencyOf,
  findPlan,
  marketplaceSection,
  neverChangeable,
  parseManifest,
  servesRegion,
  undeclaredConfigVars,
  withoutCatalog,
} from "../src/catalog/catalog.ts";
import { type Fault, ProviderError } from "../src/errors.ts";

const sampleText = readFileSync(new URL("../addon-manifest.json", import.meta.url), "utf8");

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/** The sample with one change: the value at `pointer` set, or removed where it is undefined. */
function changed(pointer: string, value: Json | undefined, text = sampleText): string {
  const file = JSON.parse(text);
  const path = pointer.split("/").slice(1);
  const last = path.pop() ?? "";
  const parent = path.reduce((at, name) => at[name], file);
  if (value === undefined) delete parent[last];
  else parent[last] = value;
  return JSON.stringify(file);
}

function faultsOf(act: () => unknown): readonly Fault[] {
  try {
    act();
  } catch (error) {
    if (error instanceof ProviderError && error.code === "config_invalid") return error.faults;
    throw error;
  }
  return [];
}

const atOf = (text: string): string[] => faultsOf(() => parseManifest(text)).map(({ at }) => at);

const catalogOf = (text: string): Catalog => parseManifest(text).catalog;

describe("parseManifest", () => {
  const sample = parseManifest(sampleText);

  test("the sample file is a catalog of three plans, sold in the United States and in Europe", () => {
    expect(sample.catalog).toMatchObject({ id: "acme-search", name: "Acme Search", prefix: "ACME_SEARCH" });
    expect(sample.catalog.plans.map(({ id, isolation }) => [id, isolation])).toEqual([
      ["basic", "pool"],
      ["standard", "pool"],
      ["premium", "silo"],
    ]);
    expect(sample.catalog.regions).toEqual(["us", "eu"]);
    expect(sample.catalog.requires).toEqual(["attachable", "many_per_app"]);
    expect(sample.catalog.dimensions.every(({ aggregation }) => aggregation === "sum")).toBe(true);
  });

  test("the sample's API key comes first, and no other config var could be taken for one", () => {
    expect(sample.catalog.credentials).toEqual([
      { kind: "api-key", var: "API_KEY" },
      { kind: "url", var: "URL" },
    ]);
    expect(sample.catalog.configVars.filter((name) => /KEY|TOKEN/.test(name))).toEqual(["ACME_SEARCH_API_KEY"]);
  });

  test("the sample's secrets are marked as development values and are no part of the catalog", () => {
    const { password, ssoSalt } = sample.secrets;
    expect([password, ssoSalt].every((secret) => secret.startsWith("development"))).toBe(true);
    expect(JSON.stringify(sample.catalog)).not.toContain("development");
  });

  test("the catalog is frozen all the way down", () => {
    const thawed = (value: unknown): boolean =>
      typeof value === "object" && value !== null && (!Object.isFrozen(value) || Object.values(value).some(thawed));
    const catalog = catalogOf(changed("/catalog/dimensions", undefined));
    expect(Object.isFrozen(catalog)).toBe(true);
    expect(
      Object.keys(catalog).filter((name) => name !== "marketplaces" && thawed(catalog[name as keyof Catalog])),
    ).toEqual([]);
  });

  test("what may be left out is left out", () => {
    const text = [
      "/api/requires",
      "/api/test",
      "/api/config_vars_prefix",
      "/catalog/dimensions",
      "/catalog/marketplaces",
    ].reduce(
      (rest, pointer) => changed(pointer, undefined, rest),
      changed("/catalog/plans", [{ id: "basic", name: "Basic", price: { cents: 0, unit: "month" } }]),
    );
    expect(catalogOf(text)).toMatchObject({ prefix: "ACME_SEARCH", requires: [], dimensions: [], marketplaces: {} });
    expect(catalogOf(text).plans).toEqual([
      { id: "basic", name: "Basic", price: { cents: 0, unit: "month" }, limits: {}, isolation: "pool", codes: {} },
    ]);
  });

  test("unknown members outside `catalog` pass, and the file keeps them", () => {
    const text = changed("/api/future", true, changed("/$base", 7));
    expect(parseManifest(text).file).toEqual(JSON.parse(text));
  });

  test("a url credential may declare its address, with a place for the tenant", () => {
    const value = "https://{tenant}.api.example.com";
    const { credentials } = catalogOf(changed("/catalog/credentials/1/value", value));
    expect(credentials[1]).toEqual({ kind: "url", var: "URL", value });
  });

  test.each<[string, Json | undefined, string?]>([
    ["/id", "Acme Search"],
    ["/id", "acme--search"],
    ["/id", undefined],
    ["/name", "  "],
    ["/api", undefined, "/api /catalog/credentials/0/var /catalog/credentials/1/var"],
    ["/api/version", 3],
    ["/api/version", undefined],
    ["/api/username", "acme"],
    ["/api/password", ""],
    ["/api/sso_salt", undefined],
    ["/api/config_vars", undefined, "/api/config_vars /catalog/credentials/0/var /catalog/credentials/1/var"],
    ["/api/config_vars/1", "ACME_SEARCH_url", "/api/config_vars/1 /catalog/credentials/1/var"],
    ["/api/config_vars/1", "OTHER_URL", "/api/config_vars/1 /catalog/credentials/1/var"],
    ["/api/config_vars/2", "ACME_SEARCH_URL"],
    [
      "/api/config_vars_prefix",
      "acme",
      "/api/config_vars/0 /api/config_vars/1 /api/config_vars_prefix /catalog/credentials/0/var /catalog/credentials/1/var",
    ],
    ["/api/regions", undefined],
    ["/api/regions", []],
    ["/api/regions", ["eu"]],
    ["/api/regions/2", "moon"],
    ["/api/regions/2", "us"],
    ["/api/requires/2", "many-per-app"],
    ["/api/requires/2", "attachable"],
    ["/api/production", "https://addons.example.com"],
    ["/api/production/base_url", "http://addons.example.com/resources"],
    ["/api/production/sso_url", "https://user:pw@addons.example.com/sso"],
    ["/api/production/sso_url", undefined],
    ["/api/test/base_url", "ftp://127.0.0.1/resources"],
    ["/catalog", undefined],
    ["/catalog/tiers", []],
    ["/catalog/plans", []],
    ["/catalog/plans/1/id", "basic"],
    ["/catalog/plans/1/id", "Standard"],
    ["/catalog/plans/1/name", undefined],
    ["/catalog/plans/1/price", 4900],
    ["/catalog/plans/1/price/cents", 49.5],
    ["/catalog/plans/1/price/cents", -1],
    ["/catalog/plans/1/price/unit", "week"],
    ["/catalog/plans/1/limits/requests", "many"],
    ["/catalog/plans/1/limits/requests", -1],
    ["/catalog/plans/1/isolation", "island"],
    ["/catalog/plans/1/isolaton", "pool"],
    ["/catalog/dimensions/1/id", "requests"],
    ["/catalog/dimensions/1/id", "API requests"],
    ["/catalog/dimensions/1/aggregation", "median"],
    ["/catalog/dimensions/1/codes/aws", "requests"],
    ["/catalog/dimensions/1/codes/aws", ""],
    ["/catalog/credentials", undefined],
    ["/catalog/credentials/1/kind", "password"],
    ["/catalog/credentials/1/kind", undefined],
    ["/catalog/credentials/1/kind", "api-key"],
    ["/catalog/credentials/1/var", "API_KEY"],
    ["/catalog/credentials/1/var", "TENANT_ID"],
    ["/catalog/credentials/1/var", "Url"],
    ["/catalog/credentials/0/value", "https://api.example.com"],
    ["/catalog/credentials/1/value", "https://{region}.api.example.com"],
    ["/catalog/credentials/1/value", "api.example.com"],
    ["/catalog/marketplaces/aws", "prod-1"],
    ["/catalog/marketplaces/A~b", {}, "/catalog/marketplaces/A~0b"],
  ])("with %s set to %j the fault is named by its pointer", (pointer, value, expected = pointer) => {
    expect([...new Set(atOf(changed(pointer, value)))].sort()).toEqual(expected.split(" "));
  });

  test.each([[""], ["{"], ["[]"], ["null"], ["7"], ['"id"']])("the text %j is refused at the root", (text) => {
    expect(atOf(text)).toEqual([""]);
  });

  test("prices are in one currency of ISO 4217, in dollars unless they say another", () => {
    const priced = (plan: object, dimension: object) => {
      const file = JSON.parse(readFileSync("addon-manifest.json", "utf8"));
      for (const one of file.catalog.plans) Object.assign(one.price, plan);
      file.catalog.dimensions[0].price = { cents: 1, ...dimension };
      return JSON.stringify(file);
    };
    expect(currencyOf(parseManifest(priced({}, {})).catalog)).toBe("USD");
    expect(currencyOf(parseManifest(priced({ currency: "EUR" }, { currency: "EUR" })).catalog)).toBe("EUR");
    const at = "/catalog/dimensions/0/price/currency";
    expect(
      faultsOf(() => parseManifest(priced({}, { currency: "usd" }))).find((one) => one.at === at)?.message,
    ).toContain("ISO 4217");
    expect(faultsOf(() => parseManifest(priced({ currency: "EUR" }, {})))).toEqual([
      { at, message: expect.stringContaining("must be EUR") },
    ]);
  });

  test("faults of format and faults between two parts are listed at once", () => {
    const faults: readonly [string, Json][] = [
      ["/api/version", "2"],
      ["/api/regions", ["eu"]],
      ["/api/production/base_url", "http://addons.example.com"],
      ["/catalog/plans/2/id", "basic"],
      ["/catalog/plans/0/price/cents", "free"],
      ["/catalog/credentials/1/var", "ENDPOINT"],
      ["/catalog/dimensions/0/unit", ""],
    ];
    fc.assert(
      fc.property(fc.subarray([...faults], { minLength: 1 }), (chosen) => {
        const text = chosen.reduce((rest, [pointer, value]) => changed(pointer, value, rest), sampleText);
        expect(atOf(text).sort()).toEqual(chosen.map(([pointer]) => pointer).sort());
      }),
    );
  });

  test("no secret of the file appears in a fault", () => {
    const text = changed("/api/password", ["canary"], changed("/api/sso_salt", { canary: "canary" }));
    const faults = faultsOf(() => parseManifest(text));
    expect(faults.map(({ at }) => at).sort()).toEqual(["/api/password", "/api/sso_salt"]);
    expect(JSON.stringify(faults)).not.toContain("canary");
  });

  test("any JSON whatever is refused with faults and nothing else", () => {
    fc.assert(fc.property(fc.json(), (text) => expect(atOf(text).length).toBeGreaterThan(0)));
  });
});

describe("Catalog", () => {
  const { catalog } = parseManifest(sampleText);

  test("a plan is found by its id, and only by the whole of it", () => {
    expect(findPlan(catalog, "standard")?.price.cents).toBe(4900);
    expect(["", "standar", "Standard", "toString", "__proto__"].map((id) => findPlan(catalog, id))).toEqual(
      Array(5).fill(undefined),
    );
  });

  test("a region is served when it is declared or all are", () => {
    expect(["us", "eu", "tokyo"].map((region) => servesRegion(catalog, region))).toEqual([true, true, false]);
    expect(servesRegion(catalogOf(changed("/api/regions", ["*"])), "tokyo")).toBe(true);
  });

  test("config vars carry the prefix, and undeclared ones are told apart", () => {
    expect(configVarName(catalog, "API_KEY")).toBe("ACME_SEARCH_API_KEY");
    expect(undeclaredConfigVars(catalog, ["ACME_SEARCH_URL", "URL", "ACME_SEARCH_X"])).toEqual([
      "URL",
      "ACME_SEARCH_X",
    ]);
  });

  test("a marketplace reads its own section, and an absent one as empty", () => {
    const schema = z.object({ events: z.array(z.string()).default([]) });
    const withEvents = catalogOf(changed("/catalog/marketplaces/bazaar", { events: ["sold"] }));
    expect(marketplaceSection(withEvents, "bazaar", schema)).toEqual({ events: ["sold"] });
    expect(marketplaceSection(catalog, "bazaar", schema)).toEqual({ events: [] });
  });

  test("a fault in a marketplace's section is named by its pointer in the file", () => {
    const broken = catalogOf(changed("/catalog/marketplaces/bazaar", { events: ["sold", 7], stall: 1 }));
    const faults = faultsOf(() =>
      marketplaceSection(broken, "bazaar", z.strictObject({ events: z.array(z.string()) })),
    );
    expect(faults).toEqual([
      { at: "/catalog/marketplaces/bazaar/events/1", message: "must be of type string" },
      { at: "/catalog/marketplaces/bazaar/stall", message: "is not a known member" },
    ]);
  });
});

describe("the manifest before a push", () => {
  const { file } = parseManifest(sampleText);

  test("it is the file without our own part", () => {
    expect(Object.keys(withoutCatalog(file))).toEqual(["id", "name", "api"]);
    expect(Object.keys(file)).toContain("catalog");
  });

  test("an unchanged manifest gives no warning, with or without our own part", () => {
    expect(neverChangeable(file, file)).toEqual([]);
    expect(neverChangeable(withoutCatalog(file), { ...withoutCatalog(file), $base: 3 })).toEqual([]);
  });

  test.each<[string, Json, RegExp]>([
    ["/id", "acme-find", /`acme-search` can never change/],
    ["/api/config_vars_prefix", "ACME", /`ACME_SEARCH` is in every customer's app/],
    ["/api/config_vars", ["ACME_SEARCH_API_KEY"], /`ACME_SEARCH_URL`/],
    ["/catalog/plans/0/id", "starter", /`basic` can never change its slug/],
  ])("a change of %s to %j is warned of", (pointer, value, warning) => {
    expect(neverChangeable(JSON.parse(changed(pointer, value)), file)).toEqual([expect.stringMatching(warning)]);
  });
});

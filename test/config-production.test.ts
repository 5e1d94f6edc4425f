import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { developmentSecrets } from "../src/config/development-secrets.ts";
import { readSettings, settingsTable } from "../src/config.ts";
import { atOf, type Env, errorOf, faultsOf, key, newFolder, production, removeFolders } from "./support/settings.ts";

afterAll(removeFolders);

describe("readSettings in production", () => {
  test("the required settings are enough", () => {
    const settings = readSettings({ ...production, CLOCK_URL: "" });
    expect(settings).toMatchObject({
      production: true,
      environment: "production",
      host: "0.0.0.0",
      publicUrl: "https://addons.example.com",
      simulatorPort: undefined,
      demoData: false,
      operatorToken: production["OPERATOR_TOKEN"],
    });
    expect(settings.heroku).toMatchObject({
      apiUrl: "https://api.heroku.com",
      idUrl: "https://id.heroku.com",
      passwords: [production["HEROKU_PASSWORD"]],
    });
  });

  test("nothing set names every required setting at once, each once", () => {
    const required = settingsTable().filter((row) => row.required);
    expect(atOf(faultsOf({ NODE_ENV: "production" })).sort()).toEqual(required.map((row) => row.name).sort());
    expect(required.map((row) => row.name).sort()).toEqual(
      Object.keys(production)
        .filter((name) => !["NODE_ENV", "OPERATOR_TOKEN"].includes(name))
        .sort(),
    );
  });

  test("no secret is made up: nothing is written to DATA_DIR", () => {
    const folder = join(newFolder(), "data");
    readSettings({ ...production, DATA_DIR: folder });
    expect(existsSync(folder)).toBe(false);
  });

  test.each([
    ["PUBLIC_URL", "http://addons.example.com"],
    ["CLOCK_URL", "https://clock.example.com"],
    ["HEROKU_API_URL", "http://api.example.com"],
    ["HEROKU_ID_URL", "http://id.example.com"],
    ["HEROKU_ADDONS_URL", "http://addons.example.com"],
    ["HEROKU_PASSWORD", "short"],
    ["HEROKU_PASSWORD", "0123456789abcdef0123456789abcdef,short"],
    ["HEROKU_PASSWORD", "development-password-of-the-sample-manifest"],
    ["HEROKU_SSO_SALT", "0123456789abcdef,development-salt-of-the-sample-manifest"],
    ["HEROKU_CLIENT_SECRET", "short"],
    ["PRODUCT_SECRET", "development-0123456789-0123456789"],
    ["OPERATOR_TOKEN", "letmein"],
    ["METRICS_TOKEN", "metrics"],
    ["AWS_EVENTS_SECRET", "events"],
    ["EVENTS_ALLOW_PRIVATE", "true"],
    ["SECRET_KEYS", key("development")],
    ["SECRET_KEYS", `${key("k1")},${key("development")}`],
  ])("%s=%j is unsafe and refused by name", (name, value) => {
    expect(atOf(faultsOf({ ...production, [name]: value }))).toEqual([name]);
  });

  test("the committed manifest's password and salt, and secrets made for development, are refused", () => {
    const { api } = JSON.parse(readFileSync(new URL("../addon-manifest.json", import.meta.url), "utf8"));
    const made = developmentSecrets(newFolder());
    const env = { ...production, ...made, HEROKU_PASSWORD: api.password, HEROKU_SSO_SALT: api.sso_salt };
    expect(atOf(faultsOf(env)).sort()).toEqual([
      "HEROKU_CLIENT_SECRET",
      "HEROKU_PASSWORD",
      "HEROKU_SSO_SALT",
      "OPERATOR_TOKEN",
      "PRODUCT_SECRET",
      "SECRET_KEYS",
    ]);
  });

  test("a port given by the host may be the one of the simulator, which does not run", () => {
    expect(readSettings({ ...production, PORT: "5055" }).port).toBe(5055);
  });

  test("a marketplace on loopback may be spoken to without TLS", () => {
    const settings = readSettings({ ...production, HEROKU_API_URL: "http://127.0.0.1:5055" });
    expect(settings.heroku.idUrl).toBe("http://127.0.0.1:5055");
    expect(readSettings({ ...production, PUBLIC_URL: "http://localhost:3000" }).production).toBe(true);
  });

  test("any set of faults is listed at once", () => {
    const bad: Env = {
      PORT: "x",
      PUBLIC_URL: "http://addons.example.com",
      TRUST_PROXY: "true",
      DATABASE_URL: "",
      SECRET_KEYS: "nonsense",
      HEROKU_PASSWORD: "a,b,c,d-long-enough-by-far",
      PRODUCT_URL: "nowhere",
      OPERATOR_TOKEN: "short",
      CLOCK_URL: "https://clock.example.com",
      STALLHOLDER_ENV: "Ü",
      LOG_LEVEL: "loud",
      AWS_REGION: "moon",
    };
    fc.assert(
      fc.property(fc.subarray(Object.keys(bad), { minLength: 1 }), (names) => {
        const chosen = Object.fromEntries(names.map((name) => [name, bad[name] ?? ""]));
        const found = new Set(atOf(faultsOf({ ...production, ...chosen })));
        expect([...found].sort()).toEqual([...names].sort());
      }),
      { numRuns: 200 },
    );
  });

  test("no value of any setting appears in what is thrown", () => {
    const names = settingsTable()
      .map((row) => row.name)
      .filter((name) => name !== "NODE_ENV" && name !== "DATA_DIR");
    const canary = fc.string({ minLength: 5, maxLength: 20 }).map((text) => `Canary ${text} äöü`);
    fc.assert(
      fc.property(fc.subarray(names, { minLength: 1 }), canary, (chosen, value) => {
        const error = errorOf(() =>
          readSettings({
            ...production,
            LOG_LEVEL: "loud",
            ...Object.fromEntries(chosen.map((name) => [name, value])),
          }),
        );
        const shown = JSON.stringify([error.message, error.faults, error.stack, String(error.cause)]);
        expect(shown).not.toContain("Canary");
      }),
      { numRuns: 100 },
    );
  });
});

import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { readSettings, settingsTable } from "../src/config.ts";
import { atOf, development, faultsOf, key, newFolder, removeFolders } from "./support/settings.ts";

afterAll(removeFolders);

describe("readSettings in development", () => {
  test("nothing set gives a complete development mode on loopback", () => {
    const folder = newFolder();
    const settings = readSettings({ DATA_DIR: folder });
    expect(settings).toMatchObject({
      production: false,
      environment: "development",
      host: "127.0.0.1",
      port: 3000,
      publicUrl: "http://127.0.0.1:3000",
      trustProxy: 0,
      dataDir: folder,
      databaseUrl: undefined,
      simulatorPort: 5055,
      demoData: true,
      logLevel: "info",
    });
    expect(settings.heroku).toMatchObject({
      passwords: [],
      ssoSalts: [],
      apiUrl: "http://127.0.0.1:5055",
      idUrl: "http://127.0.0.1:5055",
      addonsUrl: "http://127.0.0.1:5055",
    });
  });

  test("DATA_DIR is .data in the working directory unless set", () => {
    const secrets = { SECRET_KEYS: key("a"), HEROKU_CLIENT_SECRET: "c", OPERATOR_TOKEN: "o" };
    const settings = readSettings({ ...secrets, PRODUCT_SECRET: "p".repeat(24) });
    expect(settings.dataDir).toBe(join(process.cwd(), ".data"));
  });

  test("the settings are frozen all the way down", () => {
    const settings = development({ HEROKU_PASSWORD: "one,two", TRUST_PROXY: "loopback" });
    const parts = [settings, settings.heroku, settings.heroku.passwords, settings.product, settings.aws];
    expect([...parts, settings.aws.snsTopicArns, settings.trustProxy].every(Object.isFrozen)).toBe(true);
  });

  test("an empty variable counts as absent", () => {
    const settings = development({ PORT: "", HEROKU_API_URL: "", METRICS_TOKEN: "" });
    expect(settings).toMatchObject({ port: 3000, metricsToken: undefined, demoData: true });
  });

  test.each([["AWS_ENDPOINT_URL_MARKETPLACE_METERING"], ["AWS_ENDPOINT_URL_S3"], ["HEROKU_API_URL"]])(
    "demo data is off when %s is set",
    (name) => {
      expect(development({ [name]: "http://127.0.0.1:9" }).demoData).toBe(false);
    },
  );

  test("whoever plays the Platform API elsewhere plays the token endpoint and the manifest API too", () => {
    const { heroku } = development({ HEROKU_API_URL: "http://127.0.0.1:9/" });
    expect(heroku).toMatchObject({
      apiUrl: "http://127.0.0.1:9",
      idUrl: "http://127.0.0.1:9",
      addonsUrl: "http://127.0.0.1:9",
    });
  });

  test("Heroku's own API goes with Heroku's own token endpoint", () => {
    const { heroku } = development({ HEROKU_API_URL: "https://api.heroku.com" });
    expect(heroku).toMatchObject({ idUrl: "https://id.heroku.com", addonsUrl: "https://addons.heroku.com" });
  });

  test("two passwords stand for a rotation, with colons and letters beyond ASCII", () => {
    const { heroku } = development({ HEROKU_PASSWORD: "a:bc,sécret", HEROKU_SSO_SALT: "only" });
    expect(heroku).toMatchObject({ passwords: ["a:bc", "sécret"], ssoSalts: ["only"] });
  });

  test.each([
    ["2", 2],
    ["loopback", ["loopback"]],
    ["10.0.0.0/8,2001:db8::/32,192.0.2.7", ["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]],
  ])("TRUST_PROXY=%s is read as %p", (text, expected) => {
    expect(development({ TRUST_PROXY: text }).trustProxy).toEqual(expected);
  });

  test.each([
    ["0.0.0.0", "http://127.0.0.1:8080"],
    ["::1", "http://[::1]:8080"],
    ["192.0.2.7", "http://192.0.2.7:8080"],
  ])("on HOST=%s the public origin is %s", (host, expected) => {
    expect(development({ HOST: host, PORT: "8080" }).publicUrl).toBe(expected);
  });

  test("AWS settings are parsed and all of them optional", () => {
    const arns = "arn:aws:sns:us-east-1:287250355862:topic-a,arn:aws:sns:us-east-1:287250355862:topic-b";
    const { aws } = development({ AWS_REGION: "us-east-1", AWS_SNS_TOPIC_ARNS: arns });
    expect(aws).toEqual({
      region: "us-east-1",
      snsTopicArns: arns.split(","),
      eventsSecret: undefined,
      eventsQueueUrl: undefined,
      sellerRoleArn: undefined,
      sellerExternalId: undefined,
      usageReporting: "live",
      simulated: undefined,
      snsEndpoint: undefined,
    });
  });

  test.each([
    ["PORT", "65536"],
    ["PORT", "http"],
    ["PORT", "-1"],
    ["PORT", "30 "],
    ["SIMULATOR_PORT", "3000"],
    ["HOST", "http://localhost"],
    ["PUBLIC_URL", "addons.example.com"],
    ["PUBLIC_URL", "https://addons.example.com/path"],
    ["PUBLIC_URL", "https://user@addons.example.com"],
    ["PUBLIC_URL", "https://addons.example.com/?"],
    ["PUBLIC_URL", "ftp://addons.example.com"],
    ["TRUST_PROXY", "true"],
    ["TRUST_PROXY", "10"],
    ["TRUST_PROXY", "10.0.0.0/33"],
    ["TRUST_PROXY", "10.0.0.0/8/8"],
    ["TRUST_PROXY", "loopback,proxy.example.com"],
    ["DATABASE_URL", "mysql://db"],
    ["DATABASE_URL", "not an address"],
    ["MIGRATION_DATABASE_URL", "http://db"],
    ["TENANT_DATABASE_URL", "db"],
    ["SECRET_KEYS", "k1"],
    ["SECRET_KEYS", `k1:${randomBytes(31).toString("base64")}`],
    ["SECRET_KEYS", `k1:${randomBytes(33).toString("base64")}`],
    ["SECRET_KEYS", `${key("k1")},${key("k1")}`],
    ["SECRET_KEYS", `${key("k1")},`],
    ["SECRET_KEYS", `${key("a.b")}`],
    ["HEROKU_PASSWORD", "one,two,three"],
    ["HEROKU_PASSWORD", "one,"],
    ["HEROKU_PASSWORD", "one, two"],
    ["HEROKU_PASSWORD", "one,one"],
    ["HEROKU_SSO_SALT", "a,b,c"],
    ["HEROKU_CLIENT_SECRET", "secret\n"],
    ["HEROKU_API_URL", "https://api.heroku.com/v3"],
    ["HEROKU_ID_URL", "id.heroku.com"],
    ["HEROKU_ADDONS_URL", "https://addons.heroku.com#x"],
    ["PRODUCT_URL", "https://user:pw@product.example.com"],
    ["PRODUCT_URL", "product.example.com"],
    ["PRODUCT_SECRET", "only-twenty-three-chars"],
    ["STALLHOLDER_ENV", "Production"],
    ["STALLHOLDER_ENV", "eu-west"],
    ["LOG_LEVEL", "loud"],
    ["CLOCK_URL", "tomorrow"],
    ["AWS_REGION", "Virginia"],
    ["AWS_SNS_TOPIC_ARNS", "arn:aws:sqs:us-east-1:287250355862:queue"],
    ["AWS_EVENTS_QUEUE_URL", "queue"],
    ["AWS_SELLER_ROLE_ARN", "role/seller"],
    ["AWS_USAGE_REPORTING", "maybe"],
    ["AWS_SELLER_EXTERNAL_ID", "x"],
  ])("%s=%j is refused by name and nothing is written", (name, value) => {
    const folder = newFolder();
    expect(atOf(faultsOf({ DATA_DIR: folder, [name]: value }))).toEqual([name]);
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe("the address of a database", () => {
  test.each(["DATABASE_URL", "MIGRATION_DATABASE_URL", "TENANT_DATABASE_URL"])(
    "in %s names a role that PostgreSQL does not cut, or is refused with its length",
    (name) => {
      const folder = newFolder();
      const url = (role: string) => `postgres://${encodeURIComponent(role)}:word@db.example.com/tenants`;
      expect(faultsOf({ DATA_DIR: folder, [name]: url(`${"ä".repeat(32)}`) })).toEqual([
        { at: name, message: "names a role of 64 bytes, and PostgreSQL cuts names at 63 bytes" },
      ]);
      expect(() => readSettings({ DATA_DIR: folder, [name]: url(`${"ä".repeat(31)}x`) })).not.toThrow();
    },
  );
});

describe("settingsTable", () => {
  test("the deploy button asks for every required setting, and for nothing unknown", () => {
    const { env } = JSON.parse(readFileSync(new URL("../app.json", import.meta.url), "utf8"));
    const known = settingsTable().map(({ name }) => name);
    const required = settingsTable().filter((row) => row.required);
    expect(Object.keys(env).filter((name) => !known.includes(name))).toEqual(["PGSSLMODE"]);
    expect(required.map(({ name }) => name).filter((name) => !(name in env))).toEqual(["DATABASE_URL"]);
  });

  test("every row says what the setting means and what an absent one is", () => {
    expect(settingsTable().filter(({ meaning, fallback }) => meaning === "" || fallback.includes("undefined"))).toEqual(
      [],
    );
    expect(settingsTable().find(({ name }) => name === "HOST")).toEqual({
      name: "HOST",
      required: false,
      fallback: "`127.0.0.1`; `0.0.0.0` in production",
      meaning: "Address to listen on.",
    });
  });
});

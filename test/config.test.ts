import { randomBytes } from "node:crypto";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { developmentSecrets, storeOnce } from "../src/config/development-secrets.ts";
import { readSettings, type Settings, settingsTable } from "../src/config.ts";
import { type Fault, ProviderError } from "../src/errors.ts";

type Env = Record<string, string>;

const key = (id: string): string => `${id}:${randomBytes(32).toString("base64")}`;

const production: Env = {
  NODE_ENV: "production",
  DATABASE_URL: "postgres://app:pw@db.example.com:5432/addons",
  PUBLIC_URL: "https://addons.example.com",
  SECRET_KEYS: key("k1"),
  HEROKU_PASSWORD: "0123456789abcdef0123456789abcdef",
  HEROKU_SSO_SALT: "fedcba9876543210fedcba9876543210",
  HEROKU_CLIENT_SECRET: "5b0e6a5c-3b1a-4c1e-9a39-0f6f0a2f9d11",
  PRODUCT_SECRET: "product-secret-of-at-least-24",
  OPERATOR_TOKEN: "operator-token-of-this-test",
};

const folders: string[] = [];

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "stallholder config "));
  folders.push(folder);
  return folder;
}

afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function errorOf(act: () => unknown): ProviderError {
  try {
    act();
  } catch (error) {
    if (error instanceof ProviderError) return error;
    throw error;
  }
  throw new Error("nothing was thrown");
}

function faultsOf(env: Env): readonly Fault[] {
  const error = errorOf(() => readSettings(env));
  expect(error.code).toBe("config_invalid");
  return error.faults;
}

const development = (env: Env = {}): Settings => readSettings({ DATA_DIR: newFolder(), ...env });

const atOf = (faults: readonly Fault[]): string[] => faults.map(({ at }) => at);

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

describe("developmentSecrets", () => {
  test("secrets are made once, readable by the owner alone, and stay the same", () => {
    const folder = join(newFolder(), "deep", "er");
    const first = developmentSecrets(folder);
    expect(developmentSecrets(folder)).toEqual(first);
    expect(readdirSync(folder)).toEqual(["secrets.json"]);
    expect(statSync(join(folder, "secrets.json")).mode & 0o777).toBe(0o600);
    expect(new Set(Object.values(first)).size).toBe(4);
    expect(developmentSecrets(newFolder()).OPERATOR_TOKEN).not.toBe(first.OPERATOR_TOKEN);
  });

  test("of two processes that both found nothing, the later one takes what the first one stored", () => {
    const folder = newFolder();
    const path = join(folder, "secrets.json");
    expect([storeOnce(path, "first"), storeOnce(path, "second")]).toEqual(["first", "first"]);
    expect(readdirSync(folder)).toEqual(["secrets.json"]);
  });

  test("settings hold the made secrets, and a variable that is set wins over them", () => {
    const folder = newFolder();
    const made = developmentSecrets(folder);
    const settings = readSettings({ DATA_DIR: folder, OPERATOR_TOKEN: "mine" });
    expect(settings).toMatchObject({ operatorToken: "mine", secretKeys: made.SECRET_KEYS });
    expect(settings).toMatchObject({
      product: { secret: made.PRODUCT_SECRET },
      heroku: { clientSecret: made.HEROKU_CLIENT_SECRET },
    });
  });

  test.each([["not json"], ["{}"], ['{"SECRET_KEYS": "x", "HEROKU_CLIENT_SECRET": "y"}']])(
    "a damaged file %j is a fault of DATA_DIR and is left alone",
    (text) => {
      const folder = newFolder();
      writeFileSync(join(folder, "secrets.json"), text);
      const error = errorOf(() => developmentSecrets(folder));
      expect([error.code, ...atOf(error.faults)]).toEqual(["config_invalid", "DATA_DIR"]);
      expect(readFileSync(join(folder, "secrets.json"), "utf8")).toBe(text);
    },
  );

  test("a DATA_DIR that cannot be a folder is a fault of DATA_DIR", () => {
    const file = join(newFolder(), "file");
    writeFileSync(file, "");
    chmodSync(file, 0o600);
    expect(atOf(faultsOf({ DATA_DIR: file }))).toEqual(["DATA_DIR"]);
  });
});

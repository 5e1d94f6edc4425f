import { type DevelopmentSecrets, developmentSecrets } from "./config/development-secrets.ts";
import { type GivenSettings, productionFaults } from "./config/production-rules.ts";
import { fallbackOf, type SettingValues, settingList, settingSchema } from "./config/setting-list.ts";
import {
  type OidcSettings,
  oidcSettings,
  type SamlSettings,
  samlSettings,
  signInFaults,
} from "./config/sign-in-settings.ts";
import { type Fault, ProviderError } from "./errors.ts";

/** What the environment says, read once at the start and passed down. Addresses are origins without a trailing slash. */
export interface Settings {
  readonly production: boolean;
  /** `STALLHOLDER_ENV`: part of every name made for tenants. */
  readonly environment: string;
  readonly host: string;
  readonly port: number;
  /** How many processes of `serve` share the port. */
  readonly webProcesses: number;
  readonly publicUrl: string;
  /** As Express takes it: how many proxies, or which. 0 trusts none. */
  readonly trustProxy: number | readonly string[];
  /** An absolute path. */
  readonly dataDir: string;
  /** Absent only in development: the embedded server under `dataDir`. */
  readonly databaseUrl: string | undefined;
  readonly migrationDatabaseUrl: string | undefined;
  readonly tenantDatabaseUrl: string | undefined;
  readonly tenantDatabaseAddress: string | undefined;
  /** Checked text of the key ring, `id:base64,…`. */
  readonly secretKeys: string;
  readonly heroku: HerokuSettings;
  /** Events may go to this machine and to private networks. */
  readonly eventsAllowPrivate: boolean;
  readonly product: { readonly url: string | undefined; readonly secret: string };
  readonly operatorToken: string | undefined;
  /** By whom operators are told apart, beside the token. */
  readonly console: { readonly oidc: OidcSettings | undefined; readonly saml: SamlSettings | undefined };
  readonly metricsToken: string | undefined;
  readonly logLevel: SettingValues["LOG_LEVEL"];
  readonly clockUrl: string | undefined;
  /** Absent in production, where no simulator runs. */
  readonly simulatorPort: number | undefined;
  readonly demoData: boolean;
  readonly aws: AwsSettings;
}

interface HerokuSettings {
  /** One, or two during a rotation; none (development only) means the manifest's own. */
  readonly passwords: readonly string[];
  readonly ssoSalts: readonly string[];
  readonly clientSecret: string;
  readonly apiUrl: string;
  readonly idUrl: string;
  readonly addonsUrl: string;
  readonly apiKey: string | undefined;
}

interface AwsSettings {
  readonly region: string | undefined;
  readonly snsTopicArns: readonly string[];
  readonly eventsSecret: string | undefined;
  readonly eventsQueueUrl: string | undefined;
  readonly sellerRoleArn: string | undefined;
  readonly sellerExternalId: string | undefined;
  /** What `POST /v1/aws/credentials` assumes. */
  readonly tenantRoleArn: string | undefined;
  readonly connectTemplateUrl: string | undefined;
  readonly usageReporting: "live" | "shadow" | "dry";
  /** What plays AWS in development; undefined = AWS is reached by the SDK's own rules. */
  readonly simulated: SimulatedAws | undefined;
  /** Outside production: where SNS is really reached. */
  readonly snsEndpoint: string | undefined;
}

export interface SimulatedAws {
  readonly endpoint: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
}

const HEROKU_API_URL = "https://api.heroku.com";
const HEROKU_ID_URL = "https://id.heroku.com";
const HEROKU_ADDONS_URL = "https://addons.heroku.com";

/**
 * Reads the environment into frozen settings. An empty variable counts as absent. Outside production, secrets that are
 * absent are made once and kept in `DATA_DIR`. Throws `config_invalid` with every fault at once; no message holds a value.
 */
export function readSettings(env: NodeJS.ProcessEnv = process.env): Settings {
  const production = env["NODE_ENV"] === "production";
  const given = withFallbacks(env, production);
  const faults = [
    ...formatFaults(given),
    ...signInFaults(given),
    ...(production ? productionFaults(given) : portFaults(given)),
  ];
  if (faults.length > 0) throw new ProviderError("config_invalid", "The settings are not usable.", { faults });
  const values = settingSchema.parse(production ? given : withDevelopmentSecrets(given));
  return assemble(values, production, !(production || speaksToOthers(env)));
}

/** Where the manifest lies, when it is not the project's own: needed also where other settings are wrong. */
export function manifestFile(env: NodeJS.ProcessEnv = process.env): string | undefined {
  return env["MANIFEST_FILE"] || undefined;
}

/** Names of the settings that are given, without what they hold. */
export function settingsSet(env: NodeJS.ProcessEnv = process.env): readonly string[] {
  return settingList.map(({ name }) => name).filter((name) => env[name]);
}

/** One row of the table of settings in the README. */
export interface SettingRow {
  readonly name: string;
  readonly required: boolean;
  readonly fallback: string;
  readonly meaning: string;
}

/** Every setting in the order of the README, with what an absent one means. */
export function settingsTable(): readonly SettingRow[] {
  return settingList.map((setting) => {
    const [development, production] = [fallbackOf(setting, false), fallbackOf(setting, true)];
    const both =
      development === production ? `\`${development}\`` : `\`${development}\`; \`${production}\` in production`;
    return {
      name: setting.name,
      required: setting.production === "required",
      fallback: setting.otherwise ?? both,
      meaning: setting.meaning,
    };
  });
}

function withFallbacks(env: NodeJS.ProcessEnv, production: boolean): GivenSettings {
  const texts = settingList.map((setting) => [setting.name, env[setting.name] || fallbackOf(setting, production)]);
  return Object.fromEntries(texts.filter(([, text]) => text !== undefined));
}

const SECRET_NAMES: readonly (keyof DevelopmentSecrets)[] = [
  "SECRET_KEYS",
  "HEROKU_CLIENT_SECRET",
  "PRODUCT_SECRET",
  "OPERATOR_TOKEN",
];

function withDevelopmentSecrets(given: GivenSettings): GivenSettings {
  if (SECRET_NAMES.every((name) => name in given)) return given;
  return { ...developmentSecrets(given.DATA_DIR ?? "."), ...given };
}

/** What is given in a wrong format; what is missing is not this function's matter. */
function formatFaults(given: GivenSettings): Fault[] {
  const { error } = settingSchema.safeParse(given);
  const faults = error?.issues.map(({ path, message }) => ({ at: String(path[0]), message })) ?? [];
  return faults.filter((fault) => fault.at in given);
}

function portFaults({ PORT, SIMULATOR_PORT }: GivenSettings): Fault[] {
  if (PORT !== SIMULATOR_PORT || PORT === "0") return [];
  return [{ at: "SIMULATOR_PORT", message: "must differ from PORT" }];
}

/** Demo data would be bought at the simulator; with other marketplaces set there is nobody to buy it. */
const speaksToOthers = (env: NodeJS.ProcessEnv): boolean =>
  Object.keys(env).some(
    (name) => (name.startsWith("AWS_ENDPOINT_URL") || name === "HEROKU_API_URL") && env[name] !== "",
  );

function assemble(values: SettingValues, production: boolean, demoData: boolean): Settings {
  return Object.freeze({
    production,
    environment: values.STALLHOLDER_ENV,
    host: values.HOST,
    port: values.PORT,
    webProcesses: production ? values.WEB_CONCURRENCY : 1,
    publicUrl: values.PUBLIC_URL ?? localOrigin(values.HOST, values.PORT),
    trustProxy: values.TRUST_PROXY,
    dataDir: values.DATA_DIR,
    databaseUrl: values.DATABASE_URL,
    migrationDatabaseUrl: values.MIGRATION_DATABASE_URL,
    tenantDatabaseUrl: values.TENANT_DATABASE_URL,
    tenantDatabaseAddress: values.TENANT_DATABASE_ADDRESS,
    secretKeys: values.SECRET_KEYS,
    heroku: herokuSettings(values, production),
    eventsAllowPrivate: values.EVENTS_ALLOW_PRIVATE,
    product: Object.freeze({ url: values.PRODUCT_URL, secret: values.PRODUCT_SECRET }),
    operatorToken: values.OPERATOR_TOKEN,
    console: Object.freeze({ oidc: oidcSettings(values), saml: samlSettings(values) }),
    metricsToken: values.METRICS_TOKEN,
    logLevel: values.LOG_LEVEL,
    clockUrl: values.CLOCK_URL,
    simulatorPort: production ? undefined : values.SIMULATOR_PORT,
    demoData,
    aws: awsSettings(values, production),
  });
}

/** Whatever plays the Platform API outside Heroku plays the token endpoint and the manifest API at the same origin. */
function herokuSettings(values: SettingValues, production: boolean): HerokuSettings {
  const apiUrl =
    values.HEROKU_API_URL ?? (production ? HEROKU_API_URL : localOrigin("127.0.0.1", values.SIMULATOR_PORT));
  const real = apiUrl === HEROKU_API_URL;
  return Object.freeze({
    passwords: values.HEROKU_PASSWORD ?? Object.freeze([]),
    ssoSalts: values.HEROKU_SSO_SALT ?? Object.freeze([]),
    clientSecret: values.HEROKU_CLIENT_SECRET,
    apiUrl,
    idUrl: values.HEROKU_ID_URL ?? (real ? HEROKU_ID_URL : apiUrl),
    addonsUrl: values.HEROKU_ADDONS_URL ?? (real ? HEROKU_ADDONS_URL : apiUrl),
    apiKey: values.HEROKU_API_KEY,
  });
}

const awsSettings = (values: SettingValues, production: boolean): AwsSettings =>
  Object.freeze({
    region: values.AWS_REGION,
    snsTopicArns: values.AWS_SNS_TOPIC_ARNS ?? Object.freeze([]),
    eventsSecret: values.AWS_EVENTS_SECRET,
    eventsQueueUrl: values.AWS_EVENTS_QUEUE_URL,
    sellerRoleArn: values.AWS_SELLER_ROLE_ARN,
    sellerExternalId: values.AWS_SELLER_EXTERNAL_ID,
    tenantRoleArn: values.AWS_TENANT_ROLE_ARN,
    connectTemplateUrl: values.AWS_CONNECT_TEMPLATE_URL,
    usageReporting: values.AWS_USAGE_REPORTING,
    simulated: undefined,
    snsEndpoint: production ? undefined : (values.AWS_ENDPOINT_URL_SNS ?? values.AWS_ENDPOINT_URL),
  });

function localOrigin(host: string, port: number): string {
  const everywhere = host === "0.0.0.0" || host === "::";
  const name = everywhere ? "127.0.0.1" : host;
  return `http://${name.includes(":") ? `[${name}]` : name}:${port}`;
}

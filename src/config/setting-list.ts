import { resolve } from "node:path";
import { z } from "zod";
import {
  awsRegion,
  certificates,
  databaseUrl,
  entryPointUrl,
  environmentName,
  host,
  hostAndPort,
  httpUrl,
  issuerUrl,
  keyRing,
  logLevel,
  origin,
  port,
  processes,
  proxies,
  roleArn,
  secret,
  secretPair,
  templateUrl,
  topicArns,
} from "./formats.ts";

export interface SettingFacts {
  readonly meaning: string;
  /** What an absent setting is read as; where the two modes differ, by mode. */
  readonly fallback?: string | { readonly development?: string; readonly production?: string };
  /** For the table: what happens instead when there is no fixed fallback. */
  readonly otherwise?: string;
  /** `required` and `refused` speak of production; outside it every setting may be absent. */
  readonly production?: "required" | "refused";
  readonly secret?: true;
}

const facts = z.registry<SettingFacts>();

/** One entry per setting: its format, and beside it what the table in the README says. */
export const settingSchema = z.object({
  NODE_ENV: z.string().optional().register(facts, {
    meaning: "`production` makes every safety rule count; anything else is development mode.",
    otherwise: "development mode",
  }),
  STALLHOLDER_ENV: environmentName().register(facts, {
    meaning: "Name of this deployment; part of every name made for tenants, so that several live side by side.",
    fallback: { development: "development", production: "production" },
  }),
  HOST: host().register(facts, {
    meaning: "Address to listen on.",
    fallback: { development: "127.0.0.1", production: "0.0.0.0" },
  }),
  PORT: port().register(facts, { meaning: "Port to listen on; 0 lets the system choose.", fallback: "3000" }),
  WEB_CONCURRENCY: processes().register(facts, {
    meaning:
      "How many processes of `serve` share the port in production, each with up to 12 connections of its own to the database. Heroku sets it by the dyno's memory; one for each processor is enough.",
    fallback: "1",
  }),
  PUBLIC_URL: origin().optional().register(facts, {
    meaning: "Origin under which marketplaces and customers reach this service; https in production.",
    otherwise: "`http://127.0.0.1:PORT`",
    production: "required",
  }),
  TRUST_PROXY: proxies().register(facts, {
    meaning: "Whose `X-Forwarded-For` counts: a number of proxies, or addresses, networks, `loopback`.",
    fallback: "0",
  }),
  DATA_DIR: z
    .string()
    .transform((path) => resolve(path))
    .register(facts, {
      meaning: "Folder of the embedded PostgreSQL and of the secrets made for development.",
      fallback: ".data",
    }),
  DATABASE_URL: databaseUrl().optional().register(facts, {
    meaning: "PostgreSQL 15.14 or later.",
    otherwise: "an embedded server under `DATA_DIR`",
    production: "required",
    secret: true,
  }),
  MIGRATION_DATABASE_URL: databaseUrl().optional().register(facts, {
    meaning: "The same database as its owner, for `migrate`, where `DATABASE_URL` logs in as the serving role.",
    otherwise: "`DATABASE_URL`",
    secret: true,
  }),
  TENANT_DATABASE_URL: databaseUrl().optional().register(facts, {
    meaning:
      "Database that tenants share, as a role that makes roles and databases on its server; see docs/isolation.md.",
    otherwise: "a database `tenants` of the embedded server; none in production",
    secret: true,
  }),
  TENANT_DATABASE_ADDRESS: hostAndPort().optional().register(facts, {
    meaning: "`host:port` at which customers reach that server, where it is another one for them (a pooler).",
    otherwise: "the one of `TENANT_DATABASE_URL`",
  }),
  MANIFEST_FILE: z.string().optional().register(facts, {
    meaning: "Path of the manifest: what is sold.",
    otherwise: "`addon-manifest.json` of the project",
  }),
  SECRET_KEYS: keyRing().register(facts, {
    meaning: "Key ring `id:base64,…` of 32-byte keys; the first one seals, the others still open.",
    otherwise: "made once and kept in `DATA_DIR`",
    production: "required",
    secret: true,
  }),
  HEROKU_PASSWORD: secretPair().optional().register(facts, {
    meaning: "Basic password of the manifest; two, separated by a comma, during a rotation.",
    otherwise: "the manifest's",
    production: "required",
    secret: true,
  }),
  HEROKU_SSO_SALT: secretPair().optional().register(facts, {
    meaning: "Sign-in salt of the manifest; two, separated by a comma, during a rotation.",
    otherwise: "the manifest's",
    production: "required",
    secret: true,
  }),
  HEROKU_CLIENT_SECRET: secret(1).register(facts, {
    meaning: "OAuth client secret of the add-on: exchanges grants.",
    otherwise: "made once and kept in `DATA_DIR`",
    production: "required",
    secret: true,
  }),
  HEROKU_API_URL: origin().optional().register(facts, {
    meaning: "Origin of the Platform API; setting it switches demo data off.",
    otherwise: "the simulator; `https://api.heroku.com` in production",
  }),
  HEROKU_ID_URL: origin().optional().register(facts, {
    meaning: "Origin of the OAuth token endpoint.",
    otherwise: "`https://id.heroku.com`, or `HEROKU_API_URL` where that is not Heroku's own",
  }),
  HEROKU_ADDONS_URL: origin().optional().register(facts, {
    meaning: "Origin of the manifest API, for `manifest diff` and `manifest push`.",
    otherwise: "`https://addons.heroku.com`, or `HEROKU_API_URL` where that is not Heroku's own",
  }),
  HEROKU_API_KEY: secret(1).optional().register(facts, {
    meaning: "A developer's own Heroku token, for `manifest diff` and `manifest push` only.",
    otherwise: "none",
    secret: true,
  }),
  PRODUCT_URL: httpUrl().optional().register(facts, {
    meaning: "Address of the vendor's product, asked at each lifecycle change.",
    otherwise: "the builtin product",
  }),
  PRODUCT_SECRET: secret(24).register(facts, {
    meaning:
      "Shared with the vendor's product: its Bearer token, and what calls to it are signed with; 24 characters or more.",
    otherwise: "made once and kept in `DATA_DIR`",
    production: "required",
    secret: true,
  }),
  EVENTS_ALLOW_PRIVATE: z
    .enum(["true", "false"], { error: "must be true or false" })
    .default("false")
    .transform((text) => text === "true")
    .register(facts, {
      meaning: "Events may also be sent to this machine and to private networks, and without TLS. For development.",
      otherwise: "`false`",
      production: "refused",
    }),
  OPERATOR_TOKEN: secret(1).optional().register(facts, {
    meaning: "Lets an operator in before single sign-on is set up.",
    otherwise: "made once and kept in `DATA_DIR`; nobody gets in by it in production",
    secret: true,
  }),
  CONSOLE_OIDC_ISSUER: issuerUrl().optional().register(facts, {
    meaning: "Issuer of the OpenID Connect provider by which operators sign in; docs/console.md.",
    otherwise: "no sign-in by OpenID Connect",
  }),
  CONSOLE_OIDC_CLIENT_ID: secret(1).optional().register(facts, {
    meaning: "Id under which that provider knows the console.",
    otherwise: "none",
  }),
  CONSOLE_OIDC_CLIENT_SECRET: secret(1).optional().register(facts, {
    meaning: "Secret that goes with that id.",
    otherwise: "none",
    secret: true,
  }),
  CONSOLE_SAML_ENTRY_POINT: entryPointUrl().optional().register(facts, {
    meaning: "Where the SAML identity provider takes sign-ins (binding HTTP-Redirect).",
    otherwise: "no sign-in by SAML",
  }),
  CONSOLE_SAML_ISSUER: secret(1).optional().register(facts, {
    meaning: "Our own entity id there: the audience that its assertions must name.",
    otherwise: "none",
  }),
  CONSOLE_SAML_CERT: certificates().optional().register(facts, {
    meaning: "Certificate that its assertions are signed with, PEM or base64; several during a rotation.",
    otherwise: "none",
  }),
  METRICS_TOKEN: secret(1).optional().register(facts, {
    meaning: "Bearer token of `/metrics`; without it only loopback may read them.",
    otherwise: "none",
    secret: true,
  }),
  LOG_LEVEL: logLevel().register(facts, { meaning: "`fatal` to `trace`, or `silent`.", fallback: "info" }),
  CLOCK_URL: httpUrl().optional().register(facts, {
    meaning: 'Address whose GET answers `{"now": …}`: that clock is followed. For tests.',
    otherwise: "the simulator's clock",
    production: "refused",
  }),
  SIMULATOR_PORT: port().register(facts, {
    meaning: "Port of the simulator, which never runs in production.",
    fallback: "5055",
  }),
  AWS_REGION: awsRegion().optional().register(facts, {
    meaning:
      "Region of the SDK; like it, `AWS_ENDPOINT_URL_…` are the SDK's own, and setting one switches demo data off.",
    otherwise: "us-east-1",
  }),
  AWS_ENDPOINT_URL: httpUrl().optional().register(facts, {
    meaning: "One address that plays every service of AWS, as the SDK takes it.",
    otherwise: "AWS itself, or the simulator",
  }),
  AWS_ENDPOINT_URL_SNS: httpUrl().optional().register(facts, {
    meaning: "Where SNS's certificates and confirmations are really asked for. For tests.",
    otherwise: "`AWS_ENDPOINT_URL`, and never in production",
    production: "refused",
  }),
  AWS_SNS_TOPIC_ARNS: topicArns().optional().register(facts, {
    meaning: "Topics whose messages are believed, separated by commas.",
    otherwise: "none",
  }),
  AWS_EVENTS_SECRET: secret(1).optional().register(facts, {
    meaning: "Bearer token of the EventBridge API destination; two, separated by a comma, during a rotation.",
    otherwise: "`/aws/events` is closed",
    secret: true,
  }),
  AWS_EVENTS_QUEUE_URL: httpUrl().optional().register(facts, {
    meaning: "Queue polled for marketplace events.",
    otherwise: "no queue is polled",
  }),
  AWS_SELLER_ROLE_ARN: roleArn().optional().register(facts, {
    meaning: "Role of the seller's account to assume, when this service runs in another one.",
    otherwise: "the SDK's own credentials",
  }),
  AWS_SELLER_EXTERNAL_ID: secret(2).optional().register(facts, {
    meaning: "External id demanded by that role.",
    otherwise: "none",
  }),
  AWS_TENANT_ROLE_ARN: roleArn().optional().register(facts, {
    meaning:
      "Role that `stallholder isolate aws` made: assumed with a tag for one tenant at a time, to vend credentials.",
    otherwise: "the simulator's; no credentials of AWS in production",
  }),
  AWS_CONNECT_TEMPLATE_URL: templateUrl().optional().register(facts, {
    meaning:
      "Where in S3 the vendor put what `stallholder isolate aws-connect` printed: the dashboard then links to it.",
    otherwise: "customers download the template",
  }),
  AWS_USAGE_REPORTING: z
    .enum(["live", "shadow", "dry"], { error: "must be live, shadow or dry" })
    .default("live")
    .register(facts, {
      meaning:
        "`dry` prepares records and sends nothing, `shadow` goes through all their states without sending; to try it beside another meter.",
      fallback: "live",
    }),
});

export type SettingValues = z.output<typeof settingSchema>;
export type SettingName = keyof SettingValues;

export interface NamedSetting extends SettingFacts {
  readonly name: SettingName;
}

const isSettingName = (name: string): name is SettingName => name in settingSchema.shape;

export const settingList: readonly NamedSetting[] = Object.keys(settingSchema.shape)
  .filter(isSettingName)
  .map((name) => ({ name, meaning: "", ...facts.get(settingSchema.shape[name]) }));

export function fallbackOf(setting: SettingFacts, production: boolean): string | undefined {
  if (typeof setting.fallback !== "object") return setting.fallback;
  return production ? setting.fallback.production : setting.fallback.development;
}

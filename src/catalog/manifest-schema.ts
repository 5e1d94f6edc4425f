import { z } from "zod";

const SERVICE_ID = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const SLUG = /^[a-z0-9]+(-[a-z0-9]+)*$/;
const NAME = /^[a-z][a-z0-9_-]{0,63}$/;
const VARIABLE = /^[A-Z][A-Z0-9]*(_[A-Z0-9]+)*$/;

const REGIONS = [
  ...["us", "eu", "*"],
  ...["california", "dublin", "frankfurt", "london", "montreal", "mumbai"],
  ...["oregon", "singapore", "sydney", "tokyo", "virginia"],
] as const;

const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `must be one of ${values.join(", ")}` });

const label = z.string().trim().min(1, "must not be empty");
const serviceId = z.string().regex(SERVICE_ID, "must be small letters and digits, with single dashes between them");
const slug = z.string().regex(SLUG, "must be small letters and digits, with single dashes between them");
const name = z.string().regex(NAME, "must be small letters, digits, `-` and `_`, a letter first");
const variable = z.string().regex(VARIABLE, "must be capital letters and digits, with single underscores between them");
const count = z.number("must be a number").nonnegative("must not be negative");

function isAddress(text: string, protocols: readonly string[]): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return protocols.includes(url.protocol) && `${url.username}${url.password}${url.search}${url.hash}` === "";
}

const addresses = (protocols: readonly string[], message: string) => {
  const address = z.string().refine((text) => isAddress(text, protocols), message);
  return z.looseObject({ base_url: address, sso_url: address });
};

const apiSchema = z.looseObject({
  version: z.literal("3", { error: 'must be "3"' }),
  password: z.string().min(1, "must not be empty"),
  sso_salt: z.string().min(1, "must not be empty"),
  username: z.never("is deprecated: remove it, the user is the manifest's id").optional(),
  config_vars: z.array(variable).readonly(),
  config_vars_prefix: variable.optional(),
  regions: z.array(oneOf(REGIONS)).min(1, "must name at least one region").readonly(),
  requires: z
    .array(oneOf(["attachable", "log_input", "many_per_app", "syslog_drain"]))
    .readonly()
    .default([]),
  production: addresses(["https:"], "must be an https address without credentials or query"),
  test: addresses(["http:", "https:"], "must be an http or https address without credentials or query").optional(),
});

/** What a marketplace calls the same plan or dimension, where it insists on a name of its own. */
const codes = z.record(name, label).default({}).readonly();

const atLeastOne = (largest: number) =>
  z.int("must be a whole number").min(1, "must be at least 1").max(largest, `must be at most ${largest}`);

const currencies: ReadonlySet<string> = new Set(Intl.supportedValuesOf("currency"));

/** USD when absent; prices are hundredths of it. All of a manifest are in one: sums of two would mean nothing. */
const currency = z
  .string()
  .refine((code) => currencies.has(code), "must be a currency of ISO 4217 in capital letters, such as USD")
  .optional();

/** What a `postgres` credential of the plan's tenants may do. */
const databaseSchema = z
  .strictObject({
    connections: atLeastOne(10_000).default(20),
    statementSeconds: atLeastOne(86_400).default(30),
    storageMegabytes: atLeastOne(100_000_000).default(1_000),
    /** How long data are kept after a deprovision. */
    graceDays: z
      .int("must be a whole number")
      .nonnegative("must not be negative")
      .max(365, "must be at most 365")
      .default(7),
  })
  .readonly();

/** What counts where a plan says nothing. */
export const usualDatabase = databaseSchema.parse({});

const planSchema = z
  .strictObject({
    id: slug,
    name: label,
    price: z
      .strictObject({
        cents: z.int("must be whole cents").nonnegative("must not be negative"),
        currency,
        unit: oneOf(["month", "year"]),
      })
      .readonly(),
    limits: z.record(name, count).default({}).readonly(),
    isolation: oneOf(["pool", "bridge", "silo"]).default("pool"),
    database: databaseSchema.optional(),
    codes,
  })
  .readonly();

/** For the operators' estimates only: what is billed stands in the marketplace's listing. */
const unitPrice = z
  .strictObject({
    cents: count,
    currency,
    /** For so many units. */
    per: z.int("must be a whole number").min(1, "must be at least 1").default(1),
  })
  .readonly();

const dimensionSchema = z
  .strictObject({
    id: name,
    name: label,
    unit: label,
    aggregation: oneOf(["sum"]).default("sum"),
    price: unitPrice.optional(),
    codes,
  })
  .readonly();

/** Stands for the tenant's id in the address of a `url` credential. */
const PLACEHOLDER = "{tenant}";

const urlTemplate = z
  .string()
  .refine(
    (text) =>
      isAddress(text.replaceAll(PLACEHOLDER, "tenant"), ["https:", "http:"]) &&
      !/[{}]/.test(text.replaceAll(PLACEHOLDER, "")),
    "must be an http or https address without credentials or query; `{tenant}` is its only placeholder",
  );

const KINDS = ["api-key", "url", "jwt", "postgres", "aws"] as const;

/** What the product does in the AWS accounts of customers: the policy of the role that they make for it. */
const connectionSchema = z
  .strictObject({
    actions: z
      .array(
        z.string().regex(/^[a-z0-9-]+:[A-Za-z0-9]+$/, "must be one action, such as s3:GetObject, without a wildcard"),
      )
      .min(1, "must name at least one action")
      .readonly(),
    resources: z
      .array(z.string().regex(/^(\*|arn:[^\s"$]+)$/, "must be an ARN, or * for what knows none"))
      .min(1, "must name at least one resource")
      .readonly(),
  })
  .readonly();

const credentialSchema = z.discriminatedUnion(
  "kind",
  [
    z.strictObject({ kind: z.literal("url"), var: variable, value: urlTemplate.optional() }).readonly(),
    z.strictObject({ kind: z.literal("aws"), var: variable, connection: connectionSchema.optional() }).readonly(),
    z.strictObject({ kind: z.enum(["api-key", "jwt", "postgres"]), var: variable }).readonly(),
  ],
  { error: `must be one of ${KINDS.join(", ")}` },
);

const webAddress = z
  .string()
  .refine(
    (text) => isAddress(text, ["https:", "http:"]),
    "must be an http or https address without credentials or query",
  );

/** Where a customer finds help; each is shown on the dashboard where it is there. */
const helpSchema = z
  .strictObject({
    docs: webAddress.optional(),
    status: webAddress.optional(),
    email: z.email("must be an e-mail address").optional(),
    /** A sentence or two on refunds. */
    refunds: label.optional(),
  })
  .readonly();

const catalogSchema = z.strictObject({
  plans: z.array(planSchema).min(1, "must name at least one plan").readonly(),
  dimensions: z.array(dimensionSchema).default([]).readonly(),
  credentials: z.array(credentialSchema).readonly(),
  help: helpSchema.optional(),
  /** A section per marketplace: only that marketplace knows what is right in it. */
  marketplaces: z.record(name, z.record(z.string(), z.unknown())).default({}).readonly(),
});

/** The whole file. Members of the marketplace's own format that we do not know pass; in `catalog` they are mistakes. */
export const manifestSchema = z.looseObject({
  id: serviceId,
  name: label,
  cli_plugin_name: label.optional(),
  api: apiSchema,
  catalog: catalogSchema,
});

export type ParsedManifest = z.output<typeof manifestSchema>;
export type Plan = z.output<typeof planSchema>;
export type Help = z.output<typeof helpSchema>;
export type Dimension = z.output<typeof dimensionSchema>;
/** Which kind of credential fills which config var (`var` without the prefix). */
export type CredentialDeclaration = z.output<typeof credentialSchema>;

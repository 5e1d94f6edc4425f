import { z } from "zod";
import { type Fault, ProviderError } from "../errors.ts";
import { crossFaults, prefixOf, type ReadableManifest, readManifest } from "./manifest-rules.ts";
import {
  type CredentialDeclaration,
  type Dimension,
  type Help,
  manifestSchema,
  type ParsedManifest,
  type Plan,
  usualDatabase,
} from "./manifest-schema.ts";

/** What is sold: `addon-manifest.json`, checked and frozen, without its secrets. */
export interface Catalog {
  readonly id: string;
  readonly name: string;
  /** Without the underscore: `ACME_SEARCH`. */
  readonly prefix: string;
  /** Full names of every config var that may leave us. */
  readonly configVars: readonly string[];
  readonly regions: ParsedManifest["api"]["regions"];
  readonly requires: ParsedManifest["api"]["requires"];
  /** Where the manifest says that this service is reached. */
  readonly baseUrl: string;
  readonly ssoUrl: string;
  readonly plans: readonly Plan[];
  readonly dimensions: readonly Dimension[];
  readonly credentials: readonly CredentialDeclaration[];
  readonly help?: Help | undefined;
  /** The sections of the marketplaces, unread: see `marketplaceSection`. */
  readonly marketplaces: Readonly<Record<string, unknown>>;
}

export type { Dimension, Plan };

/** The manifest's own secrets: development values, which settings replace. */
interface ManifestSecrets {
  readonly password: string;
  readonly ssoSalt: string;
}

export interface Manifest {
  readonly catalog: Catalog;
  readonly secrets: ManifestSecrets;
  /** The file as it is, for `withoutCatalog` and `neverChangeable`. */
  readonly file: Readonly<Record<string, unknown>>;
}

/**
 * Reads the text of `addon-manifest.json`. Throws `config_invalid` with every fault at once, each at its JSON pointer
 * (RFC 6901). The rules of `id`, `name` and `api` are those of the Dev Center's add-on manifest and of the checker kensa.
 */
export function parseManifest(text: string): Manifest {
  const file = parseJson(text);
  const parsed = manifestSchema.safeParse(file, { error: wording });
  const faults = [...(parsed.error?.issues ?? []).flatMap(toFaults), ...crossFaults(file)];
  if (!parsed.success || faults.length > 0) throw invalid(faults);
  const { password, sso_salt: ssoSalt } = parsed.data.api;
  return Object.freeze({
    catalog: toCatalog(parsed.data),
    secrets: Object.freeze({ password, ssoSalt }),
    file: Object.freeze(z.record(z.string(), z.unknown()).parse(file)),
  });
}

/** That of every price: dollars unless they say another. */
export const currencyOf = ({ plans, dimensions }: Pick<Catalog, "plans" | "dimensions">): string =>
  [...plans, ...dimensions].find(({ price }) => price !== undefined)?.price?.currency ?? "USD";

/** The plan with this id, which is also its slug; undefined when it is not sold. */
export const findPlan = (catalog: Catalog, id: string): Plan | undefined =>
  catalog.plans.find((plan) => plan.id === id);

/** What a tenant of this plan may do in its database, as every plan says that is no longer sold. */
export const databaseOf = (plan: Plan | undefined): NonNullable<Plan["database"]> => plan?.database ?? usualDatabase;

type Limits = Readonly<Record<string, number>>;

/** The limits of a tenant: its own where the marketplace gave it some, else its plan's. */
export function limitsOf(catalog: Catalog, tenant: { readonly plan: string; readonly limits: Limits | null }): Limits {
  return { ...findPlan(catalog, tenant.plan)?.limits, ...tenant.limits };
}

/** The limits of the plans on what is metered, each for a calendar month. */
export const monthlyLimits = (catalog: Catalog) =>
  catalog.plans.flatMap((plan) =>
    catalog.dimensions.flatMap(({ id: dimension }) => {
      const limit = plan.limits[dimension];
      return limit === undefined ? [] : [{ plan: plan.id, dimension, limit }];
    }),
  );

/** Whether the service is sold in this region, by the manifest's name for it. */
export const servesRegion = (catalog: Catalog, region: string): boolean =>
  catalog.regions.some((served) => served === "*" || served === region);

/** The full name of a config var: `API_KEY` → `ACME_SEARCH_API_KEY`. */
export const configVarName = (catalog: Catalog, variable: string): string => `${catalog.prefix}_${variable}`;

/** Those of the full names that the manifest does not declare: a marketplace refuses an install that returns one. */
export const undeclaredConfigVars = (catalog: Catalog, names: readonly string[]): readonly string[] =>
  names.filter((name) => !catalog.configVars.includes(name));

/**
 * A marketplace's own section of the catalog, read by that marketplace's schema; an absent one is read as `{}`.
 * Throws `config_invalid` with every fault at its JSON pointer.
 */
export function marketplaceSection<S extends z.ZodType>(catalog: Catalog, marketplace: string, schema: S): z.output<S> {
  const parsed = schema.safeParse(catalog.marketplaces[marketplace] ?? {}, { error: wording });
  if (parsed.success) return parsed.data;
  const prefix = ["catalog", "marketplaces", marketplace];
  throw invalid(parsed.error.issues.flatMap((issue) => toFaults({ ...issue, path: [...prefix, ...issue.path] })));
}

/** The manifest as the marketplace's own tools take it: everything but our `catalog`. */
export const withoutCatalog = (file: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(file).filter(([name]) => name !== "catalog"));

/**
 * Warnings for what differs between the manifest in force (`remote`) and the one to be pushed (`local`) and can never
 * change, or hurts those who already bought. Plans are compared only where both sides have a `catalog`.
 */
export function neverChangeable(local: unknown, remote: unknown): readonly string[] {
  const [ours, theirs] = [readManifest(local), readManifest(remote)];
  const renamed =
    ours.id === theirs.id ? [] : [`The id \`${theirs.id}\` can never change: \`${ours.id}\` would be another service.`];
  return [...renamed, ...prefixWarnings(ours, theirs), ...lostVars(ours, theirs), ...lostPlans(ours, theirs)];
}

function prefixWarnings(ours: ReadableManifest, theirs: ReadableManifest): string[] {
  const [now, before] = [ours, theirs].map(({ id, api }) => prefixOf(id, api.config_vars_prefix));
  return now === before
    ? []
    : [`The prefix \`${before}\` is in every customer's app already; \`${now}\` would break them.`];
}

const lostVars = (ours: ReadableManifest, theirs: ReadableManifest): string[] =>
  theirs.api.config_vars
    .filter((name) => !ours.api.config_vars.includes(name))
    .map((name) => `Customers' apps may still read \`${name}\`, which is no longer declared.`);

function lostPlans(ours: ReadableManifest, theirs: ReadableManifest): string[] {
  const kept = ours.catalog.plans.map(({ id }) => id);
  if (kept.length === 0) return [];
  return theirs.catalog.plans
    .filter(({ id }) => !kept.includes(id))
    .map(({ id }) => `The plan \`${id}\` can never change its slug: those who bought it stay on it.`);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw invalid([{ at: "", message: "is not JSON" }], cause);
  }
}

function toCatalog({ id, name, api, catalog }: ParsedManifest): Catalog {
  return Object.freeze({
    id,
    name,
    prefix: prefixOf(id, api.config_vars_prefix),
    configVars: api.config_vars,
    regions: api.regions,
    requires: api.requires,
    baseUrl: api.production.base_url,
    ssoUrl: api.production.sso_url,
    ...catalog,
  });
}

/** How a fault is worded where the schema says nothing better. */
const wording: z.core.$ZodErrorMap = (issue) => {
  if (issue.input === undefined) return "is missing";
  return issue.code === "invalid_type" ? `must be of type ${issue.expected}` : undefined;
};

/** A fault for each unknown member, or one for the issue, at its JSON pointer. */
function toFaults(issue: z.core.$ZodIssue): Fault[] {
  if (issue.code !== "unrecognized_keys") return [{ at: pointer(issue.path), message: issue.message }];
  return issue.keys.map((key) => ({ at: pointer([...issue.path, key]), message: "is not a known member" }));
}

const pointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).replaceAll("~", "~0").replaceAll("/", "~1")}`).join("");

const invalid = (faults: readonly Fault[], cause?: unknown): ProviderError =>
  new ProviderError("config_invalid", "addon-manifest.json is not usable.", { faults, cause });

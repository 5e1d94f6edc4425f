import { createHash } from "node:crypto";
import { ProviderError } from "../../../errors.ts";

/** The members of `addon-manifest.json` that are read here; others are ignored. */
export interface SimulatorManifest {
  /** The slug customers type, and the provider's name in Basic authentication. */
  readonly id: string;
  readonly name: string;
  readonly api: {
    readonly password: string;
    readonly sso_salt: string;
    readonly config_vars: readonly string[];
    readonly config_vars_prefix?: string | undefined;
    readonly regions?: readonly string[] | undefined;
    readonly requires?: readonly string[] | undefined;
    readonly production: { readonly base_url: string; readonly sso_url: string };
  };
  readonly catalog?: { readonly plans: readonly SimulatorPlan[] } | undefined;
}

export interface SimulatorPlan {
  /** The plan's slug, without the service. */
  readonly id: string;
  readonly name: string;
  readonly price?: { readonly cents: number; readonly unit: string } | undefined;
}

/** A plan as the Platform API knows it. */
export interface Plan {
  readonly id: string;
  readonly slug: string;
  /** `service:plan` */
  readonly name: string;
  readonly humanName: string;
  readonly cents: number;
  readonly unit: string;
}

/** Each manifest's region names, and how the provision body spells them. */
const REGIONS: Readonly<Record<string, string>> = {
  us: "us-east-1",
  eu: "eu-west-1",
  virginia: "us-east-1",
  oregon: "us-west-2",
  california: "us-west-1",
  dublin: "eu-west-1",
  frankfurt: "eu-central-1",
  london: "eu-west-2",
  montreal: "ca-central-1",
  mumbai: "ap-south-1",
  singapore: "ap-southeast-1",
  sydney: "ap-southeast-2",
  tokyo: "ap-northeast-1",
};

export function isRegion(name: string): boolean {
  return Object.hasOwn(REGIONS, name);
}

export function regionForProvider(name: string): string {
  return `amazon-web-services::${REGIONS[name] ?? "us-east-1"}`;
}

export function allowsRegion(manifest: SimulatorManifest, region: string): boolean {
  const regions = manifest.api.regions;
  return regions === undefined || regions.includes(region) || regions.includes("*");
}

export function requires(manifest: SimulatorManifest, flag: string): boolean {
  return manifest.api.requires?.includes(flag) ?? false;
}

/** `FAST_DB` for `fast-db`, unless the manifest says otherwise. */
export function prefixOf(manifest: SimulatorManifest): string {
  return manifest.api.config_vars_prefix ?? manifest.id.toUpperCase().replaceAll("-", "_");
}

export function plansOf(manifest: SimulatorManifest): readonly Plan[] {
  const plans = manifest.catalog?.plans ?? [{ id: "test", name: "Test" }];
  return plans.map((plan: SimulatorPlan) => ({
    id: stableUuid(`plan ${manifest.id}:${plan.id}`),
    slug: plan.id,
    name: `${manifest.id}:${plan.id}`,
    humanName: plan.name,
    cents: plan.price?.cents ?? 0,
    unit: plan.price?.unit ?? "month",
  }));
}

export function serviceIdOf(manifest: SimulatorManifest): string {
  return stableUuid(`service ${manifest.id}`);
}

/** The same text gives the same UUID in every run. */
function stableUuid(text: string): string {
  const hex = createHash("sha256").update(text).digest("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-a${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Throws `config_invalid` with every member without which nothing can be bought. */
export function checkManifest(manifest: SimulatorManifest): void {
  const faults = [
    { at: "/id", bad: !/^[a-z][a-z0-9-]*$/.test(manifest.id ?? "") },
    { at: "/api/password", bad: !manifest.api?.password },
    { at: "/api/sso_salt", bad: !manifest.api?.sso_salt },
    { at: "/api/config_vars", bad: !Array.isArray(manifest.api?.config_vars) },
    { at: "/api/production", bad: !manifest.api?.production?.base_url || !manifest.api.production.sso_url },
  ].filter((check) => check.bad);
  if (faults.length === 0) return;
  const detail = { faults: faults.map(({ at }) => ({ at, message: "is missing or not usable" })) };
  throw new ProviderError("config_invalid", `The manifest lacks ${faults.map(({ at }) => at).join(", ")}.`, detail);
}

import { type Catalog, servesRegion } from "../../../catalog/catalog.ts";
import { ProviderError } from "../../../errors.ts";

const CLOUD = "amazon-web-services::";

/**
 * The regions of the Platform API's schema by the names that a manifest has for them, the common one first. Those
 * without a name keep their own: only a manifest with `*` sells there.
 */
const NAMES: Readonly<Record<string, readonly string[]>> = {
  "us-east-1": ["us", "virginia"],
  "eu-west-1": ["eu", "dublin"],
  "us-west-1": ["california"],
  "us-west-2": ["oregon"],
  "eu-central-1": ["frankfurt"],
  "eu-west-2": ["london"],
  "ca-central-1": ["montreal"],
  "ap-south-1": ["mumbai"],
  "ap-southeast-1": ["singapore"],
  "ap-southeast-2": ["sydney"],
  "ap-northeast-1": ["tokyo"],
  "ap-northeast-2": ["ap-northeast-2"],
  "sa-east-1": ["sa-east-1"],
};

const known: ReadonlySet<string> = new Set(Object.values(NAMES).flat());

/**
 * The manifest's name for the region of a request: `amazon-web-services::us-east-1` is `us`, or `virginia` where the
 * manifest knows only that one. A manifest's name stands for itself. Throws `region_unknown` for anything else.
 */
export function regionNamed(catalog: Catalog, given: string): string {
  const names = known.has(given) ? [given] : namesOf(given);
  const [first] = names;
  if (first === undefined) throw new ProviderError("region_unknown", `There is no region ${given}.`);
  return names.find((name) => servesRegion(catalog, name)) ?? first;
}

function namesOf(given: string): readonly string[] {
  if (!given.startsWith(CLOUD)) return [];
  const region = given.slice(CLOUD.length);
  return Object.hasOwn(NAMES, region) ? (NAMES[region] ?? []) : [];
}

import { z } from "zod";
import type { Fault } from "../errors.ts";

const word = z.string().catch("");
const words = z.array(word).catch([]);
const codes = z.record(z.string(), word).catch({});
const sold = z.array(z.object({ id: word, codes }).catch({ id: "", codes: {} })).catch([]);
const price = z
  .object({ currency: word.default("USD") })
  .optional()
  .catch(undefined);
const priced = z.array(z.object({ price }).catch({ price: undefined })).catch([]);
const declared = z.array(z.object({ kind: word, var: word }).catch({ kind: "", var: "" })).catch([]);

const api = z.object({ config_vars: words, config_vars_prefix: word, regions: words, requires: words });
const catalog = z.object({ plans: sold, dimensions: sold, credentials: declared });
const noApi = { config_vars: [], config_vars_prefix: "", regions: [], requires: [] };
const noCatalog = { plans: [], dimensions: [], credentials: [] };

/**
 * As much of a manifest as can be read, however broken the rest is: so the rules that compare two places speak at once
 * with the faults of format, not only after these are mended.
 */
const readable = z
  .object({ id: word, api: api.catch(noApi), catalog: catalog.catch(noCatalog) })
  .catch({ id: "", api: noApi, catalog: noCatalog });

export type ReadableManifest = z.output<typeof readable>;

export const readManifest = (file: unknown): ReadableManifest => readable.parse(file);

/** The declared prefix, or by default the id in capitals with `-` as `_` (Dev Center, add-on manifest). */
export const prefixOf = (id: string, declared: string | undefined): string =>
  declared || id.toUpperCase().replaceAll("-", "_");

/** Every rule that compares two places of the file. */
export function crossFaults(file: unknown): Fault[] {
  const manifest = readManifest(file);
  return [
    ...prefixFaults(manifest),
    ...regionFaults(manifest),
    ...credentialFaults(manifest),
    ...repeatFaults(manifest),
    ...currencyFaults(file),
  ];
}

const readablePrices = z
  .object({ catalog: z.object({ plans: priced, dimensions: priced }) })
  .catch({ catalog: { plans: [], dimensions: [] } });

/** The first price says the currency of all. */
function currencyFaults(file: unknown): Fault[] {
  const { plans, dimensions } = readablePrices.parse(file).catalog;
  const named = [...placed("plans", plans), ...placed("dimensions", dimensions)];
  const [first] = named;
  return named
    .filter(({ currency }) => currency !== first?.currency)
    .map(({ at }) => ({ at, message: `must be ${first?.currency}, as the other prices: sums of two mean nothing` }));
}

const placed = (part: string, entries: z.output<typeof priced>) =>
  entries.flatMap((entry, index) =>
    entry.price ? [{ at: `/catalog/${part}/${index}/price/currency`, currency: entry.price.currency }] : [],
  );

function prefixFaults({ id, api }: ReadableManifest): Fault[] {
  const prefix = prefixOf(id, api.config_vars_prefix);
  return api.config_vars.flatMap((name, index) =>
    name === "" || name.startsWith(`${prefix}_`)
      ? []
      : [{ at: `/api/config_vars/${index}`, message: `must begin with the prefix \`${prefix}_\`` }],
  );
}

/** The checker kensa refuses a service that nobody in the common regions could buy. */
function regionFaults({ api }: ReadableManifest): Fault[] {
  if (api.regions.length === 0 || api.regions.includes("us") || api.regions.includes("*")) return [];
  return [{ at: "/api/regions", message: "must include `us` or `*`" }];
}

function credentialFaults({ id, api, catalog }: ReadableManifest): Fault[] {
  const prefix = prefixOf(id, api.config_vars_prefix);
  return catalog.credentials.flatMap((credential, index) => {
    const name = `${prefix}_${credential.var}`;
    if (credential.var === "" || api.config_vars.includes(name)) return [];
    return [
      { at: `/catalog/credentials/${index}/var`, message: `becomes \`${name}\`, which /api/config_vars must declare` },
    ];
  });
}

function repeatFaults({ api, catalog }: ReadableManifest): Fault[] {
  const kinds = catalog.credentials.map(({ kind }) => (kind === "url" ? "" : kind));
  return [
    ...repeats(api.config_vars, (index) => `/api/config_vars/${index}`),
    ...repeats(api.regions, (index) => `/api/regions/${index}`),
    ...repeats(api.requires, (index) => `/api/requires/${index}`),
    ...repeats(
      catalog.plans.map(({ id }) => id),
      (index) => `/catalog/plans/${index}/id`,
    ),
    ...repeats(
      catalog.dimensions.map(({ id }) => id),
      (index) => `/catalog/dimensions/${index}/id`,
    ),
    ...repeats(
      catalog.credentials.map((credential) => credential.var),
      (index) => `/catalog/credentials/${index}/var`,
    ),
    ...repeats(kinds, (index) => `/catalog/credentials/${index}/kind`),
    ...codeRepeats(catalog.plans, "/catalog/plans"),
    ...codeRepeats(catalog.dimensions, "/catalog/dimensions"),
  ];
}

/** A marketplace must find one plan by its code, not two. */
function codeRepeats(entries: readonly { codes: Record<string, string> }[], at: string): Fault[] {
  const marketplaces = new Set(entries.flatMap(({ codes }) => Object.keys(codes)));
  return [...marketplaces].flatMap((marketplace) =>
    repeats(
      entries.map(({ codes }) => codes[marketplace] ?? ""),
      (index) => `${at}/${index}/codes/${marketplace}`,
    ),
  );
}

/** A fault for each value that stands earlier in the list; what could not be read (empty) counts for nothing. */
function repeats(values: readonly string[], at: (index: number) => string): Fault[] {
  return values.flatMap((value, index) =>
    value !== "" && values.indexOf(value) < index ? [{ at: at(index), message: "stands here a second time" }] : [],
  );
}

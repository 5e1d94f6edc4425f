import { readSettings } from "../config.ts";
import type { Store } from "../isolation/isolation.ts";
import { awsSealedPlaces } from "../marketplaces/aws/aws-operator.ts";
import { herokuSealedPlaces } from "../marketplaces/heroku/heroku-operator.ts";
import { ownSealedPlaces, type Resealed, reseal, type SealedCount, sealedCounts } from "../provider/reseal.ts";
import { type KeyRing, parseKeyRing } from "../secrets/key-ring.ts";
import { endpointPlaces } from "../subscriptions/endpoint.ts";
import { asOperator, thisOperator } from "./operator-database.ts";
import { progress } from "./progress.ts";

/** Wherever a sealed value is kept. */
export const sealedPlaces = [...ownSealedPlaces, ...endpointPlaces, ...herokuSealedPlaces, ...awsSealedPlaces];

/** Values that a process with older settings seals meanwhile are found by another pass. */
const PASSES = 3;
const NOT_DONE = 1;

interface ResealOptions {
  readonly status?: boolean;
  readonly json?: boolean;
}

/**
 * Seals everything again under the first key of the ring, and says which keys nothing is sealed with any more. Exit code
 * 1 while something is left under another key.
 */
export async function resealSecrets({ status = false, json = false }: ResealOptions): Promise<void> {
  const settings = readSettings();
  const ring = parseKeyRing(settings.secretKeys);
  await asOperator(settings, "keys reseal", async (store) => {
    const done = status ? undefined : await resealedIn(store, ring);
    const counts = await sealedCounts(store, sealedPlaces);
    const left = counts.filter(({ keyId }) => keyId !== ring.primary.id);
    const removable = [...ring.byId.keys()].filter(
      (id) => id !== ring.primary.id && !left.some(({ keyId }) => keyId === id),
    );
    process.stdout.write(
      json
        ? `${JSON.stringify({ seals: ring.primary.id, ...done, counts, removable })}\n`
        : told(ring, { done, left, removable, counts }),
    );
    if (left.length > 0) process.exitCode = NOT_DONE;
  });
}

async function resealedIn(store: Store, ring: KeyRing): Promise<Resealed> {
  const bar = progress("sealing again");
  let sum = 0;
  let last: Resealed = { values: 0, unopened: [] };
  try {
    for (let pass = 0; pass < PASSES; pass += 1) {
      const of = sumOf((await sealedCounts(store, sealedPlaces)).filter(({ keyId }) => keyId !== ring.primary.id));
      // Once at least: the audit is anchored under the first key too.
      if (of === last.unopened.length && pass > 0) break;
      const by = thisOperator();
      const onProgress = (values: number) => bar.update(values, of);
      last = await reseal(store, { ring, places: sealedPlaces, by, now: new Date(), onProgress });
      sum += last.values;
    }
  } finally {
    bar.end();
  }
  return { ...last, values: sum };
}

const sumOf = (counts: readonly SealedCount[]): number => counts.reduce((sum, { values }) => sum + values, 0);

interface Told {
  readonly done: Resealed | undefined;
  readonly left: readonly SealedCount[];
  readonly removable: readonly string[];
  readonly counts: readonly SealedCount[];
}

function told(ring: KeyRing, { done, left, removable, counts }: Told): string {
  const lines = done === undefined ? [] : [`${done.values} values were sealed again with ${ring.primary.id}.`];
  for (const { place, key, says } of (done?.unopened ?? []).slice(0, 20))
    lines.push(`  does not open: ${place} ${key.join(" ")}: ${says}`);
  lines.push(`${sumOf(counts) - sumOf(left)} values are sealed with ${ring.primary.id}, the first key of the ring.`);
  for (const { place, keyId, values } of left) {
    const missing = ring.byId.has(keyId) ? "" : ", which the ring lacks: put it back";
    lines.push(`  ${values} of ${place} are sealed with ${keyId}${missing}`);
  }
  for (const id of removable) lines.push(`Nothing is sealed with ${id} any more: it may be removed from SECRET_KEYS.`);
  if (left.length > 0) lines.push("Seal them again: stallholder keys reseal.");
  return `${lines.join("\n")}\n`;
}

import { credentialPlace } from "../credentials/credentials.ts";
import { tokenKeyPlace } from "../credentials/token-keys.ts";
import { anchorAudit } from "../events/audit-anchor.ts";
import type { By } from "../events/events.ts";
import type { Store } from "../isolation/isolation.ts";
import { derive, type KeyRing } from "../secrets/key-ring.ts";
import { type SealedPlace, vaultOf } from "../secrets/secrets.ts";
import { keptPlace } from "./candidate.ts";
import { productConfigPlace } from "./config-vars.ts";
import { alertPlace } from "./usage-alerts.ts";

/** Where the service itself keeps sealed values; marketplaces have theirs. */
export const ownSealedPlaces: readonly SealedPlace[] = [
  credentialPlace,
  keptPlace,
  productConfigPlace,
  tokenKeyPlace,
  alertPlace,
];

/** How many values of a place one key has sealed. */
export interface SealedCount {
  readonly place: string;
  readonly keyId: string;
  readonly values: number;
}

/** Values by place and key, also under keys that the ring has no more. */
export async function sealedCounts(store: Store, places: readonly SealedPlace[]): Promise<readonly SealedCount[]> {
  const counts: SealedCount[] = [];
  for (const { place } of places) {
    const rows = await store.throughDoor<{ key_id: string; sealed: string }>({
      text: "select * from sealed_counts($1)",
      values: [place],
    });
    counts.push(...rows.map((row) => ({ place, keyId: row.key_id, values: Number(row.sealed) })));
  }
  return counts;
}

/** A value that does not open: its key is not in the ring, or somebody altered it. */
export interface Unopened {
  readonly place: string;
  readonly key: readonly string[];
  readonly says: string;
}

export interface Resealed {
  readonly values: number;
  readonly unopened: readonly Unopened[];
}

export interface ResealWish {
  readonly ring: KeyRing;
  readonly places: readonly SealedPlace[];
  readonly by: By;
  readonly now: Date;
  readonly onProgress?: (values: number) => void;
}

const PAGE = 200;

interface SealedRow {
  readonly row_key: string[];
  readonly value: string;
  readonly bound_to: string | null;
}

/**
 * Seals everything under the first key of the ring that another one has sealed, hashes of API keys with it, while the
 * service goes on. A value that was changed meanwhile is left as it was changed. May stop anywhere and be run again:
 * what is done is done. At the end the audit is anchored under the first key.
 */
export async function reseal(store: Store, wish: ResealWish): Promise<Resealed> {
  const { ring, by, now } = wish;
  let values = 0;
  const unopened: Unopened[] = [];
  for (const place of wish.places) {
    let after: readonly string[] | null = null;
    for (;;) {
      const rows = await pageOf(store, place, ring, after);
      const { fresh, broken } = sealedAgain(ring, place, rows);
      unopened.push(...broken);
      values += await put(store, place, fresh);
      wish.onProgress?.(values);
      after = rows.at(-1)?.row_key ?? null;
      if (rows.length < PAGE) break;
    }
  }
  await anchorAudit(store, { id: ring.primary.id, key: derive(ring.primary, "audit") }, now);
  await tell(store, { by, now, to: ring.primary.id, values, unopened: unopened.length });
  return { values, unopened };
}

async function pageOf(store: Store, { place }: SealedPlace, ring: KeyRing, after: readonly string[] | null) {
  return store.throughDoor<SealedRow>({
    text: "select * from sealed_page($1, $2, $3, $4)",
    values: [place, ring.primary.id, after, PAGE],
  });
}

function sealedAgain(ring: KeyRing, place: SealedPlace, rows: readonly SealedRow[]) {
  const vault = vaultOf(ring);
  const pepper = derive(ring.primary, "pepper");
  const fresh: object[] = [];
  const broken: Unopened[] = [];
  for (const { row_key: key, value: old, bound_to: boundTo } of rows) {
    try {
      const context = place.contextOf(key, boundTo);
      const text = vault.open(context, old);
      fresh.push({ key, old, value: vault.seal(context, text), hash: place.rehash?.(pepper, text, boundTo) });
    } catch (fault) {
      broken.push({ place: place.place, key, says: fault instanceof Error ? fault.message : String(fault) });
    }
  }
  return { fresh, broken };
}

async function put(store: Store, { place }: SealedPlace, fresh: readonly object[]): Promise<number> {
  if (fresh.length === 0) return 0;
  const [row] = await store.throughDoor<{ put: number }>({
    text: "select put_resealed($1, $2) as put",
    values: [place, JSON.stringify(fresh)],
  });
  return row?.put ?? 0;
}

async function tell(store: Store, told: { by: By; now: Date; to: string; values: number; unopened: number }) {
  const { by, now, ...data } = told;
  await store.throughDoor({
    text: "select append_audit('operator', 'keys.resealed', $1, $2, $2, $3)",
    values: [by, now, JSON.stringify(data)],
  });
}

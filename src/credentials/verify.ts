import type { KeyObject } from "node:crypto";
import type { Store } from "../isolation/isolation.ts";
import { sameSecret } from "../same-secret.ts";
import { apiKeyHash, parseApiKey } from "./api-key.ts";
import type { CredentialState, Scope } from "./credentials.ts";

/** What a key is worth now. `code` says why not; the holder is told no more. */
export type KeyJudgement =
  | {
      readonly valid: true;
      readonly tenant: string;
      readonly plan: string;
      /** The tenant's own, where it has some. */
      readonly limits: Readonly<Record<string, number>> | null;
      readonly scopes: readonly Scope[];
      /** Units used in the current calendar month, by dimension. */
      readonly used: Readonly<Record<string, number>>;
      /** Our id of the credential. */
      readonly credential: string;
    }
  | { readonly valid: false; readonly code: "unknown" | "revoked" | "expired" | "suspended" | "gone" };

interface KeyRow {
  readonly tenant: string;
  readonly key_hash: string;
  readonly scopes: Scope[];
  readonly state: CredentialState;
  readonly retires_at: Date | null;
  readonly plan: string;
  readonly limits: Record<string, number> | null;
  readonly tenant_state: string;
  readonly used: Record<string, number> | null;
  readonly credential: string;
}

export interface KeyCheck {
  readonly store: Store;
  readonly peppers: readonly KeyObject[];
}

const NO_HASH = "0".repeat(64);

/**
 * Judges an API key in one round trip. An unknown key costs the same hash and comparison as a known one; a text that is
 * no key of ours (its checksum says so) costs no round trip.
 */
export async function judgeKey({ store, peppers }: KeyCheck, key: string, now: Date): Promise<KeyJudgement> {
  const parsed = parseApiKey(key);
  if (parsed === undefined) return { valid: false, code: "unknown" };
  const [row] = await store.throughDoor<KeyRow>({
    name: "find_key",
    text: `select credential, tenant, key_hash, scopes, state, retires_at, plan, limits, tenant_state, used_in_month(tenant, $2) as used
           from find_key($1)`,
    values: [parsed.keyId, new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()))],
  });
  const known = peppers.some((pepper) => sameSecret(apiKeyHash(pepper, key).toString("hex"), row?.key_hash ?? NO_HASH));
  return row !== undefined && known ? judgeRow(row, now) : { valid: false, code: "unknown" };
}

function judgeRow(row: KeyRow, now: Date): KeyJudgement {
  if (row.tenant_state === "gone" || row.tenant_state === "deprovisioning" || row.tenant_state === "failed") {
    return { valid: false, code: "gone" };
  }
  if (row.retires_at !== null && row.retires_at <= now) return { valid: false, code: "expired" };
  if (row.state === "revoked") return { valid: false, code: "revoked" };
  if (row.tenant_state === "suspended") return { valid: false, code: "suspended" };
  const { tenant, plan, limits, scopes, credential } = row;
  return { valid: true, tenant, plan, limits, scopes, used: row.used ?? {}, credential };
}

import { randomInt } from "node:crypto";
import { ProviderError } from "../errors.ts";
import type { By } from "../events/events.ts";
import type { Store } from "../isolation/isolation.ts";

/** What an operator asks for when everybody is to be rotated. */
export interface RotationWish {
  readonly kind?: string | undefined;
  readonly overlapSeconds: number;
  /** Per cent of the tenants that go first; 0 for none. */
  readonly canary: number;
  /** So many are on their way at most. */
  readonly batch: number;
  /** The rest waits until the canaries are well. */
  readonly waits: boolean;
}

export type RotationTenantState = "waiting" | "rotated" | "taken" | "ended" | "failed" | "gone" | "left";

/** How far a campaign is. */
export interface RotationStatus {
  readonly id: string;
  readonly kind: string | null;
  readonly overlap_seconds: number;
  readonly canary: number;
  readonly batch: number;
  readonly state: "running" | "paused" | "cancelled" | "done";
  readonly stage: "enrolling" | "canary" | "rest";
  readonly fault: string | null;
  readonly by: string;
  readonly created_at: string;
  readonly started_at: string | null;
  readonly ended_at: string | null;
  readonly canaries: number;
  readonly tenants: Readonly<Partial<Record<RotationTenantState, number>>>;
  /** The first twenty. */
  readonly failed: readonly { readonly tenant: string; readonly note: string | null }[];
}

interface KeyNamed {
  readonly credential: string;
  readonly key_id: string;
  readonly last_four: string;
}

/** What became of one tenant. */
export interface RotationProof {
  readonly tenant: string;
  readonly marketplace: string;
  readonly canary: boolean;
  readonly state: RotationTenantState;
  readonly attempts: number;
  readonly keys: readonly {
    readonly kind: string;
    readonly var: string;
    readonly old: KeyNamed;
    readonly new: KeyNamed & {
      /** In words; absent while nothing was found out. */
      readonly checked?: string;
      /** False where it could not be tried. */
      readonly proven?: boolean;
    };
  }[];
  readonly rotated_at: string | null;
  readonly judged_at: string | null;
  readonly pushed_at: string | null;
  readonly ended_at: string | null;
  readonly note: string | null;
}

const ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
const PAGE = 1_000;

const newId = (): string =>
  `rot-${Array.from({ length: 8 }, () => ALPHABET.charAt(randomInt(ALPHABET.length))).join("")}`;

/** Writes the campaign down; the workers carry it through. `request_conflict` while another one is under way. */
export async function startRotation(store: Store, wish: RotationWish, by: By, now: Date): Promise<string> {
  const id = newId();
  const { kind = null, overlapSeconds: overlap_seconds, canary, batch, waits } = wish;
  const [row] = await store.throughDoor<{ started: boolean }>({
    text: "select start_rotation($1, $2) as started",
    values: [JSON.stringify({ id, kind, overlap_seconds, canary, batch, waits, by }), now],
  });
  if (row?.started !== true) {
    const { id: other, state } = await rotationStatus(store);
    throw new ProviderError("request_conflict", `The rotation ${other} is ${state}. Finish or cancel it first.`);
  }
  return id;
}

export type Steering = "pause" | "resume" | "cancel";

/** `request_malformed` where that makes no sense: of an unknown campaign, or of one that is over. */
export async function steerRotation(store: Store, id: string, wish: Steering, by: By, now: Date): Promise<void> {
  const [row] = await store.throughDoor<{ steered: boolean }>({
    text: "select steer_rotation($1, $2, $3, $4) as steered",
    values: [id, wish, by, now],
  });
  if (row?.steered === true) return;
  const { state } = await rotationStatus(store, id);
  throw new ProviderError("request_malformed", `The rotation ${id} is ${state}: it cannot be told to ${wish}.`);
}

/** The campaign, or the newest one. */
export async function rotationStatus(store: Store, id?: string): Promise<RotationStatus> {
  const [row] = await store.throughDoor<{ status: RotationStatus }>({
    text: "select rotation_status($1) as status",
    values: [id ?? null],
  });
  if (row !== undefined) return row.status;
  throw new ProviderError(
    "request_malformed",
    id === undefined ? "Nobody was rotated yet." : `There is no rotation ${id}.`,
  );
}

/** Tenant by tenant, in pages. */
export async function* rotationProof(store: Store, id: string): AsyncGenerator<RotationProof> {
  let after = "";
  for (;;) {
    const rows = await store.throughDoor<{ proof: RotationProof }>({
      text: "select rotation_proof($1, $2, $3) as proof",
      values: [id, after, PAGE],
    });
    for (const { proof } of rows) yield proof;
    const last = rows.at(-1);
    if (last === undefined || rows.length < PAGE) return;
    after = last.proof.tenant;
  }
}

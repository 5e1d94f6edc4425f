import { createHash } from "node:crypto";
import type { Store } from "../isolation/isolation.ts";

/** What a signed-in browser may see: one tenant. */
export interface SignedIn {
  readonly tenant: string;
  readonly person: { readonly id: string; readonly email: string };
  /** An operator who looks on, for a while and without touching anything. */
  readonly viewing?: { readonly by: string; readonly until: string };
}

/** A session ends after 30 minutes without a request and after 8 hours in any case. */
export const IDLE_MS = 30 * 60_000;
export const LONGEST_MS = 8 * 3_600_000;

const before = (now: Date, ms: number): Date => new Date(now.getTime() - ms);

/** The id is a bearer secret: only its digest is stored. */
const digestOf = (id: string): string => createHash("sha256").update(id).digest("base64url");

/** The data of a living session of a tenant that is still there. */
export async function findSession(store: Store, id: string, now: Date): Promise<Record<string, unknown> | undefined> {
  const [row] = await store.throughDoor<{ find_session: Record<string, unknown> | null }>({
    text: "select find_session($1, $2, $3)",
    values: [digestOf(id), before(now, IDLE_MS), before(now, LONGEST_MS)],
  });
  return row?.find_session ?? undefined;
}

/** Keeps `data` under `id`. Replacing it counts as a request; the longest time does not start again. */
export async function putSession(store: Store, id: string, tenant: string, data: unknown, now: Date): Promise<void> {
  await store.throughDoor({
    text: "select put_session($1, $2, $3, $4)",
    values: [digestOf(id), tenant, JSON.stringify(data), now],
  });
}

/** Counts a request: the idle time starts again. A session that has ended meanwhile stays ended. */
export async function touchSession(store: Store, id: string, now: Date): Promise<void> {
  await store.throughDoor({ text: "select touch_session($1, $2)", values: [digestOf(id), now] });
}

export async function endSession(store: Store, id: string): Promise<void> {
  await store.throughDoor({ text: "select end_session($1)", values: [digestOf(id)] });
}

/** Removes sessions that are over and the memory of tokens that would be refused as stale anyway. */
export async function sweepSignIns(store: Store, now: Date): Promise<void> {
  await store.throughDoor({
    text: "select sweep_sign_ins($1, $2, $3)",
    values: [before(now, IDLE_MS), before(now, LONGEST_MS), now],
  });
}

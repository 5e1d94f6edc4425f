import type { OperatorStore } from "../../../isolation/isolation.ts";

/** A purchase that is no tenant yet: registration or licence event has not come. Times are ISO 8601. */
export interface Unclaimed {
  readonly key: string;
  readonly product_code: string | null;
  readonly account: string | null;
  readonly customer: string | null;
  readonly agreement_id: string | null;
  readonly state: string;
  readonly since: string;
  readonly registered_at: string | null;
  readonly review: string | null;
}

/** Something that a person should look at. */
export interface ToReview {
  readonly what: "licence" | "message";
  /** The licence's key, or the message's number for `replay`. */
  readonly id: string;
  readonly since: string;
  readonly why: string;
}

const AT_MOST = 1_000;
/** A message may wait this long for the licence that it is about. */
const WAITS_MS = 3_600_000;

/** Oldest first. */
export async function listUnclaimed(store: OperatorStore): Promise<Unclaimed[]> {
  const rows = await store.throughDoor<{ one: Unclaimed }>({
    text: "select aws_unclaimed($1) as one",
    values: [AT_MOST],
  });
  return rows.map(({ one }) => one);
}

export async function listReview(store: OperatorStore, now: Date): Promise<ToReview[]> {
  const rows = await store.throughDoor<{ one: ToReview }>({
    text: "select aws_review($1, $2) as one",
    values: [new Date(now.getTime() - WAITS_MS), AT_MOST],
  });
  return rows.map(({ one }) => one);
}

/** Has a worker read a message again, at once. False when there is none with this number. The second time is harmless. */
export async function replayMessage(store: OperatorStore, id: string): Promise<boolean> {
  if (!/^\d{1,18}$/.test(id)) return false;
  const [row] = await store.throughDoor<{ there: boolean }>({
    text: "select aws_replay_message($1, 'epoch') as there",
    values: [id],
    repeatable: true,
  });
  return row?.there === true;
}

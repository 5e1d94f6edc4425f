import type { AwsOptions } from "./options.ts";

/** A purchase that is no tenant yet: paid for and not registered, or registered and not licensed. */
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

/** What a person should look at. */
export interface ReviewItem {
  readonly what: "licence" | "message";
  readonly id: string;
  readonly since: string;
  readonly why: string;
}

type Reader = Pick<AwsOptions, "store" | "clock">;

/** An agreement without a licence is shown after this long: its licence event may be on its way. */
const WAITING_MS = 3_600_000;

/** The oldest first. */
export async function unclaimedPurchases({ store }: Pick<Reader, "store">, limit = 100): Promise<readonly Unclaimed[]> {
  const rows = await store.throughDoor<{ one: Unclaimed }>({
    text: "select aws_unclaimed($1) as one",
    values: [limit],
  });
  return rows.map(({ one }) => one);
}

/** Licences that fit nowhere, messages that cannot be read, and those that belong to nothing known. */
export async function reviewQueue({ store, clock }: Reader, limit = 100): Promise<readonly ReviewItem[]> {
  const before = new Date(clock.now().getTime() - WAITING_MS);
  const rows = await store.throughDoor<{ one: ReviewItem }>({
    text: "select aws_review($1, $2) as one",
    values: [before, limit],
  });
  return rows.map(({ one }) => one);
}

/** Has a kept message read once more; false when there is none of this number. */
export async function replayMessage({ store, clock }: Reader, id: string): Promise<boolean> {
  const [row] = await store.throughDoor<{ found: boolean }>({
    text: "select aws_replay_message($1, $2) as found",
    values: [id, clock.now()],
  });
  return row?.found ?? false;
}

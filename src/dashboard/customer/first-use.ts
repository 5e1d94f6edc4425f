import type { Tx } from "../../db/db.ts";

/** What a fresh purchase has come to. */
export interface FirstSteps {
  /** A value was looked at, or a key was used: they have them. */
  readonly taken: boolean;
  /** A credential was used where we see it, or usage was counted, which takes a call. */
  readonly called: boolean;
  readonly counted: boolean;
}

/** Of this transaction's tenant. */
export async function firstStepsOf(tx: Tx): Promise<FirstSteps> {
  const [row] = await tx.query<{ taken: boolean; used: boolean; counted: boolean }>(
    `select used, counted, used or counted
              or exists (select from lifecycle_events where type = 'credential.revealed') as taken
     from (select exists (select from credentials where last_used_at is not null) as used,
                  exists (select from usage_months where quantity > 0) as counted) so_far`,
  );
  const { taken = false, used = false, counted = false } = row ?? {};
  return { taken, called: used || counted, counted };
}

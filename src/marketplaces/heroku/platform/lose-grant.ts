import type { Tx } from "../../../db/db.ts";
import type { OwedCall } from "../../../deliveries/deliveries.ts";
import { appendEvent } from "../../../events/events.ts";
import { EXCHANGE_GRANT } from "../calls/kinds.ts";
import type { HerokuOptions } from "../options.ts";
import { readStanding } from "./grants.ts";

/** Heroku takes this pair of tokens no more: they go, and the loss is a lifecycle event. */
export function loseGrant(options: HerokuOptions, tenant: string, version: string, reason: string): Promise<void> {
  const now = options.clock.now();
  return options.store.asTenant(tenant, async (tx) => {
    const lost = await tx.query(
      `update heroku_grants set state = 'lost', access_sealed = null, refresh_sealed = null, refresh_due_at = null,
         refreshing_until = null, changed_at = $2
       where version = $1 and state = 'active' returning tenant_id`,
      [version, now],
    );
    if (lost.length > 0) await tellLost(tx, tenant, reason, now);
  });
}

/** A code that could not be exchanged in its time is a loss too, unless there is a grant or a chance for one. */
export function loseCode(options: HerokuOptions, call: OwedCall, reason: string): Promise<void> {
  const now = options.clock.now();
  return options.store.asTenant(call.tenant, async (tx) => {
    const { grant, wanted } = await readStanding(options, tx, "lock");
    const others = await tx.query("select from owed_calls where kind = $1 and state = 'owed' and sequence <> $2", [
      EXCHANGE_GRANT,
      call.sequence,
    ]);
    if (wanted && grant?.state !== "active" && others.length === 0) await tellLost(tx, call.tenant, reason, now);
  });
}

const tellLost = (tx: Tx, tenant: string, reason: string, now: Date): Promise<void> =>
  appendEvent(tx, tenant, { type: "grant.lost", by: "job:heroku", at: now, data: { reason } }, now);

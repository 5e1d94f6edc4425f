import type { Tx } from "../../../db/db.ts";
import { type OwedCall, oweCalls } from "../../../deliveries/deliveries.ts";
import { appendEvent } from "../../../events/events.ts";
import { isThere, type Tenant } from "../../../tenants/tenants.ts";
import { EXCHANGE_GRANT, FETCH_PEOPLE, SUBSCRIBE_WEBHOOKS } from "../calls/kinds.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import { webhookEvents } from "../webhooks/section.ts";
import { type CodeAge, contextOf, isAsNew, readStanding } from "./grants.ts";
import type { Tokens } from "./token-endpoint.ts";

/**
 * Keeps the tokens a code was exchanged for, unless those of a newer code are here or nothing is left to be done with
 * them. Whatever waited for a grant is due at once, and the people behind the purchase are to be looked up.
 */
export function keepExchanged(options: HerokuOptions, call: OwedCall, code: CodeAge, tokens: Tokens): Promise<void> {
  const now = options.clock.now();
  return options.store.asTenant(call.tenant, async (tx) => {
    const { tenant, grant, wanted } = await readStanding(options, tx, "lock");
    if (!wanted || (grant?.state === "active" && isAsNew(grant, code))) return;
    await tx.query(
      `insert into heroku_grants as g (tenant_id, state, access_sealed, refresh_sealed, access_expires_at,
                                       refresh_due_at, changed_at, code_expires_at, code_sequence)
       values ($1, 'active', $2, $3, $4, $5, $6, $7, $8)
       on conflict (tenant_id) do update set state = 'active', version = g.version + 1, refreshing_until = null,
         access_sealed = excluded.access_sealed, refresh_sealed = excluded.refresh_sealed,
         access_expires_at = excluded.access_expires_at, refresh_due_at = excluded.refresh_due_at,
         changed_at = excluded.changed_at, code_expires_at = excluded.code_expires_at,
         code_sequence = excluded.code_sequence`,
      [...columnsOf(options, tenant, tokens, now), code.expiresAt, code.sequence],
    );
    await appendEvent(tx, tenant.id, { type: "grant.exchanged", by: "job:heroku", at: now }, now);
    await tx.query(
      `update owed_calls set due_at = $1
       where marketplace = $2 and state = 'owed' and lease is null and due_at > $1 and kind <> $3`,
      [now, HEROKU, EXCHANGE_GRANT],
    );
    await oweFollowing(options, tx, tenant, now);
  });
}

/** Replaces the pair of tokens that was refreshed; does nothing when another one has come meanwhile. */
export function keepRefreshed(options: HerokuOptions, tenant: Tenant, version: string, tokens: Tokens): Promise<void> {
  const now = options.clock.now();
  return options.store.asTenant(tenant.id, async (tx) => {
    const kept = await tx.query(
      `update heroku_grants set access_sealed = $2, refresh_sealed = coalesce($3, refresh_sealed),
         access_expires_at = $4, refresh_due_at = $5, changed_at = $6, version = version + 1, refreshing_until = null
       where tenant_id = $1 and version = $7 and state = 'active' returning tenant_id`,
      [...columnsOf(options, tenant, tokens, now), version],
    );
    if (kept.length > 0) await oweFollowing(options, tx, tenant, now);
  });
}

function columnsOf({ vault }: HerokuOptions, tenant: Tenant, tokens: Tokens, now: Date): readonly unknown[] {
  const seal = (field: "access" | "refresh", text: string) => vault.seal(contextOf(tenant.id, field), text);
  return [
    tenant.id,
    seal("access", tokens.access),
    tokens.refresh === undefined ? null : seal("refresh", tokens.refresh),
    inSeconds(now, tokens.expiresInSeconds),
    // The grant of a failed provision is looked at again, and removed, by the upkeep.
    tenant.state === "failed" ? now : inSeconds(now, refreshedAfter(tokens.expiresInSeconds)),
    now,
  ];
}

const inSeconds = (now: Date, seconds: number): Date => new Date(now.getTime() + seconds * 1_000);

/** Ten minutes before the end, or at half of a short life. */
const refreshedAfter = (lifeSeconds: number): number => Math.max(lifeSeconds - 600, lifeSeconds / 2);

/** What a working grant is used for without being asked: who may look at the purchase, and to hear of changes. */
async function oweFollowing({ catalog }: HerokuOptions, tx: Tx, tenant: Tenant, now: Date): Promise<void> {
  if (!isThere(tenant.state)) return;
  await oweFetchPeople(tx, tenant.id, now);
  if (webhookEvents(catalog).length === 0) return;
  const subscribe = { marketplace: HEROKU, kind: SUBSCRIBE_WEBHOOKS, lane: "webhooks", once: SUBSCRIBE_WEBHOOKS };
  await oweCalls(tx, tenant.id, [subscribe], now);
}

/** Owes a look at the people unless one is owed that has not begun: it will see what has changed until then. */
export async function oweFetchPeople(tx: Tx, tenant: string, now: Date): Promise<void> {
  const waiting = await tx.query("select from owed_calls where kind = $1 and state = 'owed' and lease is null", [
    FETCH_PEOPLE,
  ]);
  if (waiting.length > 0) return;
  await oweCalls(tx, tenant, [{ marketplace: HEROKU, kind: FETCH_PEOPLE, lane: "people" }], now);
}

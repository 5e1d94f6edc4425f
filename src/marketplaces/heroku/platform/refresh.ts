import { ProviderError } from "../../../errors.ts";
import type { Tenant } from "../../../tenants/tenants.ts";
import type { HerokuOptions } from "../options.ts";
import { type ActiveGrant, standingOf } from "./grants.ts";
import { keepRefreshed } from "./keep-grant.ts";
import { loseGrant } from "./lose-grant.ts";
import { askForTokens } from "./token-endpoint.ts";

/** The grant with new tokens, whoever fetched them. Throws when there are none, or none yet. */
export async function refreshed(
  options: HerokuOptions,
  tenant: Tenant,
  grant: ActiveGrant,
  attempt: AbortSignal,
): Promise<ActiveGrant> {
  if (await takeRefresh(options, tenant.id, grant.version)) await refresh(options, tenant, grant, attempt);
  const { grant: current } = await standingOf(options, tenant.id);
  if (current?.state !== "active") throw withoutGrant(false, current !== undefined);
  if (current.version !== grant.version) return current;
  throw new ProviderError("marketplace_unavailable", "The grant is just being refreshed.", { retryAfter: 2 });
}

async function refresh(
  options: HerokuOptions,
  tenant: Tenant,
  grant: ActiveGrant,
  attempt: AbortSignal,
): Promise<void> {
  const { refresh: refreshToken, version } = grant;
  if (refreshToken === undefined) return loseGrant(options, tenant.id, version, "It came without a refresh token.");
  try {
    const answer = await askForTokens(options, { refreshToken }, attempt);
    if ("refused" in answer) await loseGrant(options, tenant.id, version, answer.refused);
    else await keepRefreshed(options, tenant, version, answer);
  } catch (fault) {
    await leaveRefresh(options, tenant.id, version);
    throw fault;
  }
}

/** How long one may be at the token endpoint before another takes its place: longer than one attempt. */
const REFRESHING_MS = 30_000;

/** Whether this caller may refresh this pair of tokens: a refresh token may work only once, so one does it at a time. */
async function takeRefresh(options: HerokuOptions, tenant: string, version: string): Promise<boolean> {
  const now = options.clock.now();
  const taken = await options.store.asTenant(tenant, (tx) =>
    tx.query(
      `update heroku_grants set refreshing_until = $2
       where version = $1 and state = 'active' and (refreshing_until is null or refreshing_until <= $3)
       returning tenant_id`,
      [version, new Date(now.getTime() + REFRESHING_MS), now],
    ),
  );
  return taken.length > 0;
}

async function leaveRefresh({ store }: HerokuOptions, tenant: string, version: string): Promise<void> {
  await store.asTenant(tenant, (tx) =>
    tx.query("update heroku_grants set refreshing_until = null where version = $1", [version]),
  );
}

/** Why Heroku cannot be called, and whether that may change. */
export function withoutGrant(awaited: boolean, lost: boolean): ProviderError {
  if (awaited) return new ProviderError("marketplace_unavailable", "The grant has not been exchanged yet.");
  const why = lost ? "The grant was lost" : "There is no grant for this purchase";
  return new ProviderError("marketplace_refused", `${why}: Heroku cannot be called.`);
}

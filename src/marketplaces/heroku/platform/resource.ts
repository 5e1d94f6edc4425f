import type { OwedCall } from "../../../deliveries/deliveries.ts";
import type { Tenant } from "../../../tenants/tenants.ts";
import type { HerokuOptions } from "../options.ts";
import { standingOf } from "./grants.ts";
import { refreshed, withoutGrant } from "./refresh.ts";
import { type Reply, send } from "./send.ts";

export interface ApiCall {
  readonly method: "GET" | "POST" | "PATCH";
  /** Below the Platform API's origin. */
  readonly path: string;
  readonly body?: unknown;
  readonly range?: string | undefined;
}

/** The Platform API as one add-on resource sees it, for the length of one attempt. */
export interface Resource {
  readonly tenant: Tenant;
  send(call: ApiCall): Promise<Reply>;
}

/** A token this near its end is not used any more. */
const MARGIN_MS = 60_000;

/**
 * Opens the Platform API with the tenant's grant: refreshed before its end, and once more when Heroku answers 401.
 * Throws `marketplace_unavailable` while the grant is not there yet, and `marketplace_refused` when none will come.
 */
export async function openResource(
  options: HerokuOptions,
  call: Pick<OwedCall, "tenant">,
  attempt: AbortSignal,
): Promise<Resource> {
  const { tenant, grant: found, awaited } = await standingOf(options, call.tenant);
  if (found?.state !== "active") throw withoutGrant(awaited, found !== undefined);
  const ends = found.accessExpiresAt.getTime() - MARGIN_MS;
  let grant = ends > options.clock.now().getTime() ? found : await refreshed(options, tenant, found, attempt);
  return {
    tenant,
    send: async (apiCall) => {
      const reply = await sendWith(options, grant.access, apiCall, attempt);
      if (reply.status !== 401 || grant !== found) return reply;
      grant = await refreshed(options, tenant, grant, attempt);
      return sendWith(options, grant.access, apiCall, attempt);
    },
  };
}

function sendWith(
  { settings }: HerokuOptions,
  token: string,
  { method, path, body, range }: ApiCall,
  attempt: AbortSignal,
): Promise<Reply> {
  const headers = {
    accept: "application/vnd.heroku+json; version=3",
    authorization: `Bearer ${token}`,
    ...(body === undefined ? {} : { "content-type": "application/json" }),
    ...(range === undefined ? {} : { range }),
  };
  const sending = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
  return send(`${settings.apiUrl}${path}`, sending, attempt);
}

import { randomUUID } from "node:crypto";
import type { NewOwedCall } from "../../../deliveries/deliveries.ts";
import type { ProvisionRequest } from "../../../provider/contract.ts";
import { exchangeCall } from "../calls/grant-code.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import type { ProvisionBody } from "./bodies.ts";
import { regionNamed } from "./regions.ts";

/** What a body asks for, in the provider's words. Without a uuid (legacy) one is minted: such a request has no repeat. */
export function provisionRequest(options: HerokuOptions, body: ProvisionBody): ProvisionRequest {
  const resourceId = body.uuid ?? randomUUID();
  return {
    marketplace: HEROKU,
    resourceId,
    plan: body.plan,
    region: body.region ? regionNamed(options.catalog, body.region) : null,
    name: body.name ?? "",
    options: body.options ?? {},
    kept: keptOf(body),
    owed: owedFor(options, resourceId, body),
    by: `marketplace:${HEROKU}`,
    at: options.clock.now(),
  };
}

/** Log tokens: secrets, so they are sealed. */
function keptOf(body: ProvisionBody): Readonly<Record<string, string>> {
  const { log_drain_token, log_input_url } = body;
  return {
    ...(log_drain_token ? { log_drain_token } : {}),
    ...(log_input_url ? { log_input_url } : {}),
    ...("logplex_token" in body && body.logplex_token ? { logplex_token: body.logplex_token } : {}),
  };
}

function owedFor(options: HerokuOptions, resourceId: string, { oauth_grant }: ProvisionBody): readonly NewOwedCall[] {
  if (!oauth_grant?.code) return [];
  const { code, expires_at } = oauth_grant;
  return [exchangeCall(options, { resourceId, code, expiresAt: expires_at ?? undefined })];
}

import type { Delivery, OwedCall } from "../../../deliveries/deliveries.ts";
import type { HerokuOptions } from "../options.ts";
import { isAsNew, standingOf } from "../platform/grants.ts";
import { keepExchanged } from "../platform/keep-grant.ts";
import { loseCode } from "../platform/lose-grant.ts";
import { refreshed } from "../platform/refresh.ts";
import { askForTokens } from "../platform/token-endpoint.ts";
import { ageOf, codeOf, endOf } from "./grant-code.ts";

/** Our clock may be ahead of Heroku's: a code is tried for this long after its end. */
const GRACE_MS = 60_000;

/**
 * Exchanges a grant code, if its tokens are still of use: not for a purchase that was refused, and not when a newer
 * code was exchanged before. A refusal is met again until the code's end, because Heroku may not know the resource yet.
 */
export async function exchangeGrant(options: HerokuOptions, call: OwedCall, attempt: AbortSignal): Promise<Delivery> {
  const code = codeOf(options, call);
  const age = ageOf(call);
  const { grant, wanted } = await standingOf(options, call.tenant);
  if (!wanted || code === undefined) return { outcome: "delivered" };
  if (grant?.state === "active" && isAsNew(grant, age)) return { outcome: "delivered" };
  const left = endOf(call).getTime() - options.clock.now().getTime();
  if (left < -GRACE_MS) return expired(options, call, "The grant code ended before it could be exchanged.");
  const answer = await askForTokens(options, { code }, attempt);
  if (!("refused" in answer)) {
    await keepExchanged(options, call, age, answer);
    return { outcome: "delivered" };
  }
  return left > 0 ? { outcome: "retry", fault: answer.refused } : expired(options, call, answer.refused);
}

async function expired(options: HerokuOptions, call: OwedCall, fault: string): Promise<Delivery> {
  await loseCode(options, call, fault);
  return { outcome: "given_up", fault };
}

/** Refreshes a grant before its end; one that was refreshed meanwhile is left as it is. */
export async function refreshGrant(options: HerokuOptions, call: OwedCall, attempt: AbortSignal): Promise<Delivery> {
  const { tenant, grant, wanted } = await standingOf(options, call.tenant);
  if (!wanted || grant?.state !== "active") return { outcome: "delivered" };
  if (Number(grant.version) !== call.payload["version"]) return { outcome: "delivered" };
  await refreshed(options, tenant, grant, attempt);
  return { outcome: "delivered" };
}

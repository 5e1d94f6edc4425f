import type { Request } from "express";
import { ProviderError } from "../../errors.ts";
import { requestId } from "../../http/request-log.ts";
import type { TenantCommand } from "../../provider/contract.ts";
import type { BrowserSessions } from "../../sso/browser-sessions.ts";
import type { SignedIn } from "../../sso/sso.ts";
import type { DashboardOptions } from "../options.ts";

/** Who is signed in on this request. Throws `not_authenticated` when nobody is: there is no form to sign in with. */
export function signedInOn(sessions: BrowserSessions, request: Request): SignedIn {
  const who = sessions.current(request);
  if (who !== undefined) return who;
  throw new ProviderError(
    "not_authenticated",
    "Open this dashboard from the marketplace where you bought it: that signs you in. If it was open before, your session has ended.",
  );
}

/** A command about the tenant in the name of the person who is signed in. */
export function commandOn({ sessions, clock }: DashboardOptions, request: Request): TenantCommand {
  const { tenant, person } = signedInOn(sessions, request);
  return { ref: { tenant }, by: `customer:${person.email || person.id}`, at: clock.now(), request: requestId(request) };
}

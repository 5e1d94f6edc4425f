import type { Request } from "express";
import { ProviderError } from "../../errors.ts";
import type { BrowserSessions } from "../../sso/browser-sessions.ts";
import type { SignedIn } from "../../sso/sso.ts";

/** Who is signed in on this request. Throws `not_authenticated` when nobody is: there is no form to sign in with. */
export function signedInOn(sessions: BrowserSessions, request: Request): SignedIn {
  const who = sessions.current(request);
  if (who !== undefined) return who;
  throw new ProviderError(
    "not_authenticated",
    "Open this dashboard from the marketplace where you bought it: that signs you in. If it was open before, your session has ended.",
  );
}

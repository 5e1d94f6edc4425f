import { createHash } from "node:crypto";
import type { RequestHandler, Response } from "express";
import { noteRequest } from "../../../http/request-log.ts";
import type { Provider, VerifiedSignIn } from "../../../provider/contract.ts";
import type { BrowserSessions } from "../../../sso/browser-sessions.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import { AHEAD_SECONDS, type SignInClaim, STALE_SECONDS } from "./claim.ts";
import { claimOf, refusedSignIn } from "./strategies.ts";

/** Starts the session of a verified sign-in and sends the browser to the dashboard, and never anywhere else. */
export function startSession(options: HerokuOptions, provider: Provider, sessions: BrowserSessions): RequestHandler {
  const secure = options.publicUrl.startsWith("https:");
  return async function signIn(req, res) {
    const claim = claimOf(req);
    await refuseTwoTenants(provider, claim);
    const who = await provider.signIn(claimed(claim, options.clock.now()));
    noteRequest(req, { tenant: who.tenant });
    await sessions.signIn(req, who);
    setNavData(res, claim.navData, secure);
    res.setHeader("Cache-Control", "no-store");
    res.redirect(302, "/dashboard");
  };
}

export const refuseSignIn: RequestHandler = (_req, _res, next) => next(refusedSignIn());

/** The token covers one id; another one beside it must not name somebody else's tenant. */
async function refuseTwoTenants(provider: Provider, { ids }: SignInClaim): Promise<void> {
  if (ids.length < 2) return;
  const found = await Promise.all(ids.map((resourceId) => provider.findTenant({ marketplace: HEROKU, resourceId })));
  if (new Set(found.map((tenant) => tenant?.id)).size > 1) throw refusedSignIn();
}

/**
 * One click brings up to three tokens, and each alone would sign in. All of them are used up together: else whoever
 * reads one form could come again with the next token of it. Two people in the same second still both come in, because
 * their own tokens differ.
 */
function claimed({ ids: [resourceId = ""], second, tokens, person }: SignInClaim, now: Date): VerifiedSignIn {
  return {
    ref: { marketplace: HEROKU, resourceId },
    person,
    tokenDigests: tokens.map((token) => createHash("sha256").update(token).digest("hex")),
    tokenEnds: new Date((second + STALE_SECONDS + AHEAD_SECONDS) * 1_000),
    by: `marketplace:${HEROKU}`,
    at: now,
  };
}

/** base64 of either alphabet, and no more than a browser keeps. */
const NAV_DATA = /^[\w+/-]{1,3500}={0,2}$/;

/**
 * Heroku's old navigation bar wants back what it sent. No script of our pages reads it, so it is HttpOnly: the value
 * comes from outside the signed part of the sign-in.
 */
function setNavData(res: Response, navData: string | undefined, secure: boolean): void {
  if (navData === undefined || !NAV_DATA.test(navData)) return;
  res.cookie("heroku-nav-data", navData, { path: "/", httpOnly: true, sameSite: "lax", secure, encode: String });
}

import { type RequestHandler, Router } from "express";
import { ProviderError } from "../../../errors.ts";
import { pageErrors } from "../../error-page.tsx";
import { enter } from "./entrance.ts";
import { OIDC_START, oidcSignIn } from "./oidc.ts";
import type { Identities, OidcSettings, SignInOptions } from "./options.ts";
import { returnTo } from "./return-to.ts";

/** One more way to sign in, as the page of the sign-in offers it. */
export interface IdentityWay {
  readonly path: string;
  /** The host of the identity provider. */
  readonly host: string;
}

export function identityWays({ oidc }: Identities): readonly IdentityWay[] {
  return oidc === undefined ? [] : [{ path: OIDC_START, host: new URL(oidc.issuer).host }];
}

/** Away to an identity provider, and back from it. Other ways in stay as they are whatever happens here. */
export function identityRoutes(options: SignInOptions): Router {
  const router = Router();
  if (options.oidc !== undefined) oidcRoutes(router, options, options.oidc);
  router.use(...pageErrors(`${options.parts.catalog.name} console`, SIGN_IN));
  return router;
}

const SIGN_IN = { address: "/console/sign-in", words: "Back to the sign-in" };

function oidcRoutes(router: Router, options: SignInOptions, settings: OidcSettings): void {
  const oidc = oidcSignIn(settings, options.parts.publicUrl);
  router.get("/sign-in/oidc", keepWanted, oidc.start);
  router.get(
    "/sign-in/oidc/callback",
    slowed(options, async (request, response) => {
      const email = await oidc.comeBack(request, response);
      await enter(options, request, response, { email, way: "oidc" });
    }),
  );
}

const keepWanted: RequestHandler = (request, _response, next) => {
  request.session.wanted = returnTo(request.query["to"]);
  next();
};

/** Whoever is refused very often is slowed down, as with the token. */
function slowed({ attempts }: SignInOptions, handle: RequestHandler): RequestHandler {
  return async function countRefusals(request, response, next) {
    try {
      await handle(request, response, next);
    } catch (fault) {
      const refused = fault instanceof ProviderError && fault.code === "signin_refused";
      if (refused) await attempts.refuse(request, response, next, fault);
      else next(fault);
    }
  };
}

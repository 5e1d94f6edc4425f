import { type RequestHandler, Router } from "express";
import { ProviderError } from "../../../errors.ts";
import { formBody } from "../../../http/body.ts";
import { pageErrors } from "../../error-page.tsx";
import { enter } from "./entrance.ts";
import { OIDC_START, oidcSignIn } from "./oidc.ts";
import type { Identities, OidcSettings, SamlSettings, SignInOptions } from "./options.ts";
import { returnTo } from "./return-to.ts";
import { SAML_START, samlSignIn } from "./saml.ts";
import { takeAnswer } from "./saml-requests.ts";

/** One more way to sign in, as the page of the sign-in offers it. */
export interface IdentityWay {
  readonly path: string;
  /** The host of the identity provider. */
  readonly host: string;
}

export function identityWays({ oidc, saml }: Identities): readonly IdentityWay[] {
  const ways = [
    { path: OIDC_START, address: oidc?.issuer },
    { path: SAML_START, address: saml?.entryPoint },
  ];
  return ways.flatMap(({ path, address }) => (address === undefined ? [] : [{ path, host: new URL(address).host }]));
}

const ANSWER_LIMIT_BYTES = 262_144;

/** Away to an identity provider, and back from it. Other ways in stay as they are whatever happens here. */
export function identityRoutes(options: SignInOptions): Router {
  const router = Router();
  if (options.oidc !== undefined) oidcRoutes(router, options, options.oidc);
  if (options.saml !== undefined) samlRoutes(router, options, options.saml);
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

function samlRoutes(router: Router, options: SignInOptions, settings: SamlSettings): void {
  const { store, clock, publicUrl } = options.parts;
  const saml = samlSignIn({ settings, publicUrl, store, clock });
  router.get("/saml/metadata", (_request, response) => {
    response.type("application/samlmetadata+xml").send(saml.metadata);
  });
  router.get("/sign-in/saml", keepWanted, saml.start);
  // The one form that comes from another site: what is in it is believed by its signature alone.
  router.post(
    "/saml/acs",
    formBody(ANSWER_LIMIT_BYTES),
    slowed(options, async (request, response) => {
      await saml.consume(request, response);
      response.redirect(303, `${SAML_START}/done`);
    }),
  );
  router.get(
    "/sign-in/saml/done",
    slowed(options, async (request, response) => {
      const email = await takeAnswer(store, clock, request);
      await enter(options, request, response, { email, way: "saml" });
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

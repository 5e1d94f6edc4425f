import { type Profile, Strategy, ValidateInResponseTo, type VerifyWithoutRequest } from "@node-saml/passport-saml";
import type { Request, RequestHandler, Response } from "express";
import type { Clock } from "../../../clock.ts";
import { ProviderError } from "../../../errors.ts";
import type { Store } from "../../../isolation/isolation.ts";
import { fieldOf } from "../../own-forms.ts";
import { emailBy, refusedSignIn, sendBy } from "./by-strategy.ts";
import type { SamlSettings } from "./options.ts";
import { emailInAssertion, refuseUnbound } from "./saml-assertion.ts";
import { answerOnce, requestsAsked } from "./saml-requests.ts";

export const SAML_START = "/console/sign-in/saml";
const CONSUMER = "/console/saml/acs";
/** Clocks of two services differ a little. */
const SKEW_MS = 60_000;

export interface SamlOptions {
  readonly settings: SamlSettings;
  readonly publicUrl: string;
  readonly store: Store;
  readonly clock: Clock;
}

/** Sign-in by a SAML 2.0 identity provider: a signed assertion that answers a question of ours, once. */
export interface SamlSignIn {
  readonly start: RequestHandler;
  /** What the provider has the browser post; afterwards the answer waits for the browser that asked. */
  consume(request: Request, response: Response): Promise<void>;
  /** For whoever sets the provider up. */
  readonly metadata: string;
}

export function samlSignIn(options: SamlOptions): SamlSignIn {
  return {
    start: (request, response, next) => {
      // The strategy would take these for an answer.
      if ("SAMLResponse" in request.query || "SAMLRequest" in request.query) throw refusedSignIn();
      sendBy(strategyFor(options, request), request, response, next);
    },
    consume: async (request, response) => {
      if (request.originalUrl !== CONSUMER) throw refusedSignIn();
      const answer = fieldOf(request, "SAMLResponse");
      if (answer === "") throw refusedSignIn();
      request.body = { SAMLResponse: answer };
      try {
        await emailBy(strategyFor(options, request), request, response);
      } catch (fault) {
        throw fault instanceof ProviderError ? fault : refusedSignIn(fault);
      }
    },
    metadata: strategyFor(options).generateServiceProviderMetadata(null),
  };
}

/** One for each request: the question it asks belongs to the browser that asks it. Times are those of the provider's world. */
function strategyFor({ settings, publicUrl, store, clock }: SamlOptions, request?: Request): Strategy {
  const { entryPoint, issuer, certificates } = settings;
  const callbackUrl = `${publicUrl}${CONSUMER}`;
  const verify: VerifyWithoutRequest = (profile, done) => {
    verified(profile).then((person) => done(null, person), done);
  };
  return new Strategy(
    {
      entryPoint,
      issuer,
      callbackUrl,
      idpCert: [...certificates],
      audience: issuer,
      wantAssertionsSigned: true,
      wantAuthnResponseSigned: false,
      validateInResponseTo: ValidateInResponseTo.always,
      acceptedClockSkewMs: SKEW_MS,
      identifierFormat: "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress",
      disableRequestedAuthnContext: true,
      signatureAlgorithm: "sha256",
      cacheProvider: requestsAsked(store, clock, request),
    },
    verify,
    // Nobody signs out by it: a message that would is refused.
    (_profile: Profile | null, done: Parameters<VerifyWithoutRequest>[1]) => done(refusedSignIn()),
  );

  async function verified(profile: Profile | null): Promise<{ email: string }> {
    if (profile === null) throw refusedSignIn();
    const id = refuseUnbound(profile, callbackUrl);
    const email = emailInAssertion(profile);
    await answerOnce(store, clock, id, email);
    return { email };
  }
}

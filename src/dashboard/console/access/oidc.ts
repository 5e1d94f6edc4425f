import type { Request, RequestHandler, Response } from "express";
import {
  // biome-ignore lint/suspicious/noDeprecatedImports: marked to make it stand out; only for a provider on this machine.
  allowInsecureRequests,
  type Configuration,
  discovery,
  enableNonRepudiationChecks,
  fetchUserInfo,
  randomNonce,
  randomState,
  type TokenEndpointResponse,
  type TokenEndpointResponseHelpers,
} from "openid-client";
import { type AuthenticateOptions, Strategy } from "openid-client/passport";
import { ProviderError } from "../../../errors.ts";
import { emailBy, refusedSignIn, sendBy } from "./by-strategy.ts";
import { unverified } from "./entrance.ts";
import type { OidcSettings } from "./options.ts";

export const OIDC_START = "/console/sign-in/oidc";
const COME_BACK = `${OIDC_START}/callback`;
const SECONDS = 5;

type Tokens = TokenEndpointResponse & TokenEndpointResponseHelpers;

/** Sign-in by an OpenID Connect provider: the code flow with PKCE, state and nonce. */
export interface OidcSignIn {
  readonly start: RequestHandler;
  /** The e-mail of who comes back. `signin_refused`, `identity_unavailable` or `identity_failed` otherwise. */
  comeBack(request: Request, response: Response): Promise<string>;
}

/** The provider is looked at when somebody first wants to sign in; what it says of itself is kept, a fault is not. */
export function oidcSignIn(settings: OidcSettings, publicUrl: string): OidcSignIn {
  let known: Promise<Strategy> | undefined;
  const strategy = async () => {
    known ??= discover(settings).then((config) => new ConsoleStrategy(config, publicUrl));
    try {
      return await known;
    } catch (fault) {
      known = undefined;
      throw asIdentityError(fault, settings.issuer, "failed");
    }
  };
  return {
    start: async (request, response, next) => sendBy(await strategy(), request, response, next),
    comeBack: async (request, response) => {
      const using = await strategy();
      try {
        return await emailBy(using, request, response);
      } catch (fault) {
        throw asIdentityError(fault, settings.issuer, "refused");
      }
    },
  };
}

function discover({ issuer, clientId, clientSecret, seconds = SECONDS }: OidcSettings): Promise<Configuration> {
  const local = issuer.startsWith("http:") ? [allowInsecureRequests] : [];
  const execute = [...local, enableNonRepudiationChecks];
  return discovery(new URL(issuer), clientId, clientSecret, undefined, { timeout: seconds, execute });
}

class ConsoleStrategy extends Strategy {
  readonly #publicUrl: string;

  constructor(config: Configuration, publicUrl: string) {
    const callbackURL = new URL(COME_BACK, publicUrl);
    super({ config, callbackURL, name: "oidc", sessionKey: "oidc", scope: "openid email" }, (tokens, verified) => {
      // Passport has one type for who is signed in, and that is the customers'.
      emailOf(config, tokens).then((person) => verified(null, person as Express.User), verified);
    });
    this.#publicUrl = publicUrl;
  }

  /** PKCE alone would do against a foreign code; state refuses it before anybody is asked. */
  override authorizationRequestParams<T extends AuthenticateOptions>(request: Request, options: T): URLSearchParams {
    const params = new URLSearchParams(super.authorizationRequestParams(request, options));
    params.set("state", randomState());
    params.set("nonce", randomNonce());
    return params;
  }

  override currentUrl({ originalUrl }: Request): URL {
    return new URL(originalUrl, this.#publicUrl);
  }

  override shouldInitiateAuthRequest(_request: Request, { pathname }: URL): boolean {
    return pathname === OIDC_START;
  }
}

/** From the id token, or else from the userinfo endpoint. `signin_refused` where the provider calls it unverified. */
async function emailOf(config: Configuration, tokens: Tokens): Promise<object> {
  const claims = tokens.claims();
  if (claims === undefined) throw refusedSignIn();
  const told =
    claims["email"] === undefined && config.serverMetadata().userinfo_endpoint !== undefined
      ? await fetchUserInfo(config, tokens.access_token, claims.sub)
      : claims;
  const { email, email_verified: verified } = told;
  if (typeof email !== "string") {
    throw new ProviderError(
      "signin_refused",
      "The identity provider names no e-mail. The console needs its scope email.",
    );
  }
  // A provider that says nothing of it vouches for all; some say it in words.
  if (![undefined, true, "true"].includes(verified as boolean | string | undefined)) throw unverified(email);
  return { email };
}

/** What makes a sign-in itself unbelievable, where the provider is well. */
const REFUSED = [
  "OAUTH_INVALID_RESPONSE",
  "OAUTH_JWT_CLAIM_COMPARISON_FAILED",
  "OAUTH_JWT_TIMESTAMP_CHECK_FAILED",
  "OAUTH_AUTHORIZATION_RESPONSE_ERROR",
];
const SILENT = ["OAUTH_TIMEOUT", "OAUTH_ABORT"];
const BUSY = ["server_error", "temporarily_unavailable"];

function asIdentityError(fault: unknown, issuer: string, otherwise: "failed" | "refused"): ProviderError {
  if (fault instanceof ProviderError) return fault;
  const { code, error, status } = factsOf(fault);
  const host = new URL(issuer).host;
  // Without a code: the connection itself failed.
  if (code === undefined || SILENT.includes(code) || BUSY.includes(error ?? "") || (status ?? 0) >= 500) {
    const says = `${host} does not answer, or says that it cannot. Nothing is wrong with you: try again in a minute, or sign in another way.`;
    return new ProviderError("identity_unavailable", says, { cause: fault, retryAfter: 60 });
  }
  if (otherwise === "refused" && (REFUSED.includes(code) || error === "invalid_grant")) return refusedSignIn(fault);
  const says = `${host} answers in a way that the console cannot use. Whoever runs it finds the reason in the log; sign in another way.`;
  return new ProviderError("identity_failed", says, { cause: fault });
}

interface FaultFacts {
  readonly code?: string;
  /** As the provider calls it. */
  readonly error?: string;
  readonly status?: number;
}

function factsOf(fault: unknown): FaultFacts {
  const { code, error, status, cause } = (fault ?? {}) as FaultFacts & { readonly cause?: FaultFacts };
  return { ...(code && { code }), ...(error && { error }), status: status ?? cause?.status ?? 0 };
}

import type { Strategy as SamlStrategy } from "@node-saml/passport-saml";
import type { Request, RequestHandler, Response } from "express";
import type { Strategy as OidcStrategy } from "openid-client/passport";
import { Passport, type Strategy } from "passport";
import { ProviderError } from "../../../errors.ts";

const passport = new Passport();

/** These are passport's, but their types say so in a way that TypeScript does not follow. */
type AnyStrategy = Strategy | OidcStrategy | SamlStrategy;

export const refusedSignIn = (cause?: unknown): ProviderError =>
  new ProviderError(
    "signin_refused",
    "What came back from the identity provider cannot be believed, or is too old. Please begin again.",
    { cause },
  );

/** Sends the browser to the identity provider. What goes wrong before that goes to `next`. */
export function sendBy(strategy: AnyStrategy, ...[request, response, next]: Parameters<RequestHandler>): void {
  passport.authenticate(strategy as Strategy, { session: false }, (fault: unknown) => next(fault ?? refusedSignIn()))(
    request,
    response,
    next,
  );
}

/** The e-mail that an identity provider vouches for on this request. Throws what the strategy does, or `signin_refused`. */
export function emailBy(strategy: AnyStrategy, request: Request, response: Response): Promise<string> {
  return new Promise((resolve, reject) => {
    const settle = (fault: unknown, user?: object | false | null): void => {
      const email = user && "email" in user ? user.email : undefined;
      if (!fault && typeof email === "string") resolve(email);
      else reject(fault ?? refusedSignIn());
    };
    passport.authenticate(strategy as Strategy, { session: false }, settle)(request, response, () =>
      reject(refusedSignIn()),
    );
  });
}

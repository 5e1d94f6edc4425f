import type { Request, RequestHandler } from "express";
import { Passport } from "passport";
import CustomStrategy from "passport-custom";
import { ProviderError } from "../../../errors.ts";
import { formOf } from "../../../http/body.ts";
import { type Form, parseForm } from "../../../http/form.ts";
import type { HerokuOptions } from "../options.ts";
import { type SignInClaim, verifiedClaim } from "./claim.ts";

const claims = new WeakMap<Request, SignInClaim>();

/** What a strategy has verified on this request. */
export function claimOf(req: Request): SignInClaim {
  const claim = claims.get(req);
  if (claim === undefined) throw refusedSignIn();
  return claim;
}

export const refusedSignIn = (): ProviderError => new ProviderError("signin_refused", "The sign-in was refused.");

interface SignInStrategies {
  /** `POST /sso`: the form of version 3, and the older one with `id` and `token`. */
  readonly form: RequestHandler;
  /** `GET /resources/:id?token&timestamp…`: how Heroku signed in before it posted forms. */
  readonly link: RequestHandler;
}

/** Passport strategies that verify a sign-in and leave it for `claimOf`, or end the request with `signin_refused`. */
export function signInStrategies(options: HerokuOptions): SignInStrategies {
  const passport = new Passport();
  passport.use("heroku-form", strategy(options, formOf));
  passport.use("heroku-link", strategy(options, formOfLink));
  return { form: verifyBy(passport, "heroku-form"), link: verifyBy(passport, "heroku-link") };
}

function strategy({ settings, clock }: HerokuOptions, read: (req: Request) => Form): CustomStrategy {
  return new CustomStrategy((req, done) => {
    done(null, verifiedClaim(read(req), settings.ssoSalts, clock.now()) ?? false);
  });
}

/** The address as a form. An `id` in the query too is a field that came twice. */
function formOfLink(req: Request): Form {
  const { search } = new URL(req.originalUrl, "http://localhost");
  const fields = parseForm(Buffer.from(search.slice(1)));
  return new Map([...fields, ["id", [String(req.params["id"]), ...(fields.get("id") ?? [])]]]);
}

function verifyBy(passport: InstanceType<typeof Passport>, name: string): RequestHandler {
  return function verifySignIn(req, res, next) {
    const settle = (fault: unknown, claim: SignInClaim | false | undefined): void => {
      if (claim) claims.set(req, claim);
      next(fault ?? (claim ? undefined : refusedSignIn()));
    };
    passport.authenticate(name, { session: false }, settle)(req, res, next);
  };
}

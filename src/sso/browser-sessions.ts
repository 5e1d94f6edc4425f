import { createHmac, type KeyObject, randomBytes } from "node:crypto";
import type { CookieOptions, Request, RequestHandler, Response } from "express";
import session from "express-session";
import { Passport } from "passport";
import type { Clock } from "../clock.ts";
import { ProviderError } from "../errors.ts";
import type { Store } from "../isolation/isolation.ts";
import { SessionStore } from "./session-store.ts";
import { putSession, type SignedIn } from "./sso.ts";

declare global {
  namespace Express {
    interface User extends SignedIn {}
  }
}

/** Signed-in browsers, kept in PostgreSQL. */
export interface BrowserSessions {
  /** Puts the session on the request; mount it before any route that asks for it. */
  readonly middleware: readonly RequestHandler[];
  /** Starts a session under a new id; one that the browser brought along is dead afterwards. */
  signIn(request: Request, who: SignedIn): Promise<void>;
  /** Who is signed in on this request, if anybody. `view_only` for an operator who looks on and sends something. */
  current(request: Request): SignedIn | undefined;
  /** Opens a session from a page that has no such session itself; what the browser had before is no longer its own. */
  open(response: Response, who: SignedIn): Promise<void>;
  signOut(request: Request): Promise<void>;
}

export interface BrowserSessionsOptions {
  readonly store: Store;
  /** Idle and longest time are counted by this clock; the cookie itself has no end. */
  readonly clock: Clock;
  /** The first signs the session id in the cookie; what another one has signed is still believed. */
  readonly secrets: readonly (KeyObject | Buffer)[];
  /** The public address is https: the cookie is `Secure` and bound to the host by its name (RFC 6265bis, `__Host-`). */
  readonly secure: boolean;
}

/**
 * express-session under passport, over the rows of `SessionStore`. A session ends 30 minutes after its last request,
 * 8 hours after the sign-in, with the tenant, or by `signOut`. A browser that never signed in leaves no row and gets
 * no cookie. SameSite is Lax, because a customer arrives by a form that the marketplace's page posts.
 */
export function browserSessions({ store, clock, secrets, secure }: BrowserSessionsOptions): BrowserSessions {
  const name = secure ? "__Host-stallholder" : "stallholder";
  const cookie: CookieOptions = { path: "/", httpOnly: true, sameSite: "lax", secure };
  const passport = passportOfTenants();
  const bind = passport.initialize({ compat: false });

  return {
    middleware: [
      ...(secure ? [behindTls] : []),
      session({
        name,
        cookie,
        secret: [...secrets],
        store: new SessionStore(store, clock),
        genid: () => randomBytes(32).toString("base64url"),
        resave: false,
        saveUninitialized: false,
      }),
      passport.session(),
    ],
    signIn: (request, who) =>
      settled((done) => {
        // A strategy may have run under another Passport, which left its own session manager on the request.
        bind(request, request.res as Response, () => request.logIn(who, done));
      }),
    current: (request) => onlyLooking(request, clock.now()),
    open: async (response, who) => {
      const id = randomBytes(32).toString("base64url");
      await putSession(store, id, who.tenant, { cookie, passport: { user: who } }, clock.now());
      response.cookie(name, `s:${id}.${signed(id, secrets[0])}`, cookie);
    },
    signOut: async (request) => {
      await settled((done) => request.session.destroy(done));
      request.user = undefined;
      request.res?.clearCookie(name, cookie);
    },
  };
}

/**
 * The public address says that TLS ends in front of this process. Taken from there and not from a header, a proxy that
 * sends none costs nobody the session.
 */
const behindTls: RequestHandler = (request, _response, next) => {
  Object.defineProperty(request, "secure", { value: true });
  next();
};

/** Of an operator who looks on: nobody once the time is over, and a refusal of whatever is more than looking. */
function onlyLooking({ user, method }: Request, now: Date): SignedIn | undefined {
  if (user?.viewing === undefined) return user;
  if (Date.parse(user.viewing.until) <= now.getTime()) return undefined;
  if (method === "GET" || method === "HEAD") return user;
  throw new ProviderError(
    "view_only",
    "You are looking at this dashboard as the customer sees it. Nothing can be changed or revealed here, and nothing was.",
  );
}

/** As express-session signs the id in its cookie. */
function signed(id: string, secret: KeyObject | Buffer | undefined): string {
  if (secret === undefined) throw new Error("There is no secret to sign sessions with.");
  return createHmac("sha256", secret).update(id).digest("base64").replace(/=+$/, "");
}

/** What identifies a signed-in browser is small and never changes, so the session holds it whole. */
function passportOfTenants() {
  const passport = new Passport();
  passport.serializeUser((user, done) => done(null, user));
  passport.deserializeUser((user: SignedIn, done) => done(null, user));
  return passport;
}

function settled(start: (done: (fault?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((fault) => (fault ? reject(fault) : resolve()));
  });
}

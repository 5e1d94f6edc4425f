import { createHmac, type KeyObject, randomBytes } from "node:crypto";
import type { CookieOptions, Request, RequestHandler } from "express";
import session from "express-session";
import type { Clock } from "../../../clock.ts";
import type { Store } from "../../../isolation/isolation.ts";
import { sameSecret } from "../../../same-secret.ts";
import type { Person } from "../parts.ts";
import { SessionRows } from "./session-rows.ts";

export interface OperatorSessionsOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** The first signs; what another one has signed is still believed. */
  readonly secrets: readonly (KeyObject | Buffer)[];
  /** The public address is https. */
  readonly secure: boolean;
  readonly operatorToken: string | undefined;
}

/** Browsers in which operators are signed in, kept in PostgreSQL. */
export interface OperatorSessions {
  readonly middleware: readonly RequestHandler[];
  /** Starts a session under a new id; one that the browser brought along is dead afterwards. */
  signIn(request: Request, id: string): Promise<void>;
  /** Who is signed in, with the role as it is now. Nobody, too, when the shared token has changed since. */
  current(request: Request): Person | undefined;
  signOut(request: Request): Promise<void>;
}

/** The one whom the shared token lets in. */
export const SHARED = "token";

/** SameSite is Lax: who comes back from an identity provider comes from another site. */
export function operatorSessions(options: OperatorSessionsOptions): OperatorSessions {
  const { store, clock, secrets, secure, operatorToken } = options;
  const name = secure ? "__Secure-stallholder_console" : "stallholder_console";
  const cookie: CookieOptions = { path: "/console", httpOnly: true, sameSite: "lax", secure };
  const [key] = secrets;
  if (key === undefined) throw new Error("Sessions need a key.");
  /** Ties a session to the token that began it, and tells nothing of it. */
  const proof = createHmac("sha256", key).update(`console ${operatorToken}`).digest("base64url");
  const isProof = (given: string | undefined) =>
    operatorToken !== undefined && given !== undefined && sameSecret(given, proof);

  return {
    middleware: [
      ...(secure ? [behindTls] : []),
      session({
        name,
        cookie,
        secret: [...secrets],
        store: new SessionRows(store, clock),
        genid: () => randomBytes(32).toString("base64url"),
        resave: false,
        saveUninitialized: false,
      }),
    ],
    signIn: async (request, id) => {
      await settled((done) => request.session.regenerate(done));
      request.session.operator = id === SHARED ? { id, proof } : { id };
      await settled((done) => request.session.save(done));
    },
    current: ({ session: { operator, role } }) => {
      if (operator === undefined || role === undefined) return undefined;
      if (operator.id === SHARED && !isProof(operator.proof)) return undefined;
      return { id: operator.id, name: operator.id === SHARED ? "Shared token" : operator.id, role };
    },
    signOut: async (request) => {
      await settled((done) => request.session.destroy(done));
      request.res?.clearCookie(name, cookie);
    },
  };
}

/** The public address says that TLS ends in front of this process. */
const behindTls: RequestHandler = (request, _response, next) => {
  Object.defineProperty(request, "secure", { value: true });
  next();
};

function settled(start: (done: (fault?: unknown) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    start((fault) => (fault ? reject(fault) : resolve()));
  });
}

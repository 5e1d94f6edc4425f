import { callbackify } from "node:util";
import { type SessionData, Store as StoreOfSessions } from "express-session";
import type { Clock } from "../clock.ts";
import type { Store } from "../isolation/isolation.ts";
import { endSession, findSession, putSession, type SignedIn, touchSession } from "./sso.ts";

declare module "express-session" {
  interface SessionData {
    passport?: { readonly user?: SignedIn };
  }
}

type Done = (fault?: unknown) => void;
type Found = (fault: unknown, session?: SessionData | null) => void;

/**
 * Sessions as rows behind the doors of `sso.ts`. The usual store for PostgreSQL, connect-pg-simple, does not fit: it
 * brings its own pool, so it would go round the transaction wrapper and the serving role, it keeps session ids as they
 * are, and it reads the time from the database and the process instead of our clock.
 */
export class SessionStore extends StoreOfSessions {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    super();
    this.#store = store;
    this.#clock = clock;
  }

  get(id: string, found: Found): void {
    const find = async () => (await findSession(this.#store, id, this.#clock.now())) as SessionData | undefined;
    callbackify(find)(found);
  }

  /** A session in which nobody is signed in is not worth a row. */
  set(id: string, session: SessionData, done: Done = ignore): void {
    const tenant = session.passport?.user?.tenant;
    const write = () =>
      tenant === undefined
        ? endSession(this.#store, id)
        : putSession(this.#store, id, tenant, session, this.#clock.now());
    callbackify(write)(done);
  }

  /** Every request starts the idle time again. */
  override touch(id: string, _session: SessionData, done: Done = ignore): void {
    callbackify(() => touchSession(this.#store, id, this.#clock.now()))(done);
  }

  destroy(id: string, done: Done = ignore): void {
    callbackify(() => endSession(this.#store, id))(done);
  }
}

function ignore(): void {}

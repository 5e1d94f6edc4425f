import { createHash } from "node:crypto";
import { callbackify } from "node:util";
import { type SessionData, Store as StoreOfSessions } from "express-session";
import type { Clock } from "../../../clock.ts";
import type { Store } from "../../../isolation/isolation.ts";
import type { Role } from "../parts.ts";

declare module "express-session" {
  interface SessionData {
    /** The person of the console; absent while somebody is still at the identity provider. */
    operator?: { readonly id: string; readonly proof?: string };
    /** The page to go to after the sign-in. */
    wanted?: string;
    /** What openid-client keeps while somebody is away. */
    oidc?: unknown;
    /** The question that this browser took to the SAML identity provider. */
    samlRequest?: string;
    /** As the database has it now; nothing that a session keeps. */
    role?: Role;
  }
}

type Done = (fault?: unknown) => void;
type Found = (fault: unknown, session?: SessionData | null) => void;

/** A session ends after an hour without a request and after twelve in any case. */
const IDLE_MS = 3_600_000;
const LONGEST_MS = 12 * IDLE_MS;

const digestOf = (id: string): string => createHash("sha256").update(id).digest("base64url");

/** The sessions of operators as rows behind doors. Finding one counts as a request. */
export class SessionRows extends StoreOfSessions {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock) {
    super();
    this.#store = store;
    this.#clock = clock;
  }

  get(id: string, found: Found): void {
    callbackify(() => this.#find(id))(found);
  }

  async #find(id: string): Promise<SessionData | undefined> {
    const now = this.#clock.now();
    const before = (ms: number) => new Date(now.getTime() - ms);
    const [row] = await this.#store.throughDoor<{ session: SessionData | null }>({
      text: "select console_find_session($1, $2, $3, $4) as session",
      values: [digestOf(id), before(IDLE_MS), before(LONGEST_MS), now],
    });
    return row?.session ?? undefined;
  }

  set(id: string, session: SessionData, done: Done = ignore): void {
    const { role: _asItWas, ...data } = session;
    const put = () =>
      this.#store.throughDoor({
        text: "select console_put_session($1, $2, $3, $4)",
        values: [digestOf(id), session.operator?.id ?? null, JSON.stringify(data), this.#clock.now()],
      });
    callbackify(async () => {
      await put();
    })(done);
  }

  destroy(id: string, done: Done = ignore): void {
    const end = () => this.#store.throughDoor({ text: "select console_end_session($1)", values: [digestOf(id)] });
    callbackify(async () => {
      await end();
    })(done);
  }
}

function ignore(): void {}

import type { Clock } from "../../clock.ts";
import type { Tx } from "../../db/db.ts";
import type { CopyOptions } from "../copy/copy.ts";
import type { Store } from "../isolation.ts";
import type { Model } from "./names.ts";
import type { OpenSession } from "./session.ts";
import type { DatabaseLimits, WantedLogin } from "./site.ts";

/** What a tenant should have, as its plan, its standing and its credentials say. */
export interface Aim {
  /** `ended`: its data are kept for the grace. `never`: it came to nothing, and there is nothing to keep. */
  readonly standing: "open" | "suspended" | "ended" | "never";
  /** Absent where its plan is no longer sold: it stays where it is. */
  readonly model: Model | undefined;
  readonly limits: DatabaseLimits;
  readonly logins: readonly WantedLogin[];
}

/** What became of a tenant's data. */
export interface Happening {
  readonly type:
    | "retained"
    | "restored"
    | "removed"
    | "moved"
    | "move_failed"
    | "soft_mark"
    | "hard_mark"
    | "below_marks";
  readonly data: Readonly<Record<string, unknown>>;
}

export interface DatabasesOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Part of every name. */
  readonly environment: string;
  /** The administrator's, on the shared database. */
  readonly url: string;
  /** `host:port` as customers reach the server, where it differs. */
  readonly address?: string | undefined;
  /** What this transaction's tenant should have; undefined when there is no such tenant. */
  readonly aim: (tx: Tx) => Promise<Aim | undefined>;
  /** Tells of what became of its data. */
  readonly tell: (tx: Tx, tenant: string, happened: Happening) => Promise<void>;
  /** Told of each login that has a session open when the watcher looks: a use of it. */
  readonly sees?: ((tenant: string, login: string) => void) | undefined;
  /** For tests: what happens before a statement that copies. */
  readonly copying?: Pick<CopyOptions, "before">;
  /** For tests: how a session is opened. */
  readonly through?: (open: OpenSession) => OpenSession;
}

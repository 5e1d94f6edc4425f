import type { Clock } from "../../../clock.ts";
import type { AwsSession } from "./sts.ts";

/** What a kept session was made for: another word in any of these is another session. */
export interface SessionKey {
  readonly tenant: string;
  readonly purpose: string;
  readonly seconds: number;
}

export interface KeptSessions {
  /** The session kept under the key while most of its life is left, or a new one; whoever asks meanwhile waits for the same. */
  take(key: SessionKey, make: () => Promise<AwsSession>): Promise<AwsSession>;
  /** Nothing of the tenant's is handed out again. */
  forget(tenant: string): void;
}

interface Kept {
  readonly tenant: string;
  readonly session: Promise<AwsSession>;
  /** Unknown while it is made. */
  expiresAt: Date | undefined;
}

/** Whoever gets a kept session can use it for at least a third of its time. */
const LEAST_LEFT = 1 / 3;
const MOST = 5_000;

/** Sessions in memory and nowhere else; the oldest makes room. */
export function keptSessions(clock: Clock, most = MOST): KeptSessions {
  const kept = new Map<string, Kept>();

  const isGood = ({ expiresAt }: Kept, seconds: number): boolean =>
    expiresAt === undefined || expiresAt.getTime() - clock.now().getTime() > seconds * 1_000 * LEAST_LEFT;

  const start = (name: string, tenant: string, make: () => Promise<AwsSession>): Kept => {
    const entry: Kept = { tenant, session: make(), expiresAt: undefined };
    const drop = (): void => {
      if (kept.get(name) === entry) kept.delete(name);
    };
    entry.session.then(({ expiresAt }) => {
      entry.expiresAt = expiresAt;
    }, drop);
    return entry;
  };

  const dropEnded = (): void => {
    const now = clock.now();
    for (const [name, { expiresAt }] of kept) if (expiresAt !== undefined && expiresAt <= now) kept.delete(name);
  };

  return {
    take: ({ tenant, purpose, seconds }, make) => {
      const name = JSON.stringify([tenant, purpose, seconds]);
      const found = kept.get(name);
      if (found !== undefined && isGood(found, seconds)) return found.session;
      const entry = start(name, tenant, make);
      kept.delete(name);
      dropEnded();
      const [oldest] = kept.keys();
      if (kept.size >= most && oldest !== undefined) kept.delete(oldest);
      kept.set(name, entry);
      return entry.session;
    },
    forget: (tenant) => {
      for (const [name, entry] of kept) if (entry.tenant === tenant) kept.delete(name);
    },
  };
}

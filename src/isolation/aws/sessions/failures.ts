import type { Clock } from "../../../clock.ts";

/** An assumption that gave nothing. */
export interface FailedAssumption {
  readonly tenant: string;
  readonly purpose: string;
  readonly roleArn: string;
  readonly reason: string;
}

export interface Failures {
  /**
   * Runs `tell` for the first of its kind, then for one a minute at most, with the number of those in between that
   * nobody was told of: whoever asks in a loop fills no audit.
   */
  note(failed: FailedAssumption, tell: (untold: number) => Promise<void>): Promise<void>;
}

const QUIET_MS = 60_000;
const MOST = 5_000;

export function failures(clock: Clock): Failures {
  const told = new Map<string, { at: number; untold: number }>();
  return {
    note: async ({ tenant, purpose, roleArn, reason }, tell) => {
      const name = JSON.stringify([tenant, purpose, roleArn, reason]);
      const now = clock.now().getTime();
      const last = told.get(name);
      if (last !== undefined && now - last.at < QUIET_MS) {
        last.untold += 1;
        return;
      }
      told.delete(name);
      const [oldest] = told.keys();
      if (told.size >= MOST && oldest !== undefined) told.delete(oldest);
      told.set(name, { at: now, untold: 0 });
      await tell(last?.untold ?? 0);
    },
  };
}

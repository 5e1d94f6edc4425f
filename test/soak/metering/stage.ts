import type { Customer } from "./customer.ts";
import type { Crash } from "./points.ts";
import type { World } from "./world.ts";

/** A promise that was broken. */
export interface Violation {
  readonly rule: string;
  readonly said: string;
}

export interface Done {
  kills: number;
  freezes: number;
  connectionsEnded: number;
  restarts: number;
  outages: number;
}

/** A stretch of time in which nothing could be billed. */
export interface Down {
  readonly from: Date;
  until: Date;
}

export interface Stage {
  readonly world: World;
  readonly customers: readonly Customer[];
  /** Ordered and not met yet. */
  ordered: Crash | undefined;
  readonly downs: Down[];
  readonly done: Done;
  readonly faults: Record<string, number>;
}

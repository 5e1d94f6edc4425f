import type { UnreadableCode, UsageEvent } from "./usage-event.ts";

export type RefusalCode =
  | UnreadableCode
  | "usage_closed"
  | "usage_conflict"
  | "usage_early"
  | "usage_late"
  | "usage_unknown_dimension";

export type Verdict = "accepted" | "duplicate" | RefusalCode;

/** What stands behind the gate while a batch is judged and stored. Verdicts are added to `known` as they fall. */
export interface Admission {
  /** Which key table is written. */
  readonly generation: number;
  /** The start of the newest sealed hour, in ms. */
  readonly sealedThrough: number;
  /** What the database's clock says, in ms. */
  readonly clock: number;
  /** Tenants that are not there. */
  readonly unknown: ReadonlySet<string>;
  /** Tenants that have ended. */
  readonly closed: ReadonlySet<string>;
  readonly known: Map<string, string>;
}

const HOUR_MS = 3_600_000;
const EARLY_MS = 5 * 60_000;
const LATE_MS = 7 * 24 * HOUR_MS;

/**
 * What becomes of an event that arrived at `now`. A repeat comes first: what was once acknowledged stays so, even after its
 * tenant has ended or its time has become too old.
 */
export function judge(event: UsageEvent, now: number, admission: Admission, dimensions: ReadonlySet<string>): Verdict {
  const print = admission.known.get(event.key);
  if (print !== undefined) return print === event.print ? "duplicate" : "usage_conflict";
  if (admission.unknown.has(event.tenant)) return "tenant_not_found";
  if (admission.closed.has(event.tenant)) return "usage_closed";
  if (!dimensions.has(event.dimension)) return "usage_unknown_dimension";
  const at = event.at ?? now;
  if (at > now + EARLY_MS) return "usage_early";
  if (at < now - LATE_MS) return "usage_late";
  admission.known.set(event.key, event.print);
  return "accepted";
}

/** The hour whose record counts an event: its own, or the next open one where that is sealed. In ms. */
export function billedHour(at: number, sealedThrough: number): number {
  return Math.max(Math.floor(at / HOUR_MS) * HOUR_MS, sealedThrough + HOUR_MS);
}

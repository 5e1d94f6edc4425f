import fc from "fast-check";
import { DAY, HOUR } from "./clock.ts";
import type { Line } from "./metered-bazaar.ts";

/** One thing that may happen on a random day. */
export type Step =
  | {
      readonly kind: "use";
      readonly who: number;
      readonly thousandths: number;
      readonly ago: number;
      readonly tag: number;
    }
  | { readonly kind: "turn"; readonly minutes: number }
  | { readonly kind: "work"; readonly which: number }
  /** Calls begin and do not end before the next one of these, whatever happens meanwhile. */
  | { readonly kind: "report"; readonly which: number; readonly line: Line | "slow" }
  | { readonly kind: "land"; readonly line: "taken" | "lost" | "dropped" }
  | { readonly kind: "renew"; readonly who: number; readonly bills: "all" | "excess" | "none" }
  | { readonly kind: "lapse"; readonly who: number }
  | { readonly kind: "include"; readonly who: number; readonly quantity: number }
  | { readonly kind: "news"; readonly who: number }
  | { readonly kind: "unsubscribe"; readonly who: number }
  | { readonly kind: "end"; readonly who: number };

const who = fc.nat(2);
const which = fc.nat(1);
export const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant("use" as const),
      who,
      thousandths: fc.oneof(fc.constant(1_000), fc.nat(9_999), fc.constantFrom(3_000_000_000_000, 700)),
      ago: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 * HOUR }), fc.integer({ min: 0, max: 3 * DAY })),
      tag: fc.nat(3),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("turn" as const),
      minutes: fc.oneof(fc.constantFrom(1, 75, 75, 130), fc.integer({ min: 1, max: 30 * 60 })),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant("work" as const), which }) },
  {
    weight: 7,
    arbitrary: fc.record({
      kind: fc.constant("report" as const),
      which,
      line: fc.constantFrom<Line | "slow">(
        ...(["taken", "taken", "lost", "dropped", "throttled", "misconfigured", "unprocessed", "thrown"] as const),
        ...(["half unprocessed", "half missing", "slow", "slow"] as const),
      ),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant("land" as const), line: fc.constantFrom("taken", "lost", "dropped") }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant("renew" as const),
      who,
      bills: fc.constantFrom("all", "all", "excess", "excess", "none"),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("lapse" as const), who }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("include" as const), who, quantity: fc.nat(12) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("news" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("unsubscribe" as const), who }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("end" as const), who }) },
);

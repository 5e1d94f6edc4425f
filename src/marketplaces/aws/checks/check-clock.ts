import { type AwsFinding, fault, ok, warning } from "./finding.ts";

/** A date in a header is rounded to its second, and the answer took a while. */
const ROUNDING_MS = 5_000;
/** AWS refuses signatures that are further off. */
const REFUSED_MS = 5 * 60_000;

/** What AWS's answers said of our clock. */
export function checkSkew(aheadMs: number | undefined): AwsFinding[] {
  if (aheadMs === undefined) return [];
  const seconds = Math.round(Math.abs(aheadMs) / 1_000);
  const says = `our clock is ${seconds} s ${aheadMs > 0 ? "behind" : "ahead of"} AWS's`;
  if (seconds * 1_000 <= ROUNDING_MS) return [ok("aws-clock", "our clock is AWS's")];
  const cure = "Run a time service: usage is stamped with this clock.";
  return [seconds * 1_000 < REFUSED_MS ? warning("aws-clock", says, cure) : fault("aws-clock", says, cure)];
}

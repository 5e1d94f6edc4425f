import { setTimeout as sleep } from "node:timers/promises";
import type { Finding } from "../../../marketplaces/marketplace.ts";

/** A marketplace has so long to answer all that it is asked. */
const CHECK_MS = 5_000;
/** For what is on its way to end by itself. */
const GRACE_MS = 500;

/** What is found within the time; a marketplace that does not keep to it is a finding too. */
export async function checkInTime(
  name: string,
  check: (within: AbortSignal) => Promise<readonly Finding[]>,
  limitMs = CHECK_MS,
): Promise<readonly Finding[]> {
  const over = new AbortController();
  const late = sleep(limitMs + GRACE_MS, undefined, { signal: over.signal, ref: false });
  try {
    return await Promise.race([check(AbortSignal.timeout(limitMs)), late.then(() => [tooLate(name, limitMs)])]);
  } catch {
    return [{ check: name, verdict: "fault", says: "the test itself failed", cure: "Look at the log of the service." }];
  } finally {
    over.abort();
    late.catch(() => undefined);
  }
}

const tooLate = (name: string, limitMs: number): Finding => ({
  check: name,
  verdict: "fault",
  says: `it did not answer within ${limitMs / 1_000} s`,
  cure: "Look at the network, and test again.",
});

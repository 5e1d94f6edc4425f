import { HOUR_MS } from "../../durations.ts";
import { SELLER_ACCOUNT } from "./accounts.ts";
import type { Agreement } from "./agreement.ts";
import { newRegistrationToken } from "./ids.ts";
import { isContract } from "./products.ts";
import type { Aws, RegistrationToken } from "./world.ts";

/** After an end, usage from before it is still taken this long. */
export const FINAL_WINDOW_MS = HOUR_MS;
const TOKEN_LIFE_MS = 4 * HOUR_MS;

export type LicenceState = "scheduled" | "failed" | "active" | "ended";

export function licenceState(agreement: Agreement, now: Date): LicenceState {
  if (agreement.endedAt !== null) return "ended";
  if (agreement.paymentFails) return "failed";
  return agreement.startsAt > now ? "scheduled" : "active";
}

/** Whether usage may still be sent: while it is active, and an hour beyond its end. */
export function takesUsage(agreement: Agreement, now: Date): boolean {
  if (agreement.suspended || agreement.paymentFails || agreement.startsAt > now) return false;
  return agreement.endedAt === null || now.getTime() <= agreement.endedAt.getTime() + FINAL_WINDOW_MS;
}

/** Whether the instant lies in the period in which the licence was in force. */
export function coversInstant({ startsAt, endedAt }: Agreement, instant: Date): boolean {
  return instant >= startsAt && (endedAt === null || instant <= endedAt);
}

export function isOurs({ proposer }: Agreement): boolean {
  return proposer === SELLER_ACCOUNT;
}

/** Contract quantities in force: none before the start, and none after the end. */
export function entitlementsInForce(agreement: Agreement, now: Date): Agreement["quantities"] {
  const inForce = isContract(agreement.product) && licenceState(agreement, now) === "active";
  return inForce ? agreement.quantities : new Map();
}

/** A token that resolves, again and again, for four hours. */
export function giveToken(
  { state, clock }: Aws,
  agreement: Agreement,
  kind: "valid" | "expired" | "foreign" = "valid",
): string {
  const token = newRegistrationToken();
  const entry: RegistrationToken = {
    agreement,
    expiresAt: clock.in(kind === "expired" ? -1 : TOKEN_LIFE_MS),
    foreign: kind === "foreign",
  };
  state.tokens.set(token, entry);
  return token;
}

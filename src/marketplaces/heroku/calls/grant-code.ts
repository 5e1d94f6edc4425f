import { createHash } from "node:crypto";
import type { NewOwedCall, OwedCall } from "../../../deliveries/deliveries.ts";
import type { SealedPlace } from "../../../secrets/secrets.ts";
import { HEROKU, type HerokuOptions } from "../options.ts";
import type { CodeAge } from "../platform/grants.ts";
import { EXCHANGE_GRANT } from "./kinds.ts";

/** Heroku says five minutes; a code without a readable end gets as much. */
const CODE_LIVES_MS = 5 * 60_000;

/** How far ahead the end of a code may lie, for Heroku's clock need not be ours. */
const FURTHEST_MS = 3_600_000;

interface GivenCode {
  readonly resourceId: string;
  readonly code: string;
  readonly expiresAt: string | undefined;
}

/** Owes the exchange of a grant code, each in a lane of its own: a newer one must not wait for one that fails. */
export function exchangeCall({ vault, clock }: HerokuOptions, { resourceId, code, expiresAt }: GivenCode): NewOwedCall {
  const digest = createHash("sha256").update(code).digest("hex");
  const given = Date.parse(expiresAt ?? "");
  const now = clock.now().getTime();
  const ends = Number.isNaN(given) ? now + CODE_LIVES_MS : Math.min(given, now + FURTHEST_MS);
  return {
    marketplace: HEROKU,
    kind: EXCHANGE_GRANT,
    lane: `grant-${digest.slice(0, 16)}`,
    once: `grant-${digest}`,
    payload: { sealed: vault.seal(contextOf(resourceId), code), expires_at: new Date(ends).toISOString() },
  };
}

/** The code of an owed exchange; undefined once it was erased with the tenant. */
export function codeOf({ vault }: HerokuOptions, { payload, resourceId }: OwedCall): string | undefined {
  const { sealed } = payload;
  return typeof sealed === "string" ? vault.open(contextOf(resourceId), sealed) : undefined;
}

/** When the code ends by our clock: a clock of Heroku's that is ahead of it prolongs nothing. */
export function endOf(call: OwedCall): Date {
  return new Date(Math.min(ageOf(call).expiresAt.getTime(), call.createdAt.getTime() + CODE_LIVES_MS));
}

/** By the end that Heroku named: its codes are ordered by its clock. */
export const ageOf = ({ payload, sequence }: OwedCall): CodeAge => ({
  expiresAt: new Date(String(payload["expires_at"])),
  sequence,
});

/** Codes of calls that are owed, and of those that were. */
export const grantCodePlace: SealedPlace = {
  place: "owed_calls.payload",
  contextOf: (_key, resourceId) => contextOf(resourceId ?? ""),
};

/** By Heroku's id of the resource: ours is not made yet when the code arrives. */
const contextOf = (resourceId: string) => ({ tenant: resourceId, field: "heroku-code", id: resourceId });

import type { Purchase } from "./customer.ts";
import { type Evidence, keysOf, nameOf, purchasesOfTenant, type RecordRow, type Rules } from "./evidence.ts";
import { HOUR_MS, MINUTE_MS, STEP_MS } from "./time.ts";

const TOO_LATE = new Set(["carried_over", "too_late", "too_late_unknown"]);
const UNBILLABLE = new Set(["rejected", "not_subscribed", "no_payer"]);
const KNOWN = new Set([
  ...["billed", "billed_before", "nothing_to_bill", "not_metered"],
  ...TOO_LATE,
  ...UNBILLABLE,
  "conflict",
]);
/** Longer than a round of anything, with what is rounded to a step of the clock. */
const SLACK_MS = 10 * MINUTE_MS;
const SEALED_AFTER_MS = 70 * MINUTE_MS;

export const lossRules: Rules = {
  "every record has come to a named end": ({ records }) =>
    records.filter(({ verdict }) => !KNOWN.has(verdict ?? "")).map((record) => `${nameOf(record)} is ${record.state}.`),

  "nothing expires that could have been sent": (evidence) =>
    evidence.records
      .filter((record) => TOO_LATE.has(record.verdict ?? "") && !isExcused(evidence, record))
      .map((record) => storyOf(evidence, record)),

  "what nobody pays was used when nothing was bought": (evidence) =>
    evidence.records
      .filter((record) => UNBILLABLE.has(record.verdict ?? "") && isOwed(evidence, record))
      .map((record) => storyOf(evidence, record)),
};

/** All that is needed to tell whose fault it is: the same seed need not go the same way twice. */
function storyOf(evidence: Evidence, record: RecordRow): string {
  const { sealed_at, frozen_at, expires_at, billing_reference, outcomes, units, message, payers, closed } = record;
  const times = `sealed ${sealed_at.toISOString()}, frozen ${frozen_at?.toISOString()}, over ${expires_at?.toISOString()}`;
  const bought = purchasesOfTenant(evidence, record.tenant_id).map((one) => {
    const ended =
      one.ended_at === null ? "" : `${one.ended_at}, heard ${heardOf(evidence, one).join(" and ") || "never"}`;
    return `${one.agreement} ${one.model} ${one.status} ${one.licence} ${one.started_at} - ${ended}`;
  });
  return [
    `${nameOf(record)} of ${units} for ${billing_reference}: ${times}; ${outcomes ?? "never sent"}.`,
    message ?? "",
    `Bought: ${bought.join("; ")}.`,
    `Payers: ${payers ?? "none"}. Closed: ${closed ?? "no"}.`,
  ].join(" ");
}

const isExcused = (evidence: Evidence, record: RecordRow): boolean =>
  wasDown(evidence, record) || wasToldLate(evidence, record) || wasNeverOpen(record) || wasSuspended(evidence, record);

/**
 * Its licence was followed by another in the first minutes of the hour, which was sealed only when the old one's last
 * window closed. Nothing is lost: the one that follows is billed for it.
 */
function wasNeverOpen({ hour, expires_at, verdict }: RecordRow): boolean {
  return verdict === "carried_over" && (expires_at?.getTime() ?? 0) <= hour.getTime() + SEALED_AFTER_MS + SLACK_MS;
}

/**
 * A stretch of the soak's own making, from before it could first be sent until its time was over. Time goes in steps: what
 * was ready within the one before was not ready for any moment that came.
 */
function wasDown({ stage: { downs } }: Evidence, { hour, sealed_at, expires_at }: RecordRow): boolean {
  const sendable = Math.min(sealed_at.getTime(), hour.getTime() + SEALED_AFTER_MS);
  return downs.some(
    ({ from, until }) =>
      sendable >= from.getTime() - STEP_MS - SLACK_MS && (expires_at?.getTime() ?? 0) <= until.getTime() + SLACK_MS,
  );
}

/** Its purchase ended, and we heard of it when the last hour was nearly over. */
function wasToldLate({ endsHeard }: Evidence, { billing_reference, expires_at }: RecordRow): boolean {
  const [generation, first, second] = JSON.parse(billing_reference ?? "[]") as string[];
  const heard = endsHeard.get((generation === "licence" ? first : `${first}:${second}`) ?? "");
  return heard !== undefined && heard.getTime() >= (expires_at?.getTime() ?? 0) - SLACK_MS;
}

/** AWS called the customer not subscribed, whatever had become of earlier attempts. */
function wasSuspended(evidence: Evidence, { tenant_id }: RecordRow): boolean {
  const suspended = new Set(evidence.stage.customers.flatMap((customer) => [...customer.suspended]));
  return purchasesOfTenant(evidence, tenant_id).some(({ agreement }) => suspended.has(agreement));
}

/** All of the hour was bought, of an agreement that was never suspended, and it could be sent while AWS took it. */
function isOwed(evidence: Evidence, record: RecordRow): boolean {
  if (wasSuspended(evidence, record)) return false;
  const begins = record.hour.getTime();
  return purchasesOfTenant(evidence, record.tenant_id).some(
    (one) =>
      Date.parse(one.started_at) <= begins &&
      (one.ended_at === null ||
        (Date.parse(one.ended_at) >= begins + HOUR_MS && !hadEndedUnheard(evidence, one, record))),
  );
}

/**
 * AWS takes the usage of a purchase for an hour after its end. Where nobody told us of the end in that hour there was no
 * hurry, and what was ready within its last step was not ready for any moment that came.
 */
function hadEndedUnheard(evidence: Evidence, purchase: Purchase, { sealed_at }: RecordRow): boolean {
  const closes = Date.parse(purchase.ended_at ?? "") + HOUR_MS;
  const heard = heardOf(evidence, purchase);
  return heard.every((at) => Date.parse(at) >= closes - SLACK_MS) && sealed_at.getTime() >= closes - STEP_MS - SLACK_MS;
}

const heardOf = ({ endsHeard }: Evidence, purchase: Purchase): readonly string[] =>
  [purchase.agreement, ...keysOf(purchase)].flatMap((name) => endsHeard.get(name)?.toISOString() ?? []);

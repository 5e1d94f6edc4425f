import { DAY_MS, HOUR_MS } from "../../durations.ts";
import { type AwsError, awsError } from "../wire/answers.ts";

/** How far ahead a clock of the caller's may be. */
const SKEW_MS = 5 * 60_000;
const MONTH_GRACE_MS = 6 * HOUR_MS;

/** Usage is taken for 24 hours, and of the month before only until 06:00 UTC on the 1st. */
export function timestampFault(timestamp: Date, now: Date): AwsError | undefined {
  if (Number.isNaN(timestamp.getTime())) return outOfBounds("is no time");
  if (timestamp.getTime() > now.getTime() + SKEW_MS) return outOfBounds("is in the future");
  if (timestamp.getTime() <= now.getTime() - DAY_MS) return outOfBounds("is 24 hours old or more");
  const month = Date.UTC(now.getUTCFullYear(), now.getUTCMonth());
  if (timestamp.getTime() < month && now.getTime() >= month + MONTH_GRACE_MS)
    return outOfBounds("belongs to the previous month, which was closed at 06:00 UTC on the 1st");
  return undefined;
}

export function hourOf(timestamp: Date): Date {
  return new Date(Math.floor(timestamp.getTime() / HOUR_MS) * HOUR_MS);
}

function outOfBounds(why: string): AwsError {
  return awsError("TimestampOutOfBoundsException", `The timestamp of a usage record ${why}.`);
}

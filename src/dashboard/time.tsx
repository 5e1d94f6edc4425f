const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const absolute = new Intl.DateTimeFormat("en-GB", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** A unit serves until there are two of the next one: "90 minutes" says more than "1 hour". */
const units = [
  { below: 2 * HOUR, seconds: MINUTE, unit: "minute" },
  { below: 2 * DAY, seconds: HOUR, unit: "hour" },
  { below: 60 * DAY, seconds: DAY, unit: "day" },
  { below: Number.POSITIVE_INFINITY, seconds: 30 * DAY, unit: "month" },
] as const;

/** "2 hours ago", "in 3 days", "just now". */
export function fromNow(at: Date, now: Date): string {
  const seconds = (at.getTime() - now.getTime()) / 1000;
  const distance = Math.abs(seconds);
  if (distance < MINUTE) return seconds > 0 ? "in less than a minute" : "just now";
  const { seconds: size, unit } = units.find(({ below }) => distance < below) ?? units[3];
  return relative.format(Math.round(seconds / size), unit);
}

/** "10 May 2026, 10:01 UTC" */
function inUtc(at: Date): string {
  return `${absolute.format(at)} UTC`;
}

/** A moment both ways: how long ago, and when exactly. */
export function Moment({ at, now }: { at: Date; now: Date }) {
  return (
    <time class="moment" dateTime={at.toISOString()}>
      {fromNow(at, now)} <span class="exactly">({inUtc(at)})</span>
    </time>
  );
}

import { daysKept } from "./removal.tsx";
import type { CustomerView } from "./view.ts";

const DAY_MS = 86_400_000;

/** On every page of a purchase that is about to end: when, in how long, and what goes then. */
export function EndingBanner({ view }: { view: CustomerView }) {
  const { texts, now } = view;
  const { ending } = texts;
  if (ending === undefined) return null;
  return (
    <p class="status wait" role="note">
      <strong class="badge">Ending</strong> {ending.why} Removed on{" "}
      <time dateTime={ending.at.toISOString()}>{dateOf(ending.at)}</time>, {countdown(ending.at, now)}: then every
      credential is refused and this dashboard closes. {dataAfter(view)}{" "}
      <a href="/dashboard#data">Export your data before that.</a>
    </p>
  );
}

const dateOf = (at: Date): string => `${at.toISOString().slice(0, 16).replace("T", " ")} UTC`;

/** "in 12 days", "in 5 hours": what is begun counts. */
function countdown(at: Date, now: Date): string {
  const left = at.getTime() - now.getTime();
  if (left <= 0) return "any moment now";
  const [count, unit] = left > 2 * DAY_MS ? [left / DAY_MS, "day"] : [left / 3_600_000, "hour"];
  const whole = Math.ceil(count);
  return `in ${whole} ${unit}${whole === 1 ? "" : "s"}`;
}

function dataAfter(view: CustomerView): string {
  const days = daysKept(view);
  if (days === undefined) return `What ${view.product} keeps for you is removed.`;
  if (days === 0) return "The data of your database are removed at once.";
  return `The data of your database are kept for ${days} days more, and then removed for good.`;
}

/** AWS Marketplace takes usage of a month until 06:00 UTC on the 1st of the next. */
const GRACE_HOURS = 6;

const monthWords = new Intl.DateTimeFormat("en", { month: "long", year: "numeric", timeZone: "UTC" });

/** Which month is closed next, and when. `last`: its hours are over, only the six hours of grace are left. */
export function monthEnd(now: Date): { readonly month: string; readonly end: Date; readonly last: boolean } {
  const [year, month] = [now.getUTCFullYear(), now.getUTCMonth()];
  const early = new Date(Date.UTC(year, month, 1, GRACE_HOURS));
  const last = now < early;
  const closed = new Date(Date.UTC(year, last ? month - 1 : month));
  return {
    month: monthWords.format(closed),
    end: last ? early : new Date(Date.UTC(year, month + 1, 1, GRACE_HOURS)),
    last,
  };
}

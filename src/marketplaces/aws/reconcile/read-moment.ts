const ZONED = /(?:Z|[+-]\d\d:?\d\d|UTC|GMT)$/i;

/**
 * A moment as AWS's exports write it: ISO 8601, a day, a month, words such as `May 10, 2026, 10:00:00 AM`, or a number of
 * seconds or milliseconds. Without a zone it is UTC. Undefined when it is none.
 */
export function readMoment(value: unknown): Date | undefined {
  if (typeof value === "number") return valid(new Date(value < 100_000_000_000 ? value * 1_000 : value));
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const text = value.trim();
  if (/^\d{4}-\d{2}$/.test(text)) return valid(new Date(`${text}-01T00:00:00Z`));
  if (/^\d{9,13}(?:\.\d+)?$/.test(text)) return readMoment(Number(text));
  if (!/\d{4}/.test(text)) return undefined;
  if (/^\d{4}-\d{2}-\d{2}$/.test(text)) return valid(new Date(`${text}T00:00:00Z`));
  return valid(new Date(ZONED.test(text) ? text : `${text} UTC`));
}

const valid = (date: Date): Date | undefined => (Number.isNaN(date.getTime()) ? undefined : date);

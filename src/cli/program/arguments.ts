import { InvalidArgumentError } from "commander";

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400 };

export function moment(text: string): Date {
  const date = new Date(text);
  if (Number.isNaN(date.getTime())) throw new InvalidArgumentError("It is no time such as 2026-05-10T10:00Z.");
  return date;
}

/** In seconds. */
export function duration(text: string): number {
  const [, amount, unit = "s"] = /^(\d{1,7})([smhd])?$/.exec(text) ?? [];
  const seconds = Number(amount) * (UNITS[unit] ?? Number.NaN);
  if (seconds <= 604_800) return seconds;
  throw new InvalidArgumentError("It is a time of at most seven days, such as 90s, 15m, 2h or 0.");
}

export function percentage(text: string): number {
  const share = Number(/^(\d{1,3}(\.\d{1,4})?)%?$/.exec(text)?.[1]);
  if (share <= 100) return share;
  throw new InvalidArgumentError("It is a share from 0% to 100%.");
}

export function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is a whole number from ${least} to ${most}.`);
  };
}

export function days(text: string): number {
  const number = Number(text);
  if (!Number.isInteger(number) || number < 1 || number > 365) throw new InvalidArgumentError("It is 1 to 365 days.");
  return number;
}

export function witnessed(text: string): { sequence: number; hash: string } {
  const [, sequence, hash] = /^(\d{1,15}):([0-9a-f]{64})$/.exec(text) ?? [];
  if (sequence === undefined || hash === undefined)
    throw new InvalidArgumentError("It is an anchor's number and hash, such as 17:9f86….");
  return { sequence: Number(sequence), hash };
}

/** One of these words and no other: a marketplace that has the command, or a kind of file. */
export function oneOf<Word extends string>(...known: readonly Word[]): (name: string) => Word {
  return (name) => {
    const word = known.find((one) => one === name);
    if (word !== undefined) return word;
    throw new InvalidArgumentError(`It knows ${known.join(", ")}.`);
  };
}

export function accountNumber(text: string): string {
  if (/^\d{12}$/.test(text)) return text;
  throw new InvalidArgumentError("It is the number of an account, twelve digits.");
}

export function roleName(text: string): string {
  if (/^[a-z][a-z0-9_]{2,62}$/.test(text) && !/^(pg_|stallholder_|usage_writer$)/.test(text)) return text;
  const bytes = Buffer.byteLength(text);
  if (bytes > 63)
    throw new InvalidArgumentError(`PostgreSQL cuts the names of roles at 63 bytes, and this one has ${bytes}.`);
  throw new InvalidArgumentError(
    "It is 3 to 63 small letters, digits and _, a letter first, and none of our own roles.",
  );
}

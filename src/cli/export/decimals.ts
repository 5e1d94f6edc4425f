/** The exact sum of two decimals that are not negative. */
export function addDecimals(one: string, other: string): string {
  const digits = Math.max(fractionOf(one), fractionOf(other));
  const sum = written(scaled(one, digits) + scaled(other, digits), digits);
  return digits === 0 ? sum : sum.replace(/\.?0+$/, "");
}

/** A whole number over another, to so many places, the last one rounded half up. */
export function quotient(dividend: string, divisor: number, places: number): string {
  const by = BigInt(divisor);
  return written((BigInt(dividend) * 10n ** BigInt(places) * 2n + by) / (by * 2n), places);
}

const fractionOf = (decimal: string): number => decimal.split(".")[1]?.length ?? 0;

function scaled(decimal: string, digits: number): bigint {
  const [whole = "0", fraction = ""] = decimal.split(".");
  return BigInt(whole + fraction.padEnd(digits, "0"));
}

function written(value: bigint, digits: number): string {
  if (digits === 0) return `${value}`;
  const text = `${value}`.padStart(digits + 1, "0");
  return `${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

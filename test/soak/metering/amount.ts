/** Amounts of usage, exact: in millionths of a unit. */
const DIGITS = 6;
export const UNIT = 10n ** BigInt(DIGITS);
const DECIMAL = /^(-?)(\d+)(?:\.(\d+))?$/;

/** Reads a decimal as the product sends it, or as PostgreSQL writes it. Throws for more digits than are kept. */
export function amountOf(text: string | number): bigint {
  const [, sign = "", whole = "", fraction = ""] = DECIMAL.exec(String(text)) ?? [];
  const digits = fraction.replace(/0+$/, "");
  if (whole === "" || digits.length > DIGITS) throw new RangeError(`${text} is no amount here.`);
  const amount = BigInt(whole) * UNIT + BigInt(digits.padEnd(DIGITS, "0"));
  return sign === "-" ? -amount : amount;
}

export function textOf(amount: bigint): string {
  const [sign, size] = amount < 0n ? ["-", -amount] : ["", amount];
  const fraction = String(size % UNIT)
    .padStart(DIGITS, "0")
    .replace(/0+$/, "");
  return `${sign}${size / UNIT}${fraction === "" ? "" : `.${fraction}`}`;
}

export const sumOf = <T>(list: readonly T[], amount: (one: T) => bigint): bigint =>
  list.reduce((sum, one) => sum + amount(one), 0n);

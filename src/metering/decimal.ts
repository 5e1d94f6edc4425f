const MOST_DIGITS = 15;
const LARGEST = 10 ** MOST_DIGITS - 1;
const DECIMAL = /^(0|[1-9]\d*)(?:\.(\d+))?$/;

/**
 * A quantity in its shortest exact form (`"3.50"` → `3.5`), or undefined for what is none: it must be an integer, or text of a
 * decimal, not negative, with at most 15 digits. A number with a fraction is refused, since it has been rounded already.
 */
export function decimalOf(value: unknown): string | undefined {
  if (typeof value === "number")
    return Number.isInteger(value) && value >= 0 && value <= LARGEST ? `${value}` : undefined;
  if (typeof value !== "string" || value.length > MOST_DIGITS + 1) return undefined;
  const [, whole, fraction = ""] = DECIMAL.exec(value) ?? [];
  if (whole === undefined || whole.length + fraction.length > MOST_DIGITS) return undefined;
  const shortest = fraction.replace(/0+$/, "");
  return shortest === "" ? whole : `${whole}.${shortest}`;
}

/** For an answer: a number where that is exact, else text, which is how a quantity comes in as well. */
export function quantityJson(decimal: string): number | string {
  const number = Number(decimal);
  return Number.isSafeInteger(number) ? number : decimal;
}

export const MOST_UNITS = 2_147_483_647;

export function isUnits(value: unknown): value is number {
  return typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= MOST_UNITS;
}

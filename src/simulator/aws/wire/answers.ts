import type { JsonObject } from "../../json.ts";

/** An error by its name, as the SDK's clients know it. */
export interface AwsError {
  readonly error: string;
  readonly message: string;
  /** 400 unless given. */
  readonly status?: number;
  /** What the query protocol called it: `<code>;<fault>`, in a header of its own. */
  readonly queryCode?: string;
}

export function awsError(error: string, message: string, status = 400): AwsError {
  return { error, message, status };
}

export function isAwsError(value: object): value is AwsError {
  return "error" in value && "message" in value;
}

/** Absent optionals are left out, and times are seconds with a fraction. */
export function onWire(object: Readonly<Record<string, unknown>>): JsonObject {
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]) => {
      if (value === undefined || value === null) return [];
      return [[name, value instanceof Date ? value.getTime() / 1000 : value]];
    }),
  );
}

import type { z } from "zod";
import { ProviderError } from "../errors.ts";

/** `value` as the schema reads it, or `request_malformed` with every fault at its place. */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => ({
    at: `/${issue.path.map(String).join("/")}`,
    message: issue.message,
  }));
  throw new ProviderError("request_malformed", "The request is malformed.", { faults });
}

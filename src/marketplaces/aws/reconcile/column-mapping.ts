import { z } from "zod";
import type { Fault } from "../../../errors.ts";

const column = z.string().min(1, "must name a column");

const schema = z.strictObject({
  columns: z.strictObject({
    /** Whose units: at least one of the three. */
    licence: column.optional(),
    account: column.optional(),
    customer: column.optional(),
    product: column.optional(),
    dimension: column,
    quantity: column,
    /** When the period of a line begins, and when it ends (not included). */
    from: column,
    until: column.optional(),
  }),
  /** How long the period of a line is, where no column says when it ends. */
  length: z.enum(["hour", "day", "month"]).default("month"),
  delimiter: z.string().length(1).default(","),
});

/** Which column of the seller's report says what. */
export type ColumnMapping = z.output<typeof schema>;

/**
 * The names this service expects when no mapping file says otherwise. They are inferred: AWS's reports differ between
 * kinds and change with time.
 */
export const inferredMapping: ColumnMapping = {
  columns: {
    licence: "License ARN",
    account: "Subscriber AWS Account ID",
    customer: "Customer Identifier",
    product: "Product Code",
    dimension: "Dimension",
    quantity: "Usage Quantity",
    from: "Usage Start Date",
    until: "Usage End Date",
  },
  length: "month",
  delimiter: ",",
};

/** Reads a mapping file; every fault at the member it is in. */
export function readMapping(text: string): ColumnMapping | readonly Fault[] {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return [{ at: "", message: "is not JSON" }];
  }
  const parsed = schema.safeParse(json);
  if (!parsed.success) return parsed.error.issues.map(({ path, message }) => ({ at: `/${path.join("/")}`, message }));
  const { licence, account, customer } = parsed.data.columns;
  if ((licence ?? account ?? customer) !== undefined) return parsed.data;
  return [{ at: "/columns", message: "must name a column for the licence, the account or the customer" }];
}

/** What is known of a request beside who, what and on what: condition keys to their values. */
export type Context = ReadonlyMap<string, readonly string[]>;

/** Names of condition keys are not case-sensitive (IAM user guide, "IAM JSON policy elements: Condition"). */
export function contextOf(given: Readonly<Record<string, string | readonly string[]>>): Context {
  return new Map(
    Object.entries(given).map(([key, value]) => [key.toLowerCase(), typeof value === "string" ? [value] : value]),
  );
}

/** Undefined = the key is not in the request; a key of many values may be there without any. */
export function valuesOf(context: Context, key: string): readonly string[] | undefined {
  return context.get(key.toLowerCase());
}

import { type Context, valuesOf } from "./context.ts";
import { operatorOf } from "./operators.ts";
import { patternOf } from "./pattern.ts";
import type { Condition } from "./policy.ts";

/**
 * Whether a condition holds. What it means that a key is missing from the request: false, true for a negated operator and
 * with `IfExists`, true for `ForAllValues` and false for `ForAnyValue`. (IAM user guide, "IAM JSON policy elements:
 * Condition operators" and "Multivalued context keys".)
 */
export function holds(condition: Condition, context: Context, variables: boolean): boolean {
  const given = valuesOf(context, condition.key);
  const { operator } = condition;
  if (operator.base === "Null") return isAbsent(given) === (condition.values[0]?.toLowerCase() === "true");
  if (given === undefined && operator.ifExists) return true;
  const fits = fitting(condition, context, variables);
  if (operator.set === "ForAllValues") return (given ?? []).every(fits);
  if (operator.set === "ForAnyValue") return (given ?? []).some(fits);
  if (given === undefined || given.length === 0) return operatorOf(operator).negated;
  return given.every(fits);
}

function isAbsent(given: readonly string[] | undefined): boolean {
  return given === undefined || given.length === 0;
}

/** One value of the request against all of the policy's: one of them fits, or for a negated operator none does. */
function fitting({ operator, values }: Condition, context: Context, variables: boolean): (given: string) => boolean {
  const { compare, negated, variables: filled } = operatorOf(operator);
  const wanted = values.flatMap((value) => {
    const pattern = patternOf(value, variables && filled ? context : undefined);
    return pattern === undefined ? [] : [pattern];
  });
  return (given) => wanted.some((pattern) => compare(given, pattern)) !== negated;
}

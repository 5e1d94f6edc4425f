import { isArnLike } from "./arns.ts";
import { isLike, literalOf, type Pattern } from "./pattern.ts";

/** Compares one value of the request with one of the policy. */
type Comparison = (given: string, wanted: Pattern) => boolean;

export interface OperatorName {
  readonly base: string;
  readonly set: "ForAllValues" | "ForAnyValue" | undefined;
  readonly ifExists: boolean;
}

export interface Operator {
  readonly compare: Comparison;
  /** Holds when none of the policy's values fits. */
  readonly negated: boolean;
  /** Variables are filled in for texts and ARNs, for nothing else. */
  readonly variables: boolean;
}

const equal: Comparison = (given, wanted) => given === literalOf(wanted);
const equalIgnoringCase: Comparison = (given, wanted) => given.toLowerCase() === literalOf(wanted).toLowerCase();
const like: Comparison = (given, wanted) => isLike(wanted, given);
const arnLike: Comparison = (given, wanted) => isArnLike(wanted, given);

const numbers = (holds: (given: number, wanted: number) => boolean): Comparison => {
  return (given, wanted) => comparable(Number(given), Number(literalOf(wanted)), holds);
};
const dates = (holds: (given: number, wanted: number) => boolean): Comparison => {
  return (given, wanted) => comparable(moment(given), moment(literalOf(wanted)), holds);
};

/** What is no number or no date compares with nothing. */
function comparable(given: number, wanted: number, holds: (given: number, wanted: number) => boolean): boolean {
  return !(Number.isNaN(given) || Number.isNaN(wanted)) && holds(given, wanted);
}

/** ISO 8601, or seconds since 1970. */
function moment(text: string): number {
  return /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1_000 : Date.parse(text);
}

const text = (compare: Comparison, negated = false): Operator => ({ compare, negated, variables: true });
const plain = (compare: Comparison, negated = false): Operator => ({ compare, negated, variables: false });

/** Those of "IAM JSON policy elements: Condition operators", without addresses and binary values; `Null` is apart. */
const OPERATORS: Readonly<Record<string, Operator>> = {
  StringEquals: text(equal),
  StringNotEquals: text(equal, true),
  StringEqualsIgnoreCase: text(equalIgnoringCase),
  StringNotEqualsIgnoreCase: text(equalIgnoringCase, true),
  StringLike: text(like),
  StringNotLike: text(like, true),
  ArnEquals: text(arnLike),
  ArnLike: text(arnLike),
  ArnNotEquals: text(arnLike, true),
  ArnNotLike: text(arnLike, true),
  Bool: plain(equalIgnoringCase),
  NumericEquals: plain(numbers((given, wanted) => given === wanted)),
  NumericNotEquals: plain(
    numbers((given, wanted) => given === wanted),
    true,
  ),
  NumericLessThan: plain(numbers((given, wanted) => given < wanted)),
  NumericLessThanEquals: plain(numbers((given, wanted) => given <= wanted)),
  NumericGreaterThan: plain(numbers((given, wanted) => given > wanted)),
  NumericGreaterThanEquals: plain(numbers((given, wanted) => given >= wanted)),
  DateEquals: plain(dates((given, wanted) => given === wanted)),
  DateNotEquals: plain(
    dates((given, wanted) => given === wanted),
    true,
  ),
  DateLessThan: plain(dates((given, wanted) => given < wanted)),
  DateLessThanEquals: plain(dates((given, wanted) => given <= wanted)),
  DateGreaterThan: plain(dates((given, wanted) => given > wanted)),
  DateGreaterThanEquals: plain(dates((given, wanted) => given >= wanted)),
};

const NAME = /^(?:(ForAllValues|ForAnyValue):)?([A-Za-z]+?)(IfExists)?$/;

/** Undefined for what is no operator, and for `NullIfExists`, which AWS does not take. */
export function readOperator(name: string): OperatorName | undefined {
  const [, set, base = "", ifExists] = NAME.exec(name) ?? [];
  const known = Object.hasOwn(OPERATORS, base) || (base === "Null" && set === undefined && ifExists === undefined);
  if (!known) return undefined;
  return { base, set: set as OperatorName["set"], ifExists: ifExists !== undefined };
}

export function operatorOf({ base }: OperatorName): Operator {
  const operator = OPERATORS[base];
  if (operator === undefined) throw new Error(`There is no operator ${base}.`);
  return operator;
}

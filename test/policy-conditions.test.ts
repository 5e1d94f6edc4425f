import type { AccessRequest } from "../src/simulator/aws/judge/judge.ts";
import { conditionHolds, type Json } from "./support/judging.ts";

// Pages of the IAM user guide, with the section.
const CONDITION = "IAM JSON policy elements: Condition";
const STRING = "Condition operators: String";
const NUMERIC = "Condition operators: Numeric";
const DATE = "Condition operators: Date";
const BOOLEAN = "Condition operators: Boolean";
const ARN = "Condition operators: ARN";
const EXISTS = "Condition operators: IfExists";
const NULL = "Condition operators: Null";
const MANY = "Conditions with multiple context keys or values";
const SETS = "Set operators for multivalued context keys";

type Context = AccessRequest["context"];
type Case = readonly [rule: string, title: string, block: Json, context: Context, holds: boolean];

const of = (operator: string, value: unknown, key = "aws:x"): Json => ({ [operator]: { [key]: value } });
const x = (value: string | readonly string[]): Context => ({ "aws:x": value });
const ROLE = "arn:aws:iam::111122223333:role/team/a";

const plain: readonly Case[] = [
  [CONDITION, "an absent key does not match", of("StringEquals", "a"), {}, false],
  [CONDITION, "the names of keys ignore their case", of("StringEquals", "a", "AWS:X"), x("a"), true],
  [
    CONDITION,
    "tag keys in them too",
    of("StringEquals", "a", "aws:PrincipalTag/tenantid"),
    { "aws:PrincipalTag/TenantID": "a" },
    true,
  ],
  [CONDITION, "an empty condition holds", {}, {}, true],
  [STRING, "StringEquals", of("StringEquals", "a"), x("a"), true],
  [STRING, "StringEquals with another", of("StringEquals", "a"), x("b"), false],
  [STRING, "StringEquals minds the case", of("StringEquals", "a"), x("A"), false],
  [STRING, "StringEquals knows no wildcard", of("StringEquals", "a*"), x("ab"), false],
  [STRING, "StringEquals takes * as text", of("StringEquals", "a*"), x("a*"), true],
  [STRING, "StringNotEquals", of("StringNotEquals", "a"), x("b"), true],
  [STRING, "StringNotEquals with the same", of("StringNotEquals", "a"), x("a"), false],
  [STRING, "StringNotEquals of an absent key", of("StringNotEquals", "a"), {}, true],
  [STRING, "StringEqualsIgnoreCase", of("StringEqualsIgnoreCase", "aB"), x("Ab"), true],
  [STRING, "StringEqualsIgnoreCase with another", of("StringEqualsIgnoreCase", "ab"), x("abc"), false],
  [STRING, "StringEqualsIgnoreCase of an absent key", of("StringEqualsIgnoreCase", "ab"), {}, false],
  [STRING, "StringNotEqualsIgnoreCase", of("StringNotEqualsIgnoreCase", "ab"), x("AB"), false],
  [STRING, "StringNotEqualsIgnoreCase of an absent key", of("StringNotEqualsIgnoreCase", "ab"), {}, true],
  [STRING, "StringLike with *", of("StringLike", "a*c"), x("abbc"), true],
  [STRING, "StringLike with * for nothing", of("StringLike", "a*"), x("a"), true],
  [STRING, "StringLike with ?", of("StringLike", "a?c"), x("abc"), true],
  [STRING, "StringLike with ? for nothing", of("StringLike", "a?c"), x("ac"), false],
  [STRING, "StringLike counts its ?", of("StringLike", "???"), x("abcd"), false],
  [STRING, "StringLike is of the whole text", of("StringLike", "b"), x("abc"), false],
  [STRING, "StringLike minds the case", of("StringLike", "a*"), x("Ab"), false],
  [STRING, "StringLike of an absent key", of("StringLike", "*"), {}, false],
  [STRING, "StringLike of an empty text", of("StringLike", "a/*"), x(""), false],
  [STRING, "StringLike * of an empty text", of("StringLike", "*"), x(""), true],
  [STRING, "StringNotLike", of("StringNotLike", "a*"), x("b"), true],
  [STRING, "StringNotLike with what is like it", of("StringNotLike", "a*"), x("ab"), false],
  [STRING, "StringNotLike of an absent key", of("StringNotLike", "a*"), {}, true],
  [NUMERIC, "NumericEquals compares numbers", of("NumericEquals", "10"), x("10.0"), true],
  [NUMERIC, "NumericEquals takes numbers as such", of("NumericEquals", 10), x("10"), true],
  [NUMERIC, "NumericNotEquals", of("NumericNotEquals", 10), x("11"), true],
  [NUMERIC, "NumericNotEquals of an absent key", of("NumericNotEquals", 10), {}, true],
  [NUMERIC, "NumericLessThan is no comparison of texts", of("NumericLessThan", 10), x("9"), true],
  [NUMERIC, "NumericLessThan at the limit", of("NumericLessThan", 10), x("10"), false],
  [NUMERIC, "NumericLessThanEquals at the limit", of("NumericLessThanEquals", 10), x("10"), true],
  [NUMERIC, "NumericGreaterThan", of("NumericGreaterThan", 10), x("11"), true],
  [NUMERIC, "NumericGreaterThan at the limit", of("NumericGreaterThan", 10), x("10"), false],
  [NUMERIC, "NumericGreaterThanEquals below the limit", of("NumericGreaterThanEquals", 10), x("9.5"), false],
  [NUMERIC, "an absent number does not match", of("NumericLessThan", 10), {}, false],
  [DATE, "DateLessThan", of("DateLessThan", "2026-01-02T00:00:00Z"), x("2026-01-01T23:59:59Z"), true],
  [DATE, "DateLessThan at the moment", of("DateLessThan", "2026-01-02T00:00:00Z"), x("2026-01-02T00:00:00Z"), false],
  [
    DATE,
    "DateLessThan minds the offset",
    of("DateLessThan", "2026-01-02T00:00:00Z"),
    x("2026-01-02T00:30:00+01:00"),
    true,
  ],
  [
    DATE,
    "DateLessThanEquals at the moment",
    of("DateLessThanEquals", "2026-01-02T00:00:00Z"),
    x("2026-01-02T00:00:00Z"),
    true,
  ],
  [DATE, "DateGreaterThan", of("DateGreaterThan", "2026-01-02T00:00:00Z"), x("2026-01-03T00:00:00Z"), true],
  [DATE, "seconds since 1970 are dates", of("DateGreaterThan", "1000"), x("1970-01-01T00:20:00Z"), true],
  [DATE, "DateEquals", of("DateEquals", "2026-01-02T00:00:00Z"), x("2026-01-02T01:00:00+01:00"), true],
  [DATE, "DateNotEquals of an absent key", of("DateNotEquals", "2026-01-02T00:00:00Z"), {}, true],
  [DATE, "an absent date does not match", of("DateLessThan", "2026-01-02T00:00:00Z"), {}, false],
  [BOOLEAN, "Bool", of("Bool", "true"), x("true"), true],
  [BOOLEAN, "Bool takes booleans as such", of("Bool", false), x("false"), true],
  [BOOLEAN, "Bool with the opposite", of("Bool", "true"), x("false"), false],
  [BOOLEAN, "Bool of an absent key", of("Bool", "false"), {}, false],
  [ARN, "ArnEquals", of("ArnEquals", ROLE), x(ROLE), true],
  [ARN, "ArnEquals takes wildcards as ArnLike does", of("ArnEquals", "arn:aws:iam::*:role/team/*"), x(ROLE), true],
  [ARN, "ArnLike compares each component by itself", of("ArnLike", "arn:aws:*:role/team/a"), x(ROLE), false],
  [
    ARN,
    "ArnLike goes beyond slashes in the last one",
    of("ArnLike", "arn:aws:iam::111122223333:role/*"),
    x(ROLE),
    true,
  ],
  [ARN, "ArnLike of another account", of("ArnLike", "arn:aws:iam::444455556666:role/*"), x(ROLE), false],
  [ARN, "ArnLike of what is no ARN", of("ArnLike", "arn:aws:iam::*:role/*"), x("role/a"), false],
  [ARN, "ArnNotLike", of("ArnNotLike", "arn:aws:iam::444455556666:role/*"), x(ROLE), true],
  [ARN, "ArnNotEquals of an absent key", of("ArnNotEquals", ROLE), {}, true],
  [EXISTS, "an absent key holds", of("StringEqualsIfExists", "a"), {}, true],
  [EXISTS, "a key that is there is compared", of("StringEqualsIfExists", "a"), x("b"), false],
  [EXISTS, "and may fit", of("StringLikeIfExists", "a*"), x("ab"), true],
  [EXISTS, "numbers too", of("NumericLessThanIfExists", 5), {}, true],
  [EXISTS, "Bool too", of("BoolIfExists", "true"), x("false"), false],
  [NULL, "true: the key must be absent", of("Null", "true"), {}, true],
  [NULL, "true: but it is there", of("Null", "true"), x("a"), false],
  [NULL, "false: the key must be there", of("Null", "false"), x("a"), true],
  [NULL, "false: but it is absent", of("Null", "false"), {}, false],
  [NULL, "a key without any value is absent", of("Null", "false"), x([]), false],
  [NULL, "false as a boolean", of("Null", false), x("a"), true],
  [MANY, "values of one key are alternatives", of("StringEquals", ["a", "b"]), x("b"), true],
  [MANY, "none of them fits", of("StringEquals", ["a", "b"]), x("c"), false],
  [MANY, "negated, none of them may fit", of("StringNotEquals", ["a", "b"]), x("b"), false],
  [MANY, "negated, and none does", of("StringNotLike", ["a*", "b*"]), x("c"), true],
  [
    MANY,
    "keys of one operator all have to fit",
    { StringEquals: { "aws:x": "a", "aws:y": "b" } },
    { ...x("a"), "aws:y": "b" },
    true,
  ],
  [
    MANY,
    "one of the keys does not",
    { StringEquals: { "aws:x": "a", "aws:y": "b" } },
    { ...x("a"), "aws:y": "c" },
    false,
  ],
  [
    MANY,
    "operators all have to hold",
    { StringLike: { "aws:x": "a*" }, StringNotEquals: { "aws:x": "ab" } },
    x("ac"),
    true,
  ],
  [
    MANY,
    "one of the operators does not",
    { StringLike: { "aws:x": "a*" }, StringNotEquals: { "aws:x": "ab" } },
    x("ab"),
    false,
  ],
];

const sets: readonly Case[] = [
  [SETS, "ForAllValues: all are in the list", of("ForAllValues:StringEquals", ["a", "b"]), x(["a", "b"]), true],
  [
    SETS,
    "ForAllValues: not all of the list need be there",
    of("ForAllValues:StringEquals", ["a", "b"]),
    x(["b"]),
    true,
  ],
  [SETS, "ForAllValues: one is not in the list", of("ForAllValues:StringEquals", ["a"]), x(["a", "c"]), false],
  [SETS, "ForAllValues: true when the key is absent", of("ForAllValues:StringEquals", ["a"]), {}, true],
  [SETS, "ForAllValues: true when there are no values", of("ForAllValues:StringEquals", ["a"]), x([]), true],
  [
    SETS,
    "ForAllValues with Null false: the key must be there",
    { ...of("ForAllValues:StringEquals", ["a"]), ...of("Null", "false") },
    {},
    false,
  ],
  [
    SETS,
    "ForAllValues with Null false: and fit",
    { ...of("ForAllValues:StringEquals", ["a"]), ...of("Null", "false") },
    x(["a"]),
    true,
  ],
  [SETS, "ForAllValues with wildcards", of("ForAllValues:StringLike", ["a*"]), x(["a", "ab"]), true],
  [SETS, "ForAllValues with wildcards, one unlike", of("ForAllValues:StringLike", ["a*"]), x(["a", "b"]), false],
  [
    SETS,
    "ForAllValues negated: none may be in the list",
    of("ForAllValues:StringNotEquals", ["a"]),
    x(["b", "c"]),
    true,
  ],
  [SETS, "ForAllValues negated: one is", of("ForAllValues:StringNotEquals", ["a"]), x(["a", "c"]), false],
  [SETS, "ForAnyValue: one is in the list", of("ForAnyValue:StringEquals", ["a"]), x(["a", "c"]), true],
  [SETS, "ForAnyValue: none is", of("ForAnyValue:StringEquals", ["a"]), x(["b", "c"]), false],
  [SETS, "ForAnyValue: false when the key is absent", of("ForAnyValue:StringEquals", ["a"]), {}, false],
  [SETS, "ForAnyValue: false when there are no values", of("ForAnyValue:StringLike", ["*"]), x([]), false],
  [SETS, "ForAnyValue negated: one is not in the list", of("ForAnyValue:StringNotEquals", ["a"]), x(["a", "b"]), true],
  [SETS, "ForAnyValue negated: all are", of("ForAnyValue:StringNotEquals", ["a", "b"]), x(["a", "b"]), false],
  [SETS, "ForAnyValue with ARNs", of("ForAnyValue:ArnLike", ["arn:aws:iam::*:role/*"]), x([ROLE]), true],
];

describe("the policy judge: conditions", () => {
  test.each([...plain, ...sets])("%s: %s", (_rule, _title, block, context, holds) => {
    expect(conditionHolds(block, context)).toBe(holds);
  });
});

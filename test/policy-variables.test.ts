import type { AccessRequest } from "../src/simulator/aws/judge/judge.ts";
import { conditionHolds, type Json, policy, verdict } from "./support/judging.ts";

// Sections of the IAM user guide.
const VARIABLES = "Policy elements: Variables and tags";
const NO_VALUE = "Variables and tags: Policy variables with no value";
const DEFAULTS = "Variables and tags: Specifying default values";
const SPECIAL = "Variables and tags: Special characters";

type Context = AccessRequest["context"];
type Case = readonly [rule: string, title: string, block: Json, context: Context, holds: boolean];

const of = (operator: string, value: unknown, key = "aws:x"): Json => ({ [operator]: { [key]: value } });
const x = (value: string | readonly string[]): Context => ({ "aws:x": value });
const ROLE = "arn:aws:iam::111122223333:role/team/a";

const tagged = (value: string): Context => ({ "aws:PrincipalTag/T": value });
const TAG = `\${aws:PrincipalTag/T}`;
const OTHER = `\${aws:PrincipalTag/T, 'none'}`;

const variables: readonly Case[] = [
  [VARIABLES, "a variable stands for its value", of("StringEquals", TAG), { ...x("a"), ...tagged("a") }, true],
  [VARIABLES, "and for no other", of("StringEquals", TAG), { ...x("b"), ...tagged("a") }, false],
  [VARIABLES, "beside other text", of("StringLike", `${TAG}/*`), { ...x("a/b"), ...tagged("a") }, true],
  [VARIABLES, "twice", of("StringEquals", `${TAG}-${TAG}`), { ...x("a-a"), ...tagged("a") }, true],
  [
    VARIABLES,
    "its name ignores its case",
    of("StringEquals", `\${AWS:principaltag/t}`),
    { ...x("a"), ...tagged("a") },
    true,
  ],
  [
    VARIABLES,
    "in ARN operators",
    of("ArnLike", `arn:aws:iam::*:role/${TAG}/*`),
    { ...x(ROLE), ...tagged("team") },
    true,
  ],
  [VARIABLES, "not in numbers", of("NumericEquals", TAG), { ...x("1"), ...tagged("1") }, false],
  [VARIABLES, "not in booleans", of("Bool", TAG), { ...x("true"), ...tagged("true") }, false],
  [VARIABLES, "in the values of sets", of("ForAllValues:StringEquals", [TAG]), { ...x(["a"]), ...tagged("a") }, true],
  [
    VARIABLES,
    "a key of many values is no variable",
    of("StringEquals", `\${aws:many}`),
    { ...x("a"), "aws:many": ["a", "b"] },
    false,
  ],
  [NO_VALUE, "nothing equals it", of("StringEquals", TAG), x("a"), false],
  [NO_VALUE, "not even an empty text", of("StringEquals", TAG), x(""), false],
  [NO_VALUE, "nothing is like it", of("StringLike", `${TAG}*`), x("a"), false],
  [NO_VALUE, "everything is unequal to it", of("StringNotEquals", TAG), x("a"), true],
  [NO_VALUE, "other values of the list still count", of("StringEquals", [TAG, "a"]), x("a"), true],
  [DEFAULTS, "the default counts when there is no value", of("StringEquals", OTHER), x("none"), true],
  [DEFAULTS, "and does not when there is one", of("StringEquals", OTHER), { ...x("none"), ...tagged("a") }, false],
  [SPECIAL, "a star that is a star", of("StringLike", `a\${*}`), x("a*"), true],
  [SPECIAL, "and no wildcard", of("StringLike", `a\${*}`), x("ab"), false],
  [SPECIAL, "a question mark", of("StringLike", `a\${?}`), x("ab"), false],
  [SPECIAL, "a dollar", of("StringEquals", `\${$}{x}`), x(`\${x}`), true],
];

describe("the policy judge: variables", () => {
  test.each([...variables])("%s: %s", (_rule, _title, block, context, holds) => {
    expect(conditionHolds(block, context)).toBe(holds);
  });
});

const own = "arn:aws:s3:::docs/a/x";
type ResourceCase = readonly [rule: string, title: string, statement: Json, context: Context, gives: string];

const resources: readonly ResourceCase[] = [
  [VARIABLES, "in a resource", { Resource: `arn:aws:s3:::docs/${TAG}/*` }, tagged("a"), "allowed"],
  [VARIABLES, "of another value", { Resource: `arn:aws:s3:::docs/${TAG}/*` }, tagged("b"), "implicit deny"],
  [
    VARIABLES,
    "a star in a value is no wildcard",
    { Resource: `arn:aws:s3:::docs/${TAG}/*` },
    tagged("*"),
    "implicit deny",
  ],
  [
    VARIABLES,
    "a slash in a value reaches elsewhere",
    { Resource: `arn:aws:s3:::docs/${TAG}` },
    tagged("a/x"),
    "allowed",
  ],
  [NO_VALUE, "in a resource it is no resource", { Resource: `arn:aws:s3:::docs/${TAG}*` }, {}, "implicit deny"],
  [
    NO_VALUE,
    "in NotResource of a Deny it denies everything",
    { Effect: "Deny", NotResource: `arn:aws:s3:::docs/${TAG}/*` },
    {},
    "explicit deny",
  ],
  [DEFAULTS, "in a resource", { Resource: `arn:aws:s3:::docs/\${aws:PrincipalTag/T, 'a'}/*` }, {}, "allowed"],
];

describe("the policy judge: variables in resources", () => {
  test.each(resources)("%s: %s", (_rule, _title, statement, context, gives) => {
    expect(verdict([policy(statement)], { resource: own, context })).toBe(gives);
  });

  test("IAM JSON policy elements: Version: in policies older than 2012-10-17 a variable is text", () => {
    const statement = { Effect: "Allow", Action: "*", Resource: "*", Condition: of("StringEquals", TAG) };
    for (const [Version, held] of [
      ["2012-10-17", true],
      ["2008-10-17", false],
      [undefined, false],
    ] as const) {
      const given = verdict([{ ...(Version && { Version }), Statement: statement }], {
        context: { ...x("a"), ...tagged("a") },
      });
      expect([Version, given === "allowed"]).toEqual([Version, held]);
    }
  });
});

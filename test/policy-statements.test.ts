import { type AccessRequest, judgeTrust } from "../src/simulator/aws/judge/judge.ts";
import { MalformedPolicy, readPolicy } from "../src/simulator/aws/judge/policy.ts";
import { type Json, policy, request, type Verdict, verdict } from "./support/judging.ts";

// Pages of the IAM user guide.
const LOGIC = "Policy evaluation logic";
const ACTION = "IAM JSON policy elements: Action";
const NOT_ACTION = "IAM JSON policy elements: NotAction";
const RESOURCE = "IAM JSON policy elements: Resource";
const NOT_RESOURCE = "IAM JSON policy elements: NotResource";
const PRINCIPAL = "AWS JSON policy elements: Principal";
const NOT_PRINCIPAL = "AWS JSON policy elements: NotPrincipal";
const SESSION = "Policies and permissions in IAM: Session policies";
const GRAMMAR = "Grammar of the IAM JSON policy language";

type Case = readonly [
  rule: string,
  title: string,
  policies: readonly Json[],
  asked: Partial<AccessRequest>,
  gives: Verdict,
];

const allow = { Effect: "Allow" };
const deny = { Effect: "Deny" };
const tags = { action: "s3:PutObjectTagging" };
const on = (resource: string) => ({ resource });

const statements: readonly Case[] = [
  [LOGIC, "nothing attached is an implicit deny", [], {}, "implicit deny"],
  [LOGIC, "an allow that fits allows", [policy(allow)], {}, "allowed"],
  [
    LOGIC,
    "an allow that does not fit leaves the implicit deny",
    [policy({ Action: "s3:PutObject" })],
    {},
    "implicit deny",
  ],
  [LOGIC, "an explicit deny goes before an allow", [policy(allow, deny)], {}, "explicit deny"],
  [LOGIC, "the order of statements does not matter", [policy(deny, allow)], {}, "explicit deny"],
  [LOGIC, "a deny in one policy goes before an allow in another", [policy(allow), policy(deny)], {}, "explicit deny"],
  [
    LOGIC,
    "a deny that does not fit denies nothing",
    [policy(allow, { ...deny, Action: "s3:PutObject" })],
    {},
    "allowed",
  ],
  [LOGIC, "a deny alone is explicit", [policy(deny)], {}, "explicit deny"],
  [LOGIC, "one of several policies may allow", [policy({ Action: "s3:PutObject" }), policy(allow)], {}, "allowed"],
  [LOGIC, "one of several statements may allow", [policy({ Action: "s3:PutObject" }, allow)], {}, "allowed"],

  [ACTION, "an action by its name", [policy({ Action: "s3:GetObject" })], {}, "allowed"],
  [ACTION, "one of a list", [policy({ Action: ["s3:PutObject", "s3:GetObject"] })], {}, "allowed"],
  [ACTION, "the case of an action does not matter", [policy({ Action: "S3:getobject" })], {}, "allowed"],
  [ACTION, "* at the end", [policy({ Action: "s3:Get*" })], {}, "allowed"],
  [ACTION, "* in the middle", [policy({ Action: "s3:*Object" })], {}, "allowed"],
  [ACTION, "* does not reach beyond what follows it", [policy({ Action: "s3:*Object" })], tags, "implicit deny"],
  [ACTION, "all of a service", [policy({ Action: "s3:*" })], tags, "allowed"],
  [ACTION, "all of another service", [policy({ Action: "dynamodb:*" })], {}, "implicit deny"],
  [ACTION, "? is one character", [policy({ Action: "s3:?etObject" })], {}, "allowed"],
  [ACTION, "? is not none", [policy({ Action: "s3:GetObject?" })], {}, "implicit deny"],
  [ACTION, "a prefix is not a name", [policy({ Action: "s3:Get" })], {}, "implicit deny"],
  [ACTION, "a dot is no wildcard", [policy({ Action: "s3.GetObject" })], {}, "implicit deny"],

  [NOT_ACTION, "allows what is not named", [policy({ NotAction: "iam:*" })], {}, "allowed"],
  [NOT_ACTION, "does not allow what is named", [policy({ NotAction: "s3:*" })], {}, "implicit deny"],
  [
    NOT_ACTION,
    "with Deny it denies what is not named",
    [policy(allow, { ...deny, NotAction: "s3:Put*" })],
    {},
    "explicit deny",
  ],
  [
    NOT_ACTION,
    "with Deny it lets through what is named",
    [policy(allow, { ...deny, NotAction: "s3:Get*" })],
    {},
    "allowed",
  ],
  [NOT_ACTION, "names any of a list", [policy({ NotAction: ["iam:*", "S3:GETOBJECT"] })], {}, "implicit deny"],

  [RESOURCE, "a resource by its ARN", [policy({ Resource: "arn:aws:s3:::docs/a.txt" })], {}, "allowed"],
  [RESOURCE, "another resource", [policy({ Resource: "arn:aws:s3:::docs/b.txt" })], {}, "implicit deny"],
  [RESOURCE, "the case of an ARN matters", [policy({ Resource: "arn:aws:s3:::docs/A.txt" })], {}, "implicit deny"],
  [RESOURCE, "everything below a prefix", [policy({ Resource: "arn:aws:s3:::docs/*" })], {}, "allowed"],
  [
    RESOURCE,
    "* goes beyond slashes",
    [policy({ Resource: "arn:aws:s3:::docs/*" })],
    on("arn:aws:s3:::docs/x/y/z"),
    "allowed",
  ],
  [
    RESOURCE,
    "* may stand for nothing",
    [policy({ Resource: "arn:aws:s3:::docs/*" })],
    on("arn:aws:s3:::docs/"),
    "allowed",
  ],
  [
    RESOURCE,
    "a prefix without its slash is another",
    [policy({ Resource: "arn:aws:s3:::docs/a/*" })],
    on("arn:aws:s3:::docs/ab/c"),
    "implicit deny",
  ],
  [
    RESOURCE,
    "without the slash the longer name fits too",
    [policy({ Resource: "arn:aws:s3:::docs/a*" })],
    on("arn:aws:s3:::docs/ab/c"),
    "allowed",
  ],
  [
    RESOURCE,
    "the bucket is not below itself",
    [policy({ Resource: "arn:aws:s3:::docs/*" })],
    on("arn:aws:s3:::docs"),
    "implicit deny",
  ],
  [RESOURCE, "? is one character", [policy({ Resource: "arn:aws:s3:::docs/?.txt" })], {}, "allowed"],
  [
    RESOURCE,
    "a whole segment may be *",
    [policy({ Resource: "arn:aws:dynamodb:*:111122223333:table/t" })],
    on("arn:aws:dynamodb:eu-west-1:111122223333:table/t"),
    "allowed",
  ],
  [
    RESOURCE,
    "another account is another segment",
    [policy({ Resource: "arn:aws:dynamodb:*:111122223333:table/t" })],
    on("arn:aws:dynamodb:eu-west-1:444455556666:table/t"),
    "implicit deny",
  ],
  [
    RESOURCE,
    "* inside a segment stays in it",
    [policy({ Resource: "arn:aws:sqs:e*1:111122223333:q" })],
    on("arn:aws:sqs:eu:x1:111122223333:q"),
    "implicit deny",
  ],
  [
    RESOURCE,
    "* inside a segment fits within it",
    [policy({ Resource: "arn:aws:sqs:e*1:111122223333:q" })],
    on("arn:aws:sqs:eu-west-1:111122223333:q"),
    "allowed",
  ],
  [
    RESOURCE,
    "* as the last of a segment goes beyond the colon",
    [policy({ Resource: "arn:aws:sqs:eu*" })],
    on("arn:aws:sqs:eu-west-1:111122223333:q"),
    "allowed",
  ],
  [RESOURCE, "one of a list", [policy({ Resource: ["arn:aws:s3:::x", "arn:aws:s3:::docs/a.txt"] })], {}, "allowed"],
  [
    RESOURCE,
    "signs of regular expressions are text",
    [policy({ Resource: "arn:aws:s3:::docs/(a|b).txt" })],
    {},
    "implicit deny",
  ],
  [
    RESOURCE,
    "a name that begins the same is another",
    [policy({ Resource: "arn:aws:dynamodb:eu-west-1:1:table/t" })],
    on("arn:aws:dynamodb:eu-west-1:1:table/tt"),
    "implicit deny",
  ],

  [NOT_RESOURCE, "allows on what is not named", [policy({ NotResource: "arn:aws:s3:::secret/*" })], {}, "allowed"],
  [
    NOT_RESOURCE,
    "does not allow on what is named",
    [policy({ NotResource: "arn:aws:s3:::docs/*" })],
    {},
    "implicit deny",
  ],
  [
    NOT_RESOURCE,
    "with Deny it denies all but the named",
    [policy(allow, { ...deny, NotResource: "arn:aws:s3:::other/*" })],
    {},
    "explicit deny",
  ],
  [
    NOT_RESOURCE,
    "with Deny it lets through the named",
    [policy(allow, { ...deny, NotResource: "arn:aws:s3:::docs/*" })],
    {},
    "allowed",
  ],
];

describe("the policy judge: statements", () => {
  test.each(statements)("%s: %s", (_rule, _title, policies, asked, gives) => {
    expect(verdict(policies, asked)).toBe(gives);
  });

  const sessions: readonly (readonly [title: string, identity: Json, session: readonly Json[], gives: Verdict])[] = [
    ["both have to allow", policy(allow), [policy(allow)], "allowed"],
    ["it gives nothing by itself", policy({ Action: "s3:PutObject" }), [policy(allow)], "implicit deny"],
    ["it takes away what it does not allow", policy(allow), [policy({ Action: "s3:PutObject" })], "implicit deny"],
    ["its deny is explicit", policy(allow), [policy(allow, deny)], "explicit deny"],
    ["a deny of the role is explicit whatever it allows", policy(allow, deny), [policy(allow)], "explicit deny"],
    ["an empty set of them allows nothing", policy(allow), [], "implicit deny"],
  ];
  test.each(sessions)(`${SESSION}: %s`, (_title, identity, session, gives) => {
    expect(verdict([identity], {}, session)).toBe(gives);
  });
});

const ROLE = "arn:aws:iam::111122223333:role/team/vendor";
const callers = {
  user: { arn: "arn:aws:iam::111122223333:user/ada", account: "111122223333" },
  session: { arn: "arn:aws:sts::111122223333:assumed-role/vendor/s1", account: "111122223333", role: ROLE },
  stranger: { arn: "arn:aws:iam::444455556666:user/eve", account: "444455556666" },
  service: { arn: "ec2.amazonaws.com", account: "" },
} as const;

type Named = readonly [rule: string, title: string, who: Json, caller: keyof typeof callers, allowed: boolean];

const principals: readonly Named[] = [
  [PRINCIPAL, "* is everybody", { Principal: "*" }, "stranger", true],
  [PRINCIPAL, "AWS: * is everybody", { Principal: { AWS: "*" } }, "stranger", true],
  [PRINCIPAL, "an account by its number", { Principal: { AWS: "111122223333" } }, "user", true],
  [PRINCIPAL, "an account by its root", { Principal: { AWS: "arn:aws:iam::111122223333:root" } }, "user", true],
  [
    PRINCIPAL,
    "an account has its sessions in it",
    { Principal: { AWS: "arn:aws:iam::111122223333:root" } },
    "session",
    true,
  ],
  [PRINCIPAL, "another account", { Principal: { AWS: "arn:aws:iam::111122223333:root" } }, "stranger", false],
  [PRINCIPAL, "a user by its ARN", { Principal: { AWS: "arn:aws:iam::111122223333:user/ada" } }, "user", true],
  [PRINCIPAL, "another user", { Principal: { AWS: "arn:aws:iam::111122223333:user/bob" } }, "user", false],
  [PRINCIPAL, "a role means its sessions", { Principal: { AWS: ROLE } }, "session", true],
  [PRINCIPAL, "a role does not mean others of its account", { Principal: { AWS: ROLE } }, "user", false],
  [PRINCIPAL, "a session by its ARN", { Principal: { AWS: callers.session.arn } }, "session", true],
  [
    PRINCIPAL,
    "another session of the same role",
    { Principal: { AWS: callers.session.arn.replace("s1", "s2") } },
    "session",
    false,
  ],
  [PRINCIPAL, "one of a list", { Principal: { AWS: ["444455556666", ROLE] } }, "session", true],
  [PRINCIPAL, "a service by its name", { Principal: { Service: "ec2.amazonaws.com" } }, "service", true],
  [PRINCIPAL, "another service", { Principal: { Service: "lambda.amazonaws.com" } }, "service", false],
  [PRINCIPAL, "a service is no account", { Principal: { Service: "ec2.amazonaws.com" } }, "user", false],
  [NOT_PRINCIPAL, "does not mean the named", { NotPrincipal: { AWS: ROLE } }, "session", false],
  [NOT_PRINCIPAL, "means everybody else", { NotPrincipal: { AWS: ROLE } }, "stranger", true],
];

describe("the policy judge: trust", () => {
  test.each(principals)("%s: %s", (_rule, _title, who, caller, allowed) => {
    const trust = { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action: "sts:AssumeRole", ...who }] };
    const asked = request({ principal: callers[caller], action: "sts:AssumeRole", resource: ROLE });
    expect(judgeTrust(trust, asked).allowed).toBe(allowed);
  });
});

const malformed: readonly (readonly [title: string, document: unknown])[] = [
  ["no statement", { Version: "2012-10-17" }],
  ["an unknown version", { Version: "2020-01-01", Statement: [{ ...everythingElse("Effect"), Effect: "Allow" }] }],
  ["an effect that is neither", policy({ Effect: "Maybe" })],
  ["no action", { Statement: { Effect: "Allow", Resource: "*" } }],
  ["Action and NotAction", { Statement: { Effect: "Allow", Action: "*", NotAction: "*", Resource: "*" } }],
  ["Resource and NotResource", { Statement: { Effect: "Allow", Action: "*", Resource: "*", NotResource: "*" } }],
  ["neither resource nor principal", { Statement: { Effect: "Allow", Action: "*" } }],
  ["an element nobody knows", policy({ Conditions: {} })],
  ["two statements with one id", policy({ Sid: "A" }, { Sid: "A" })],
  ["an operator nobody knows", policy({ Condition: { StringMatches: { "aws:x": "y" } } })],
  ["NullIfExists", policy({ Condition: { NullIfExists: { "aws:x": "true" } } })],
  ["half a principal", { Statement: { Effect: "Allow", Action: "*", Principal: { AWS: "arn:aws:iam::*:role/x" } } }],
  ["an action that is no text", policy({ Action: [7] })],
];

function everythingElse(name: string): Json {
  return Object.fromEntries(
    Object.entries({ Effect: "Allow", Action: "*", Resource: "*" }).filter(([key]) => key !== name),
  );
}

describe("the policy judge: what it does not take", () => {
  test.each(malformed)(`${GRAMMAR}: %s`, (_title, document) => {
    expect(() => readPolicy(document)).toThrow(MalformedPolicy);
  });
});

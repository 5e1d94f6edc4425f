import { readFileSync } from "node:fs";
import { settingsTable } from "../src/config.ts";

type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };
type JsonObject = { readonly [name: string]: Json };

interface Resource {
  readonly Type: string;
  readonly Properties: JsonObject;
  readonly Condition?: string;
  readonly DependsOn?: string;
  readonly DeletionPolicy?: string;
}

interface Template {
  readonly Parameters: Readonly<Record<string, JsonObject>>;
  readonly Conditions: Readonly<Record<string, Json>>;
  readonly Rules: Readonly<Record<string, Json>>;
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, JsonObject>>;
}

const text = readFileSync(new URL("../deploy/aws/stallholder-marketplace.json", import.meta.url), "utf8");
const template = JSON.parse(text) as Template;
const { Parameters, Conditions, Rules, Resources, Outputs } = template;

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** Every object below, itself included. */
function objectsIn(value: Json | undefined): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => objectsIn(item));
  return isObject(value) ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}

const everything = objectsIn({ Conditions, Rules, Resources: Resources as unknown as Json, Outputs });
const pseudo = ["AWS::Region", "AWS::AccountId", "AWS::Partition", "AWS::NoValue"];
/** What `Fn::GetAtt` may ask of the kinds of resources used here. */
const attributes: Readonly<Record<string, readonly string[]>> = {
  "AWS::IAM::Role": ["Arn", "RoleId"],
  "AWS::SQS::Queue": ["Arn", "QueueName", "QueueUrl"],
  "AWS::Events::Rule": ["Arn"],
  "AWS::Events::Connection": ["Arn", "SecretArn"],
  "AWS::Events::ApiDestination": ["Arn"],
};

const listOf = (value: Json | undefined): string[] => (Array.isArray(value) ? value : [value]).map(String);

interface Statement {
  readonly of: string;
  readonly statement: JsonObject;
}

const statements: Statement[] = Object.entries(Resources).flatMap(([of, { Properties }]) =>
  objectsIn(Properties)
    .filter((object) => "Effect" in object)
    .map((statement) => ({ of, statement })),
);

describe("the CloudFormation template", () => {
  test("everything it refers to is in it", () => {
    const names = [...Object.keys(Parameters), ...Object.keys(Resources), ...pseudo];
    const subs = everything.flatMap((object) => (typeof object["Fn::Sub"] === "string" ? object["Fn::Sub"] : []));
    const named = [
      ...everything.flatMap((object) => (typeof object["Ref"] === "string" ? object["Ref"] : [])),
      ...subs.flatMap((sub) => [...sub.matchAll(/\$\{([^}]+)\}/g)].map((match) => match[1] ?? "")),
      ...Object.values(Resources).flatMap(({ DependsOn }) => DependsOn ?? []),
    ];
    expect(named.length).toBeGreaterThan(20);
    expect(named.filter((name) => !names.includes(name))).toEqual([]);
  });

  test("every attribute it asks for exists", () => {
    const asked = everything.flatMap((object) => (object["Fn::GetAtt"] ? [listOf(object["Fn::GetAtt"])] : []));
    expect(asked.length).toBeGreaterThan(10);
    for (const [name = "", attribute = ""] of asked) {
      expect([name, attributes[Resources[name]?.Type ?? ""]]).toEqual([name, expect.arrayContaining([attribute])]);
    }
  });

  test("every condition it uses is declared, and what is conditional is only asked for under its condition", () => {
    const used = [
      ...Object.values(Resources).flatMap(({ Condition }) => Condition ?? []),
      ...everything.flatMap((object) => (Array.isArray(object["Fn::If"]) ? String(object["Fn::If"][0]) : [])),
    ];
    expect(used.filter((name) => !(name in Conditions))).toEqual([]);
    const always = Object.entries(Resources).filter(([, { Condition }]) => Condition === undefined);
    const withoutIfs = JSON.parse(
      JSON.stringify(always, (_, value: Json) => (isObject(value) && "Fn::If" in value ? 0 : value)),
    );
    const asked = objectsIn(withoutIfs).flatMap((object) =>
      object["Fn::GetAtt"] ? listOf(object["Fn::GetAtt"])[0] : [],
    );
    expect(asked.filter((name) => Resources[name ?? ""]?.Condition !== undefined)).toEqual([]);
  });

  test("every parameter is described, bounded and used, and what is secret is not echoed", () => {
    for (const [name, parameter] of Object.entries(Parameters)) {
      expect(parameter).toMatchObject({
        Type: "String",
        Description: expect.stringMatching(/.{20}/),
        AllowedPattern: expect.any(String),
      });
      expect(new RegExp(`"Ref":"${name}"|\\$\\{${name}\\}`).test(JSON.stringify(template))).toBe(true);
      expect(parameter["NoEcho"] ?? false).toBe(/Secret|ExternalId/.test(name));
    }
  });

  test("no right is a wildcard, and only what knows no resources is given on all", () => {
    const actions = statements.flatMap(({ statement }) => listOf(statement["Action"]));
    expect(actions.length).toBeGreaterThan(12);
    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
    const onAll = statements.filter(({ statement }) => listOf(statement["Resource"]).includes("*"));
    expect(onAll.flatMap(({ statement }) => listOf(statement["Action"]))).toEqual([
      "aws-marketplace:ResolveCustomer",
      "aws-marketplace:BatchMeterUsage",
      "aws-marketplace:GetEntitlements",
      "aws-marketplace:DescribeAgreement",
      "aws-marketplace:GetAgreementTerms",
      "aws-marketplace:SearchAgreements",
    ]);
    expect(statements.some(({ statement }) => "NotAction" in statement || "NotResource" in statement)).toBe(false);
  });

  test("the seller's role is for one principal, with the external id", () => {
    const [trust] = statements.filter(({ of, statement }) => of === "SellerRole" && "Principal" in statement);
    expect(trust?.statement).toEqual({
      Effect: "Allow",
      Principal: { AWS: { Ref: "TrustedPrincipalArn" } },
      Action: "sts:AssumeRole",
      Condition: { StringEquals: { "sts:ExternalId": { Ref: "ExternalId" } } },
    });
    expect(Parameters["ExternalId"]?.["Default"]).toBeUndefined();
    expect(Number(Parameters["ExternalId"]?.["MinLength"])).toBeGreaterThanOrEqual(16);
    const pattern = new RegExp(`^(?:${String(Parameters["TrustedPrincipalArn"]?.["AllowedPattern"])})$`);
    expect(["*", "arn:aws:iam::123456789012:role/", "arn:aws:iam::*:root"].filter((arn) => pattern.test(arn))).toEqual(
      [],
    );
    expect(pattern.test("arn:aws:iam::123456789012:role/stallholder")).toBe(true);
  });

  test("only the rule and the named topics may write into the queues", () => {
    const writers = statements.filter(({ statement }) => listOf(statement["Action"]).includes("sqs:SendMessage"));
    expect(writers).toHaveLength(4);
    for (const { statement } of writers) {
      expect(Object.keys(statement["Principal"] as JsonObject)).toEqual(["Service"]);
      expect(statement["Condition"]).toMatchObject({ ArnEquals: { "aws:SourceArn": expect.anything() } });
    }
  });

  test("what cannot be taken goes to the dead-letter queue, which keeps it for 14 days and outlives the stack", () => {
    expect(Resources["EventQueue"]?.Properties["RedrivePolicy"]).toMatchObject({
      deadLetterTargetArn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] },
      maxReceiveCount: expect.any(Number),
    });
    for (const name of ["EventQueue", "DeadLetterQueue"]) {
      expect(Resources[name]).toMatchObject({
        DeletionPolicy: "Retain",
        Properties: { MessageRetentionPeriod: 1_209_600, SqsManagedSseEnabled: true },
      });
    }
    const targets = Object.values(Resources).flatMap(({ Properties }) => (Properties["Targets"] ?? []) as Json[]);
    expect(targets).toHaveLength(2);
    for (const target of targets) {
      expect(target).toMatchObject({ DeadLetterConfig: { Arn: { "Fn::GetAtt": ["DeadLetterQueue", "Arn"] } } });
    }
  });

  test.each([
    "Purchase Agreement Created - Manufacturer",
    "Purchase Agreement Created - Proposer",
    "Purchase Agreement Amended - Proposer",
    "Purchase Agreement Ended - Manufacturer",
    "License Updated - Manufacturer",
    "License Deprovisioned - Manufacturer",
    "Something AWS Adds Later",
  ])("the rules pass on: %s", (detailType) => {
    const event = {
      version: "0",
      id: "7d1d4e4c-0000-4000-8000-000000000000",
      source: "aws.agreement-marketplace",
      "detail-type": detailType,
      detail: { catalog: "AWSMarketplace", agreement: { id: "agmt-1" } },
    };
    const patterns = Object.values(Resources).flatMap(({ Properties }) => Properties["EventPattern"] ?? []);
    expect(patterns.map((pattern) => matches(pattern, event))).toEqual([true, true]);
    expect(patterns.map((pattern) => matches(pattern, { ...event, source: "someone.else" }))).toEqual([false, false]);
  });

  test("by HTTPS an event carries the secret as a Bearer token", () => {
    expect(Resources["HttpsConnection"]?.Properties).toMatchObject({
      AuthorizationType: "API_KEY",
      AuthParameters: {
        ApiKeyAuthParameters: {
          ApiKeyName: "Authorization",
          ApiKeyValue: { "Fn::Sub": expect.stringMatching(/^Bearer \$\{EventsSecret\}$/) },
        },
      },
    });
    const url = new RegExp(`^(?:${String(Parameters["EventsUrl"]?.["AllowedPattern"])})$`);
    expect(["", "https://addons.example.com/aws/events"].every((address) => url.test(address))).toBe(true);
    expect(
      ["http://a.example/aws/events", "https://a.example/", "https://a.example/aws/events?x=1"].some((address) =>
        url.test(address),
      ),
    ).toBe(false);
  });

  test("the outputs and descriptions name settings that exist", () => {
    const known = settingsTable().map(({ name }) => name as string);
    const named = [...text.matchAll(/\bAWS_[A-Z_]+\b/g)].map(([name]) => name);
    expect(named).toEqual(
      expect.arrayContaining([
        "AWS_SELLER_ROLE_ARN",
        "AWS_SELLER_EXTERNAL_ID",
        "AWS_EVENTS_QUEUE_URL",
        "AWS_SNS_TOPIC_ARNS",
      ]),
    );
    expect(named.filter((name) => !known.includes(name))).toEqual([]);
  });
});

/** EventBridge's patterns as far as they are used: an array holds the values allowed, an object goes deeper. */
function matches(pattern: Json, event: Json): boolean {
  if (Array.isArray(pattern)) return pattern.includes(event);
  if (!isObject(pattern) || !isObject(event)) return false;
  return Object.entries(pattern).every(([name, allowed]) => matches(allowed, event[name] ?? null));
}

import { removals } from "./support/removals.ts";
import { deployed, ENVIRONMENT, MODELS, type Model, SERVICES, template } from "./support/tenant-role.ts";

type Json = null | boolean | number | string | readonly Json[] | JsonObject;
type JsonObject = { readonly [name: string]: Json };

interface Resource {
  readonly Type: string;
  readonly Properties: JsonObject;
  readonly DeletionPolicy?: string;
}

const isObject = (value: Json | undefined): value is JsonObject =>
  typeof value === "object" && value !== null && !Array.isArray(value);

function objectsIn(value: Json | undefined): JsonObject[] {
  if (Array.isArray(value)) return value.flatMap((item: Json) => objectsIn(item));
  return isObject(value) ? [value, ...Object.values(value).flatMap(objectsIn)] : [];
}

const textsIn = (value: Json | undefined): string[] => {
  if (typeof value === "string") return [value];
  return (Array.isArray(value) ? value : isObject(value) ? Object.values(value) : []).flatMap((inner: Json) =>
    textsIn(inner),
  );
};

function stack(model: Model) {
  return template("cloudformation", model) as unknown as {
    readonly Parameters: Readonly<Record<string, JsonObject>>;
    readonly Resources: Readonly<Record<string, Resource>>;
    readonly Outputs: JsonObject;
  };
}

/** What `Fn::GetAtt` may ask of the kinds of resources used here. */
const attributes: Readonly<Record<string, readonly string[]>> = {
  "AWS::IAM::Role": ["Arn"],
  "AWS::S3::Bucket": ["Arn"],
  "AWS::KMS::Key": ["Arn"],
  "AWS::DynamoDB::Table": ["Arn"],
  "AWS::OpenSearchService::Domain": ["Arn", "DomainEndpoint"],
};
const pseudo = ["AWS::Partition", "AWS::Region", "AWS::AccountId"];

describe.each(MODELS)("the CloudFormation template, %s", (model) => {
  const { Parameters, Resources, Outputs } = stack(model);
  const everything = objectsIn({ Resources: Resources as unknown as Json, Outputs });
  const references = everything.flatMap((object) => {
    const sub = object["Fn::Sub"];
    const inside = typeof sub === "string" ? [...sub.matchAll(/\$\{([^!}][^}]*)\}/g)].map(([, name = ""]) => name) : [];
    return [...inside, ...(typeof object["Ref"] === "string" ? [object["Ref"]] : [])];
  });

  test("everything it refers to is in it, and every attribute exists", () => {
    const [names, asked] = [
      references.filter((name) => !name.includes(".")),
      references.filter((name) => name.includes(".")),
    ];
    const known = [...Object.keys(Parameters), ...Object.keys(Resources), ...pseudo];
    expect(names.length).toBeGreaterThan(10);
    expect(names.filter((name) => !known.includes(name))).toEqual([]);
    const gets = everything.flatMap((object) =>
      Array.isArray(object["Fn::GetAtt"]) ? [object["Fn::GetAtt"].map(String)] : [],
    );
    for (const [name = "", attribute = ""] of [...asked.map((path) => path.split(".")), ...gets]) {
      expect([name, attributes[Resources[name]?.Type ?? ""]]).toEqual([name, expect.arrayContaining([attribute])]);
    }
  });

  test("no variable of IAM's is left for CloudFormation to fill in", () => {
    const texts = textsIn(Resources as unknown as Json).filter((text) => /\$\{!?aws:/.test(text));
    expect(texts.length).toBeGreaterThan(5);
    expect(texts.filter((text) => /\$\{aws:/.test(text))).toEqual([]);
    const plain = everything.flatMap((object) =>
      Object.entries(object)
        .filter(([name]) => name !== "Fn::Sub")
        .map(([, value]) => value),
    );
    expect(plain.filter((value) => typeof value === "string" && value.includes("${"))).toEqual([]);
  });

  test("every parameter is described, bounded and used", () => {
    for (const [name, parameter] of Object.entries(Parameters)) {
      expect(parameter).toMatchObject({
        Description: expect.stringMatching(/.{20}/),
        AllowedPattern: expect.any(String),
      });
      expect([name, references.includes(name)]).toEqual([name, true]);
    }
  });

  test("everything that it makes is tagged, kept and named after the environment", () => {
    for (const [name, { Type, Properties, DeletionPolicy }] of Object.entries(Resources)) {
      const tags = (Properties["Tags"] as JsonObject[]).map(({ Key }) => Key);
      expect([name, tags]).toEqual([
        name,
        ["Product", "Environment", "Plan", ...(model === "silo" ? ["TenantID"] : [])],
      ]);
      expect([name, DeletionPolicy]).toEqual([name, Type === "AWS::IAM::Role" ? undefined : "Retain"]);
      const called = ["RoleName", "BucketName", "TableName", "DomainName"].flatMap((key) => textsIn(Properties[key]));
      if (Type !== "AWS::KMS::Key")
        expect([name, called]).toEqual([name, [expect.stringMatching(new RegExp(`^${ENVIRONMENT}-`))]]);
    }
  });

  test("the data is closed to the public, encrypted, and a body names no index", () => {
    expect(Resources["TenantBucket"]?.Properties).toMatchObject({
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ BucketKeyEnabled: false }] },
    });
    expect(Resources["TenantDomain"]?.Properties).toMatchObject({
      AdvancedOptions: { "rest.action.multi.allow_explicit_index": "false" },
      DomainEndpointOptions: { EnforceHTTPS: true },
      EncryptionAtRestOptions: { Enabled: true },
    });
  });

  test("it fits what IAM takes", () => {
    const role = deployed(model);
    expect(JSON.stringify(role.trust).length).toBeLessThan(2_048);
    expect(role.policies.map((policy) => JSON.stringify(policy)).join("").length).toBeLessThan(10_240);
    expect(role.arn.split("/").at(-1)?.length).toBeLessThanOrEqual(64);
  });

  test("no right is a wildcard that need not be", () => {
    const paths = removals(deployed(model)).map(({ without }) => without);
    const wild = paths
      .filter((path) => /\/(Action|Resource)\/.*[*?]/.test(path.replace(/\/\*$/, "/")))
      .filter((path) => !/_(doc|create|update)\/\*$/.test(path));
    expect(wild).toEqual([]);
    const allowing = deployed(model)
      .policies.flatMap((policy) => (policy as { Statement: JsonObject[] }).Statement)
      .filter(({ Effect }) => Effect === "Allow");
    expect(allowing.flatMap(({ Action }) => textsIn(Action)).filter((action) => action.includes("*"))).toEqual([]);
    expect(allowing.flatMap(({ Resource }) => textsIn(Resource)).filter((resource) => resource === "*")).toEqual([]);
  });
});

describe("the Terraform module", () => {
  test.each(MODELS)("%s: every reference is declared, and nothing is declared in vain", (model) => {
    const module = template("terraform", model) as Readonly<Record<string, JsonObject>>;
    const declared = [
      ...Object.keys(module["variable"] ?? {}).map((name) => `var.${name}`),
      ...kindsOf(module["data"]).map((name) => `data.${name}`),
      ...kindsOf(module["resource"]),
    ];
    const expressions = textsIn(module as Json).flatMap((text) =>
      [...text.matchAll(/(?<!\$)\$\{([^}]*)\}/g)].map(([, inside = ""]) => inside),
    );
    const used = expressions
      .flatMap((text) => text.match(/(?:data\.|var\.|aws_)[\w.]+/g) ?? [])
      .map((path) => {
        return path
          .split(".")
          .slice(0, path.startsWith("data.") ? 3 : 2)
          .join(".");
      });
    expect(used.length).toBeGreaterThan(20);
    expect(used.filter((name) => !declared.includes(name))).toEqual([]);
    const leaves = /^aws_(iam_role_policy|s3_bucket_|dynamodb_table)/;
    expect(declared.filter((name) => !used.includes(name) && !leaves.test(name))).toEqual([]);
  });

  test.each(MODELS)(
    "%s: every resource that knows tags is tagged, and none that keeps data is destroyed by mistake",
    (model) => {
      const { resource } = template("terraform", model) as unknown as {
        resource: Record<string, Record<string, JsonObject>>;
      };
      const tagged = ["aws_iam_role", "aws_s3_bucket", "aws_kms_key", "aws_dynamodb_table", "aws_opensearch_domain"];
      const found = Object.entries(resource).filter(([kind]) => tagged.includes(kind));
      expect(found.length).toBe(model === "bridge" ? 3 : 5);
      for (const [kind, { tenants }] of found) {
        expect([kind, tenants?.["tags"]]).toMatchObject([
          kind,
          { Product: "quiet-search", Environment: ENVIRONMENT, Plan: expect.any(String) },
        ]);
        if (kind !== "aws_iam_role") expect([kind, tenants?.["lifecycle"]]).toEqual([kind, { prevent_destroy: true }]);
      }
    },
  );

  test("both notations let in the same values", () => {
    for (const model of MODELS) {
      const { variable } = template("terraform", model, SERVICES) as unknown as {
        variable: Record<string, JsonObject>;
      };
      const conditions = textsIn(variable as Json).filter((text) => text.startsWith("${can(regex("));
      const patterns = conditions.map((text) => /"\^\(\?:(.*)\)\$"/.exec(text)?.[1]?.replaceAll("\\\\", "\\"));
      const bounded = Object.values(stack(model).Parameters)
        .filter(({ Type }) => Type === "String")
        .map(({ AllowedPattern }) => AllowedPattern);
      expect(patterns).toEqual(bounded);
    }
  });
});

const kindsOf = (section: JsonObject | undefined): string[] =>
  Object.entries(section ?? {}).flatMap(([kind, named]) =>
    Object.keys(named as JsonObject).map((name) => `${kind}.${name}`),
  );

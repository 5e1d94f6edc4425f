import { asJsonObject, isJsonObject, type JsonObject, textIn } from "../../json.ts";
import { isRole, type Role } from "./role.ts";

/** Where a template is deployed, and what is said for its parameters. */
export interface Deployment {
  readonly account: string;
  readonly region: string;
  readonly parameters: JsonObject;
}

/**
 * The roles that a CloudFormation template would make, with every reference in their policies resolved; what is wrong with
 * the template, if anything. References that are not known here are faults and never text.
 */
export function rolesOf(template: JsonObject, deployment: Deployment): readonly Role[] | string {
  const resources = asJsonObject(template["Resources"]);
  const known = { ...deployment, resources, parameters: withDefaults(template, deployment.parameters) };
  try {
    return Object.values(resources).flatMap((resource) => {
      const { Type: type, Properties: properties } = asJsonObject(resource);
      return type === "AWS::IAM::Role" ? [roleOf(asJsonObject(resolve(properties, known)), deployment)] : [];
    });
  } catch (fault) {
    return fault instanceof Error ? fault.message : "The template is not usable.";
  }
}

interface Known extends Deployment {
  readonly resources: JsonObject;
}

function withDefaults(template: JsonObject, given: JsonObject): JsonObject {
  const declared = Object.entries(asJsonObject(template["Parameters"])).map(([name, declaration]) => {
    const { Type: type, Default: fallback } = asJsonObject(declaration);
    const value = given[name] ?? fallback;
    return [name, type === "CommaDelimitedList" && typeof value === "string" ? value.split(",") : value];
  });
  return Object.fromEntries(declared);
}

function roleOf(properties: JsonObject, { account }: Deployment): Role {
  const path = textIn(properties, "Path") ?? "/";
  const role = {
    arn: `arn:aws:iam::${account}:role${path}${textIn(properties, "RoleName")}`,
    trust: properties["AssumeRolePolicyDocument"],
    policies: listIn(properties, "Policies").map((policy) => policy["PolicyDocument"]),
    tags: Object.fromEntries(listIn(properties, "Tags").map(({ Key, Value }) => [String(Key), String(Value)])),
  };
  if (!isRole(role)) throw new Error(`The role ${role.arn} is not usable.`);
  return role;
}

const listIn = (object: JsonObject, name: string): readonly JsonObject[] => {
  const value = object[name];
  return Array.isArray(value) ? value.map(asJsonObject) : [];
};

/** The value with its intrinsic functions worked out. */
function resolve(value: unknown, known: Known): unknown {
  if (Array.isArray(value)) return value.map((item) => resolve(item, known));
  if (!isJsonObject(value)) return value;
  if ("Ref" in value) return reference(String(value["Ref"]), known);
  if ("Fn::Sub" in value) return substituted(String(value["Fn::Sub"]), known);
  if ("Fn::GetAtt" in value) return attribute(value["Fn::GetAtt"], known);
  const intrinsic = Object.keys(value).find((name) => name.startsWith("Fn::"));
  if (intrinsic !== undefined) throw new Error(`${intrinsic} is not played here.`);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, resolve(inner, known)]));
}

/** `${!name}` stands for `${name}` and is left alone. */
function substituted(text: string, known: Known): string {
  return text.replace(/\$\{([^}]*)\}/g, (_whole, name: string) => {
    if (name.startsWith("!")) return `\${${name.slice(1)}}`;
    return String(name.includes(".") ? attribute(name.split("."), known) : reference(name, known));
  });
}

function reference(name: string, known: Known): unknown {
  const pseudo: Readonly<Record<string, string>> = {
    "AWS::Partition": "aws",
    "AWS::Region": known.region,
    "AWS::AccountId": known.account,
    "AWS::URLSuffix": "amazonaws.com",
  };
  const value = pseudo[name] ?? known.parameters[name];
  if (value !== undefined) return value;
  if (name in known.resources) return nameOf(name, known);
  throw new Error(`Nothing is called ${name}.`);
}

function attribute(path: unknown, known: Known): string {
  const [name = "", wanted] = Array.isArray(path) ? path.map(String) : String(path).split(".");
  const { Type: type } = asJsonObject(known.resources[name]);
  const { region, account } = known;
  const arns: Readonly<Record<string, string>> = {
    "AWS::S3::Bucket": "arn:aws:s3:::",
    "AWS::KMS::Key": `arn:aws:kms:${region}:${account}:key/`,
    "AWS::DynamoDB::Table": `arn:aws:dynamodb:${region}:${account}:table/`,
    "AWS::OpenSearchService::Domain": `arn:aws:es:${region}:${account}:domain/`,
    "AWS::IAM::Role": `arn:aws:iam::${account}:role/`,
  };
  const start = arns[String(type)];
  if (wanted !== "Arn" || start === undefined) throw new Error(`${name} has no attribute ${wanted}.`);
  return `${start}${nameOf(name, known)}`;
}

const NAMES = ["BucketName", "TableName", "DomainName", "RoleName"];

/** Its name in AWS; for what AWS names itself, something of the kind. */
function nameOf(name: string, known: Known): string {
  const properties = asJsonObject(asJsonObject(known.resources[name])["Properties"]);
  const given = NAMES.flatMap((key) => (key in properties ? [resolve(properties[key], known)] : []));
  return typeof given[0] === "string" ? given[0] : `00000000-0000-4000-8000-${known.account}`;
}

import { asJsonObject, isJsonObject, type JsonObject } from "../../json.ts";
import { type OperatorName, readOperator } from "./operators.ts";

/** One entry of a Condition block: every one of a statement has to hold. */
export interface Condition {
  readonly operator: OperatorName;
  readonly key: string;
  readonly values: readonly string[];
}

/** `Action`, `Resource`, `Principal` or their `Not…`. */
export interface Listed<T = readonly string[]> {
  readonly negated: boolean;
  readonly entries: T;
}

/** Who is named, by type: `AWS`, `Service`, `Federated`; `{"AWS": ["*"]}` for everybody. */
export type PrincipalList = Readonly<Record<string, readonly string[]>>;

export interface Statement {
  readonly sid: string | undefined;
  readonly effect: "Allow" | "Deny";
  readonly actions: Listed;
  /** Absent in a trust policy: its resource is the role it belongs to. */
  readonly resources: Listed | undefined;
  /** Absent in an identity policy: its principal is whoever it is attached to. */
  readonly principals: Listed<PrincipalList> | undefined;
  readonly conditions: readonly Condition[];
}

export interface Policy {
  /** Variables mean something from version 2012-10-17 on; without a version a policy is of 2008-10-17. */
  readonly variables: boolean;
  readonly statements: readonly Statement[];
}

const ELEMENTS: ReadonlySet<string> = new Set([
  ...["Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Principal", "NotPrincipal", "Condition"],
]);

/** What is wrong with a policy: AWS would not take it, or it uses what is not judged here. */
export class MalformedPolicy extends Error {}

/** A role is judged many times by the same documents. */
const read = new WeakMap<object, Policy>();

/**
 * Reads a policy document, which does not change afterwards. Throws `MalformedPolicy` for anything that is not understood
 * whole: nothing is skipped.
 */
export function readPolicy(document: unknown): Policy {
  if (!isJsonObject(document)) throw new MalformedPolicy("A policy must be an object.");
  const known = read.get(document) ?? parsed(document);
  read.set(document, known);
  return known;
}

function parsed(policy: JsonObject): Policy {
  const version = policy["Version"] ?? "2008-10-17";
  if (version !== "2012-10-17" && version !== "2008-10-17") throw new MalformedPolicy("The version is not known.");
  const given = policy["Statement"];
  const statements = (Array.isArray(given) ? given : [given]).map(readStatement);
  const sids = statements.flatMap(({ sid }) => sid ?? []);
  if (new Set(sids).size < sids.length) throw new MalformedPolicy("Statement ids must be unique.");
  return { variables: version === "2012-10-17", statements };
}

function readStatement(given: unknown): Statement {
  if (!isJsonObject(given)) throw new MalformedPolicy("A statement must be an object.");
  const foreign = Object.keys(given).find((name) => !ELEMENTS.has(name));
  if (foreign !== undefined) throw new MalformedPolicy(`${foreign} is no element of a statement.`);
  const { Effect: effect, Sid: sid } = given;
  if (effect !== "Allow" && effect !== "Deny") throw new MalformedPolicy("Effect is Allow or Deny.");
  const actions = oneOf(given, "Action", texts);
  if (actions === undefined) throw new MalformedPolicy("A statement needs Action or NotAction.");
  const resources = oneOf(given, "Resource", texts);
  const principals = oneOf(given, "Principal", readPrincipals);
  if (resources === undefined && principals === undefined)
    throw new MalformedPolicy("A statement needs Resource or NotResource, or a principal.");
  return {
    sid: typeof sid === "string" ? sid : undefined,
    effect,
    actions,
    resources,
    principals,
    conditions: readConditions(given["Condition"]),
  };
}

/** An element or its opposite, never both. */
function oneOf<T>(given: JsonObject, name: string, read: (value: unknown) => T): Listed<T> | undefined {
  const [plain, negated] = [given[name], given[`Not${name}`]];
  if (plain !== undefined && negated !== undefined)
    throw new MalformedPolicy(`${name} and Not${name} exclude each other.`);
  if (plain !== undefined) return { negated: false, entries: read(plain) };
  return negated === undefined ? undefined : { negated: true, entries: read(negated) };
}

function texts(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.map((one) => {
    if (typeof one === "string") return one;
    throw new MalformedPolicy("A text, or a list of texts, is expected.");
  });
}

/** `"*"` is everybody, as `{"AWS": "*"}` is. */
function readPrincipals(value: unknown): PrincipalList {
  if (value === "*") return { AWS: ["*"] };
  if (!isJsonObject(value)) throw new MalformedPolicy("A principal is * or an object.");
  const entries = Object.entries(value).map(([type, names]) => [type, texts(names)] as const);
  const partial = entries.flatMap(([, names]) => names).find((name) => name !== "*" && name.includes("*"));
  if (partial !== undefined) throw new MalformedPolicy("A principal is named whole: a wildcard cannot be part of it.");
  return Object.fromEntries(entries);
}

function readConditions(given: unknown): readonly Condition[] {
  return Object.entries(asJsonObject(given)).flatMap(([name, block]) => {
    const operator = readOperator(name);
    if (operator === undefined) throw new MalformedPolicy(`The condition operator ${name} is not known here.`);
    return Object.entries(asJsonObject(block)).map(([key, value]) => ({ operator, key, values: scalars(value) }));
  });
}

/** Values may be written as numbers and booleans too. */
function scalars(value: unknown): readonly string[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return texts(list.map((one) => (typeof one === "number" || typeof one === "boolean" ? String(one) : one)));
}

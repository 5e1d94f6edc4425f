import { type Condition, type Statement, TENANT_TAG, type Wanted } from "./statement.ts";

export type Json = null | boolean | number | string | readonly Json[] | { readonly [name: string]: Json };

/** Policy documents with the template's own references in them. */
export function document(statements: readonly Statement[]): Json {
  return { Version: "2012-10-17", Statement: statements.map(statementOf) };
}

function statementOf({ sid, effect, principals, actions, resources, conditions = [] }: Statement): Json {
  return {
    Sid: sid,
    Effect: effect,
    ...(principals && { Principal: { AWS: listOf(principals) } }),
    Action: listOf(actions),
    ...(resources && { Resource: listOf(resources) }),
    ...(conditions.length > 0 && { Condition: blockOf(conditions) }),
  };
}

/** Conditions by operator, as IAM writes them. */
function blockOf(conditions: readonly Condition[]): Json {
  const block: Record<string, Record<string, Json>> = {};
  for (const { operator, key, values } of conditions) {
    block[operator] = { ...block[operator], [key]: "parameter" in values ? inText(values.parameter) : listOf(values) };
  }
  return block;
}

function listOf(texts: readonly string[]): Json {
  const [first = "", ...more] = texts.map(inText);
  return more.length === 0 ? first : [first, ...more];
}

const WHOLE = /^\$\{([\w:]+)\}$/;

/** A text with references in it; one that is nothing but a reference is that. */
export function inText(text: string): Json {
  const [, reference] = WHOLE.exec(text) ?? [];
  if (reference !== undefined) return { Ref: reference };
  return text.includes("${") ? { "Fn::Sub": text } : text;
}

/** Everything that is made can be found, and paid for, by these. */
export function tagsOf({ environment, product, model }: Wanted): Json {
  return [
    { Key: "Product", Value: product },
    { Key: "Environment", Value: environment },
    { Key: "Plan", Value: { Ref: "Plan" } },
    ...(model === "silo" ? [{ Key: TENANT_TAG, Value: { Ref: "TenantId" } }] : []),
  ];
}

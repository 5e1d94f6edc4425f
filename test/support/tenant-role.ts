import { isolationTemplate } from "../../src/isolation/aws/aws.ts";
import type { Role } from "../../src/simulator/aws/access/role.ts";
import { rolesOf } from "../../src/simulator/aws/access/template.ts";
import { mintTenantId } from "../../src/tenants/tenants.ts";

export const ACCOUNT = "993604559884";
export const REGION = "eu-west-1";
export const ENVIRONMENT = "qa";
export const VENDING = `arn:aws:iam::${ACCOUNT}:role/stallholder`;
export const DATABASE = "cluster-ABCDEFGHIJKL";
export const SERVICES = ["s3", "dynamodb", "opensearch", "kms", "rds"] as const;
export const MODELS = ["pool", "bridge", "silo"] as const;
export type Service = (typeof SERVICES)[number];
export type Model = (typeof MODELS)[number];

/** The one whose role is looked at, another one, and one that was shut out. */
export const own = mintTenantId();
export const foreign = mintTenantId();
export const revoked = mintTenantId();
export const REVOKED_AT = new Date("2026-03-01T12:00:00Z");

type Json = Readonly<Record<string, unknown>>;

export function template(
  format: "cloudformation" | "terraform",
  model: Model,
  services: readonly Service[] = SERVICES,
): Json {
  const asked = { services: services.join(","), model, format, environment: ENVIRONMENT, product: "quiet-search" };
  return isolationTemplate(asked) as Json;
}

/** The tenants' role as CloudFormation would make it. In a silo the account is one tenant's. */
export function deployed(model: Model, services?: readonly Service[], tenant = own): Role {
  const parameters = {
    VendingPrincipalArn: VENDING,
    TenantId: tenant,
    DatabaseResourceId: DATABASE,
    RevokedTenants: revoked,
    RevokedBefore: REVOKED_AT.toISOString(),
  };
  const roles = rolesOf(template("cloudformation", model, services), { account: ACCOUNT, region: REGION, parameters });
  if (typeof roles === "string") throw new Error(roles);
  const [role] = roles;
  if (role === undefined || roles.length > 1) throw new Error("The template makes one role.");
  return role;
}

type Block = Readonly<Record<string, unknown>>;
interface TerraformStatement {
  readonly sid: string;
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources?: readonly string[];
  readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[];
  readonly condition?: readonly { readonly test: string; readonly variable: string; readonly values: unknown }[];
}

/** The same role as Terraform would make it: `aws_iam_policy_document` worked out by the provider's documented rules. */
export function deployedByTerraform(model: Model, services?: readonly Service[]): Role {
  const { data, resource } = template("terraform", model, services) as Record<string, Record<string, Block>>;
  const documents = data?.["aws_iam_policy_document"] as Record<string, { statement: TerraformStatement[] }>;
  const attached = resource?.["aws_iam_role_policy"] as Record<string, { policy: string }>;
  const role = resource?.["aws_iam_role"]?.["tenants"] as {
    name: string;
    assume_role_policy: string;
    tags: Record<string, string>;
  };
  const policyOf = (reference: string): Block => {
    const name = /^\$\{data\.aws_iam_policy_document\.(\w+)\.json\}$/.exec(reference)?.[1] ?? "";
    const statements = documents[name]?.statement ?? [];
    return { Version: "2012-10-17", Statement: statements.map(statementOf) };
  };
  return {
    arn: `arn:aws:iam::${ACCOUNT}:role/${fill(role.name)}`,
    trust: policyOf(role.assume_role_policy),
    policies: Object.values(attached).map(({ policy }) => policyOf(policy)),
    tags: Object.fromEntries(Object.entries(role.tags).map(([key, value]) => [key, fill(value)])),
  };
}

function statementOf({ sid, effect, actions, resources, principals, condition = [] }: TerraformStatement): Block {
  const block: Record<string, Record<string, unknown>> = {};
  for (const { test, variable, values } of condition) {
    const filled = typeof values === "string" ? [fill(values)] : (values as string[]).map(fill);
    block[test] = { ...block[test], [variable]: filled };
  }
  return {
    Sid: sid,
    Effect: effect,
    Action: actions,
    ...(principals && {
      Principal: Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers.map(fill)])),
    }),
    ...(resources && { Resource: resources.map(fill) }),
    ...(condition.length > 0 && { Condition: block }),
  };
}

const EXPRESSIONS: Readonly<Record<string, string>> = {
  "data.aws_partition.current.partition": "aws",
  "data.aws_region.current.region": REGION,
  "data.aws_caller_identity.current.account_id": ACCOUNT,
  "aws_s3_bucket.tenants.arn": `arn:aws:s3:::${ENVIRONMENT}-tenants-${ACCOUNT}-${REGION}`,
  "aws_kms_key.tenants.arn": `arn:aws:kms:${REGION}:${ACCOUNT}:key/00000000-0000-4000-8000-${ACCOUNT}`,
  "aws_dynamodb_table.tenants.arn": `arn:aws:dynamodb:${REGION}:${ACCOUNT}:table/${ENVIRONMENT}-tenants`,
  "aws_opensearch_domain.tenants.arn": `arn:aws:es:${REGION}:${ACCOUNT}:domain/${ENVIRONMENT}-tenants`,
  "var.vending_principal_arn": VENDING,
  "var.tenant_id": own,
  "var.database_resource_id": DATABASE,
  "var.revoked_tenants": revoked,
  "var.revoked_before": REVOKED_AT.toISOString(),
  "var.plan": "pool",
};

/** `${…}` is Terraform's; `&{…}` is what the document writes as a variable of IAM's. */
function fill(text: string): string {
  const filled = text.replace(/\$\{([^}]*)\}/g, (_whole, expression: string) => {
    const value = EXPRESSIONS[expression];
    if (value === undefined) throw new Error(`Terraform knows no ${expression}.`);
    return value;
  });
  return filled.replaceAll("&{", "${");
}

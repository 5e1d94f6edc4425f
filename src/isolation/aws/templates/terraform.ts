import { accessPolicies } from "./access.ts";
import type { Json } from "./cloudformation-text.ts";
import type { Condition, Names, Statement, Wanted } from "./statement.ts";
import { resourcesInTerraform } from "./terraform-resources.ts";
import { tagsInTerraform } from "./terraform-tags.ts";
import { variablesInTerraform } from "./terraform-variables.ts";
import { trustStatements } from "./trust.ts";

/** `&{…}` is how `aws_iam_policy_document` writes a variable of IAM's. */
const names: Names = {
  variable: (key) => `&{${key}}`,
  partition: `\${data.aws_partition.current.partition}`,
  region: `\${data.aws_region.current.region}`,
  account: `\${data.aws_caller_identity.current.account_id}`,
  vendingPrincipal: `\${var.vending_principal_arn}`,
  tenant: `\${var.tenant_id}`,
  bucketArn: `\${aws_s3_bucket.tenants.arn}`,
  keyArn: `\${aws_kms_key.tenants.arn}`,
  tableArn: `\${aws_dynamodb_table.tenants.arn}`,
  domainArn: `\${aws_opensearch_domain.tenants.arn}`,
  databaseResourceId: `\${var.database_resource_id}`,
  revokedTenants: `\${var.revoked_tenants}`,
  revokedBefore: `\${var.revoked_before}`,
};

/** The same as a Terraform module, in its JSON syntax: one file `*.tf.json`. */
export function terraform(wanted: Wanted): Json {
  const policies = accessPolicies(wanted, names);
  const documents = policies.map(({ name, statements }) => [short(name, wanted), statements] as const);
  return {
    terraform: {
      required_version: ">= 1.5",
      required_providers: { aws: { source: "hashicorp/aws", version: ">= 6.0" } },
    },
    variable: variablesInTerraform(wanted),
    data: {
      aws_partition: { current: {} },
      aws_region: { current: {} },
      aws_caller_identity: { current: {} },
      aws_iam_policy_document: Object.fromEntries(
        [["trust", trustStatements(wanted, names)] as const, ...documents].map(([name, statements]) => [
          name,
          { statement: statements.map(statementOf) },
        ]),
      ),
    },
    resource: {
      aws_iam_role: { tenants: role(wanted) },
      aws_iam_role_policy: Object.fromEntries(
        policies.map(({ name }) => [short(name, wanted), rolePolicy(name, short(name, wanted))]),
      ),
      ...resourcesInTerraform(wanted),
    },
    output: outputs(wanted),
  };
}

/** `s3` of `production-tenant-s3`. */
const short = (name: string, { environment }: Wanted): string => name.slice(`${environment}-tenant-`.length);

const rolePolicy = (name: string, document: string): Json => ({
  name,
  role: `\${aws_iam_role.tenants.id}`,
  policy: `\${data.aws_iam_policy_document.${document}.json}`,
});

function role(wanted: Wanted): Json {
  const { environment, model } = wanted;
  return {
    name: model === "silo" ? `${environment}-${names.tenant}` : `${environment}-tenant-access`,
    description: "Assumed by the vending machine for one tenant at a time: the session tag says which.",
    max_session_duration: 3_600,
    assume_role_policy: `\${data.aws_iam_policy_document.trust.json}`,
    tags: tagsInTerraform(wanted),
  };
}

function statementOf({ sid, effect, principals, actions, resources, conditions = [] }: Statement): Json {
  return {
    sid,
    effect,
    ...(principals && { principals: [{ type: "AWS", identifiers: principals }] }),
    actions,
    ...(resources && { resources }),
    ...(conditions.length > 0 && { condition: conditions.map(conditionOf) }),
  };
}

const conditionOf = ({ operator, key, values }: Condition): Json => ({
  test: operator,
  variable: key,
  values: "parameter" in values ? values.parameter : values,
});

function outputs({ services }: Wanted): Json {
  return {
    tenant_role_arn: { description: "The value of AWS_TENANT_ROLE_ARN.", value: `\${aws_iam_role.tenants.arn}` },
    ...(services.includes("s3") && {
      bucket_name: { description: "Objects of tenants, by prefix.", value: `\${aws_s3_bucket.tenants.bucket}` },
    }),
    ...(services.includes("opensearch") && {
      search_endpoint: {
        description: "Where the tenants' indices are.",
        value: `\${aws_opensearch_domain.tenants.endpoint}`,
      },
    }),
  };
}

import type { Json } from "./cloudformation-text.ts";
import type { Wanted } from "./statement.ts";

/** What the deploying person has to say, with the patterns that are the same in both notations. */
export function variablesInTerraform({ model, services }: Wanted): Json {
  const given: Readonly<Record<string, Variable>> = {
    vending_principal_arn: {
      description: "ARN of the role (or user) that Stallholder runs as: nobody else may assume the tenants' role.",
      pattern: "arn:aws[a-z-]*:iam::\\d{12}:(role|user)/[\\w+=,.@/-]+",
    },
    plan: {
      description: "The plan whose tenants are kept here, for the tag on everything that is made.",
      pattern: "[a-z0-9]+(-[a-z0-9]+)*",
      default: model,
    },
    ...(model === "silo" && {
      tenant_id: { description: "Id of the one tenant whose account this is.", pattern: "[a-z][a-z2-7]{25}" },
    }),
    ...(services.includes("rds") && {
      database_resource_id: {
        description: "Resource id of the Aurora cluster or database instance; IAM database authentication must be on.",
        pattern: "(cluster|db)-[A-Z0-9]+",
      },
    }),
    ...(services.includes("opensearch") && {
      search_instance_type: {
        description: "Instance type of the OpenSearch domain.",
        pattern: "[a-z0-9]+\\.[a-z0-9]+\\.search",
        default: "t3.small.search",
      },
    }),
    revoked_before: {
      description: "When the last of the revoked tenants was shut out, in UTC.",
      pattern: "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ",
      default: "2000-01-01T00:00:00Z",
    },
  };
  const texts = Object.entries(given).map(([name, variable]) => [name, textVariable(name, variable)] as const);
  return { ...Object.fromEntries(texts), revoked_tenants: REVOKED };
}

interface Variable {
  readonly description: string;
  readonly pattern: string;
  readonly default?: string;
}

function textVariable(name: string, { pattern, ...variable }: Variable): Json {
  // In an expression of Terraform a backslash of the pattern is written twice.
  const condition = `\${can(regex("^(?:${pattern.replaceAll("\\", "\\\\")})$", var.${name}))}`;
  return { type: "string", ...variable, validation: { condition, error_message: `Must be like ${pattern}.` } };
}

const REVOKED: Json = {
  type: "list(string)",
  description: "Ids of tenants that were shut out: their sessions from before revoked_before are worth nothing.",
  default: ["none"],
};

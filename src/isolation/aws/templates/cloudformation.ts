import { accessPolicies } from "./access.ts";
import { resourcesOf } from "./cloudformation-resources.ts";
import { document, inText, type Json, tagsOf } from "./cloudformation-text.ts";
import type { NamedPolicy, Names, Wanted } from "./statement.ts";
import { trustStatements } from "./trust.ts";

const names: Names = {
  variable: (key) => `\${!${key}}`,
  partition: `\${AWS::Partition}`,
  region: `\${AWS::Region}`,
  account: `\${AWS::AccountId}`,
  vendingPrincipal: `\${VendingPrincipalArn}`,
  tenant: `\${TenantId}`,
  bucketArn: `\${TenantBucket.Arn}`,
  keyArn: `\${TenantKey.Arn}`,
  tableArn: `\${TenantTable.Arn}`,
  domainArn: `\${TenantDomain.Arn}`,
  databaseResourceId: `\${DatabaseResourceId}`,
  revokedTenants: `\${RevokedTenants}`,
  revokedBefore: `\${RevokedBefore}`,
};

/** The stack of one environment (in a silo: of one tenant's account) as a CloudFormation template. */
export function cloudFormation(wanted: Wanted): Json {
  const { environment, product, model } = wanted;
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `Data of the tenants of ${product} (${environment}, ${model}): what keeps it, and the role whose sessions see one tenant's.`,
    Parameters: parameters(wanted),
    Resources: { TenantRole: role(wanted), ...resourcesOf(wanted) },
    Outputs: outputs(wanted),
  };
}

function role(wanted: Wanted): Json {
  const { environment, model } = wanted;
  return {
    Type: "AWS::IAM::Role",
    Properties: {
      RoleName: inText(model === "silo" ? `${environment}-${names.tenant}` : `${environment}-tenant-access`),
      Description: "Assumed by the vending machine for one tenant at a time: the session tag says which.",
      MaxSessionDuration: 3_600,
      AssumeRolePolicyDocument: document(trustStatements(wanted, names)),
      Policies: accessPolicies(wanted, names).map(policyOf),
      Tags: tagsOf(wanted),
    },
  };
}

const policyOf = ({ name, statements }: NamedPolicy): Json => ({
  PolicyName: name,
  PolicyDocument: document(statements),
});

function parameters({ model, services }: Wanted): Json {
  return {
    VendingPrincipalArn: {
      Type: "String",
      Description: "ARN of the role (or user) that Stallholder runs as: nobody else may assume the tenants' role.",
      AllowedPattern: "arn:aws[a-z-]*:iam::\\d{12}:(role|user)/[\\w+=,.@/-]+",
    },
    Plan: {
      Type: "String",
      Description: "The plan whose tenants are kept here, for the tag on everything that is made.",
      Default: model,
      AllowedPattern: "[a-z0-9]+(-[a-z0-9]+)*",
    },
    ...(model === "silo" && {
      TenantId: {
        Type: "String",
        Description: "Id of the one tenant whose account this is.",
        AllowedPattern: "[a-z][a-z2-7]{25}",
      },
    }),
    ...(services.includes("rds") && {
      DatabaseResourceId: {
        Type: "String",
        Description: "Resource id of the Aurora cluster or database instance; IAM database authentication must be on.",
        AllowedPattern: "(cluster|db)-[A-Z0-9]+",
      },
    }),
    ...(services.includes("opensearch") && {
      SearchInstanceType: {
        Type: "String",
        Description: "Instance type of the OpenSearch domain.",
        Default: "t3.small.search",
        AllowedPattern: "[a-z0-9]+\\.[a-z0-9]+\\.search",
      },
    }),
    RevokedTenants: {
      Type: "CommaDelimitedList",
      Description: "Ids of tenants that were shut out: their sessions from before RevokedBefore are worth nothing.",
      Default: "none",
      AllowedPattern: "none|[a-z][a-z2-7]{25}",
    },
    RevokedBefore: {
      Type: "String",
      Description: "When the last of them was shut out, in UTC.",
      Default: "2000-01-01T00:00:00Z",
      AllowedPattern: "\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ",
    },
  };
}

function outputs({ services }: Wanted): Json {
  const named = (description: string, value: Json): Json => ({ Description: description, Value: value });
  return {
    TenantRoleArn: named("The value of AWS_TENANT_ROLE_ARN.", { "Fn::GetAtt": ["TenantRole", "Arn"] }),
    ...(services.includes("s3") && { BucketName: named("Objects of tenants, by prefix.", { Ref: "TenantBucket" }) }),
    ...(services.includes("opensearch") && {
      SearchEndpoint: named("Where the tenants' indices are.", { "Fn::GetAtt": ["TenantDomain", "DomainEndpoint"] }),
    }),
  };
}

import { document, type Json } from "./cloudformation-text.ts";
import { allow, TENANT_TAG, when } from "./statement.ts";

/** What the customer's template is made of. */
export interface ConnectWanted {
  /** Number of the vendor's account: nobody else may assume the role. */
  readonly account: string;
  readonly environment: string;
  /** Id and name of the product. */
  readonly product: { readonly id: string; readonly name: string };
  /** What the vendor's product does in the customer's account. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  /** Whose it is, where it is made for one; else the customer gives both as parameters. */
  readonly tenant?: ConnectedTenant | undefined;
}

export interface ConnectedTenant {
  readonly id: string;
  readonly plan: string;
}

/**
 * The stack that a customer deploys: one role, for the vendor's account, with the external id of this purchase, and the tenant in
 * its name, so that an account may hold the roles of several purchases.
 */
export function connectTemplate(wanted: ConnectWanted): Json {
  const { account, environment, product, actions, resources, tenant } = wanted;
  const trust = allow("AssumeWithTheExternalId", {
    principals: [`arn:\${AWS::Partition}:iam::${account}:root`],
    actions: ["sts:AssumeRole"],
    conditions: [when("StringEquals", "sts:ExternalId", `\${ExternalId}`)],
  });
  return {
    AWSTemplateFormatVersion: "2010-09-09",
    Description: `Lets ${product.name} do what it is bought for in this account: a role that only the account ${account} can assume, and only with your external id.`,
    Parameters: {
      ExternalId: {
        Type: "String",
        Description: "The external id that the dashboard shows. It is yours alone; do not choose another one.",
        AllowedPattern: "[0-9a-f]{64}",
      },
      Tenant: {
        Type: "String",
        Description: "Whose role it is: the id that the dashboard shows.",
        AllowedPattern: "[a-z][a-z2-7]{25}",
        ...(tenant && { Default: tenant.id }),
      },
      Plan: { Type: "String", Description: "The plan that was bought.", Default: tenant?.plan ?? "" },
    },
    Resources: {
      Role: {
        Type: "AWS::IAM::Role",
        Properties: {
          RoleName: {
            "Fn::Sub": `${`${environment}-${product.id}`.slice(0, LONGEST_NAME - LENGTH_OF_TENANT - 1)}-\${Tenant}`,
          },
          Description: `Assumed by ${product.name}`,
          MaxSessionDuration: 3_600,
          AssumeRolePolicyDocument: document([trust]),
          Policies: [
            { PolicyName: "access", PolicyDocument: document([allow("WhatItIsBoughtFor", { actions, resources })]) },
          ],
          Tags: [
            { Key: TENANT_TAG, Value: { Ref: "Tenant" } },
            { Key: "Plan", Value: { Ref: "Plan" } },
            { Key: "Product", Value: product.id },
            { Key: "Environment", Value: environment },
          ],
        },
      },
    },
    Outputs: {
      RoleArn: { Description: "Paste this on the dashboard.", Value: { "Fn::GetAtt": ["Role", "Arn"] } },
    },
  };
}

/** Of a role in IAM. */
const LONGEST_NAME = 64;
const LENGTH_OF_TENANT = 26;

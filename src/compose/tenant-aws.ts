import type { Catalog } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import { awsAccess } from "../config/aws-access.ts";
import type { Settings } from "../config.ts";
import { ProviderError } from "../errors.ts";
import { type AwsAccess, createAwsAccess } from "../isolation/aws/aws.ts";

interface TenantAwsParts {
  readonly settings: Settings;
  readonly catalog: Catalog;
  readonly clock: Clock;
}

/** What AWS gives tenants; `config_invalid` where the manifest promises it and production has no role for it. */
export function tenantAws({ settings, catalog, clock }: TenantAwsParts): AwsAccess {
  const { tenantRoleArn } = settings.aws;
  // The tenants of a silo have roles of their own.
  const promised =
    catalog.credentials.some(({ kind }) => kind === "aws") &&
    catalog.plans.some(({ isolation }) => isolation !== "silo");
  if (settings.production && promised && tenantRoleArn === undefined) {
    throw new ProviderError(
      "config_invalid",
      "The manifest promises credentials of AWS, and there is no role for them.",
      {
        faults: [{ at: "AWS_TENANT_ROLE_ARN", message: "is missing, and the manifest declares an `aws` credential" }],
      },
    );
  }
  // The service's own identity vends, not the seller's role: the tenants' role trusts that identity alone.
  return createAwsAccess({
    region: awsAccess(settings).region,
    ...settings.aws.simulated,
    environment: settings.environment,
    tenantRoleArn,
    clock,
  });
}

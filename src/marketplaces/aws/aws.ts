import type { UsageReporting } from "../../metering/reporting.ts";
import type { Marketplace } from "../marketplace.ts";
import { type AwsApi, type AwsApiOptions, awsApi } from "./api/aws-api.ts";
import { openCaller } from "./api/call.ts";
import { checkConnection } from "./checks/connection.ts";
import { currentTruth } from "./current-truth.ts";
import { accountOfTenant, describeTenant } from "./describe.ts";
import { requestOf } from "./inbound-request.ts";
import type { FetchFromSns } from "./inbox/sns-certificates.ts";
import { awsRoutes } from "./intake/routes.ts";
import { AWS, type AwsOptions, type AwsParts } from "./options.ts";
import { dimensionCodes } from "./report/dimension-codes.ts";
import { awsUsageReporting } from "./report/usage-reporting.ts";
import { awsSection } from "./section.ts";
import { awsUpkeep } from "./upkeep.ts";

/** Nobody at AWS waits for a provision: the product has a month. */
const PROVISION_DEADLINE_SECONDS = 30 * 86_400;

export interface AwsMarketplaceParts extends Omit<AwsParts, "api"> {
  /** How AWS is reached. */
  readonly access: AwsApiOptions;
  /** Whether usage is really sent; it is when absent. */
  readonly mode?: UsageReporting["mode"];
  /** In its place: what we ask of AWS. */
  readonly api?: AwsApi;
  /** How SNS's certificates are had; over TLS from SNS itself when absent. */
  readonly fetchFromSns?: FetchFromSns;
}

/**
 * AWS Marketplace, both generations: buyers register at the fulfilment URL, licences come by EventBridge, SNS or a queue,
 * what they entitle to by AWS's own API, and usage goes by BatchMeterUsage. Throws `config_invalid` when the catalog's
 * section for it is not usable.
 */
export function awsMarketplace({ access, api, fetchFromSns, mode, ...parts }: AwsMarketplaceParts): Marketplace {
  const section = awsSection(parts.catalog);
  const caller = openCaller(access);
  const options: AwsOptions = { ...parts, section, api: api ?? awsApi(access, caller) };
  return {
    name: AWS,
    abilities: { pushesConfig: false, wantsCompletion: false, provisionDeadlineSeconds: PROVISION_DEADLINE_SECONDS },
    usage: awsUsageReporting({
      caller,
      codeOf: dimensionCodes(parts.catalog, section.products),
      heartbeats: section.heartbeats,
      mode,
    }),
    routes: (intake) => awsRoutes(options, intake, fetchFromSns),
    deliver: async ({ kind }) => ({ outcome: "given_up", fault: `Nothing called ${kind} is told to AWS.` }),
    describe: (tenant) => describeTenant(options, tenant),
    currentTruth: (tenant, within) => currentTruth(options, tenant, within),
    check: (within) => checkConnection({ access, products: section.products, queueUrl: access.queueUrl, within }),
    requestOf: (tenant, asked) => requestOf(options, tenant, asked),
    accountOf: (tenant) => accountOfTenant(options, tenant),
    upkeep: awsUpkeep(options),
  };
}

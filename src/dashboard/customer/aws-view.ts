import { configVarName } from "../../catalog/catalog.ts";
import type { AwsConnection } from "../../isolation/aws/aws.ts";
import type { DashboardOptions } from "../options.ts";

/** What the card of AWS shows. */
export interface AwsView {
  /** The config var with the address at which credentials are had, and the one with the key for it. */
  readonly variable: string;
  readonly keyVariable: string;
  /** The product works in the customers' own accounts too. */
  readonly connects: boolean;
  readonly connection: AwsConnection | undefined;
  /** AWS's console with the template filled in, where the vendor has put it up. */
  readonly quickCreate: string | undefined;
}

/** Undefined where the product has nothing of AWS. */
export async function awsViewOf(options: DashboardOptions, tenant: string): Promise<AwsView | undefined> {
  const { catalog, provider, connectTemplateUrl } = options;
  const declared = catalog.credentials.find((one) => one.kind === "aws");
  if (declared === undefined) return undefined;
  const key = catalog.credentials.find(({ kind }) => kind === "api-key");
  const connects = declared.connection !== undefined;
  const connection = connects ? await provider.awsConnection(tenant) : undefined;
  return {
    variable: configVarName(catalog, declared.var),
    keyVariable: key === undefined ? "API_KEY" : configVarName(catalog, key.var),
    connects,
    connection,
    quickCreate:
      connection === undefined || connectTemplateUrl === undefined
        ? undefined
        : quickCreateLink(connectTemplateUrl, catalog.id, connection.externalId),
  };
}

/** CloudFormation user guide, "Create quick-create links". */
function quickCreateLink(templateURL: string, stackName: string, externalId: string): string {
  const query = new URLSearchParams({ templateURL, stackName, param_ExternalId: externalId });
  return `https://console.aws.amazon.com/cloudformation/home#/stacks/create/review?${query}`;
}

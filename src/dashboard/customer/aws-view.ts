import { configVarName } from "../../catalog/catalog.ts";
import type { Tx } from "../../db/db.ts";
import type { AwsConnection } from "../../isolation/aws/aws.ts";
import type { Tenant } from "../../tenants/tenants.ts";
import type { DashboardOptions } from "../options.ts";

/** What the card of AWS shows. */
export interface AwsView {
  /** The config var with the address at which credentials are had, and the one with the key for it. */
  readonly variable: string;
  readonly keyVariable: string;
  /** When temporary credentials were given out last; undefined when that is long ago, or never was. */
  readonly givenAt: Date | undefined;
  /** The product works in the customers' own accounts too. */
  readonly connects: boolean;
  readonly connection: AwsConnection | undefined;
  /** AWS's console with the template filled in, where the vendor has put it up. */
  readonly quickCreate: string | undefined;
}

/** Undefined where the product has nothing of AWS. */
export async function awsViewOf(
  options: DashboardOptions,
  tenant: Pick<Tenant, "id" | "plan">,
): Promise<AwsView | undefined> {
  const { catalog, provider, connectTemplateUrl } = options;
  const declared = catalog.credentials.find((one) => one.kind === "aws");
  if (declared === undefined) return undefined;
  const key = catalog.credentials.find(({ kind }) => kind === "api-key");
  const connects = declared.connection !== undefined;
  const connection = connects ? await provider.awsConnection(tenant.id) : undefined;
  return {
    variable: configVarName(catalog, declared.var),
    givenAt: await options.store.asTenant(tenant.id, (tx) => lastGiven(tx, connection?.roleArn)),
    keyVariable: key === undefined ? "API_KEY" : configVarName(catalog, key.var),
    connects,
    connection,
    quickCreate:
      connection === undefined || connectTemplateUrl === undefined
        ? undefined
        : quickCreateLink(connectTemplateUrl, `${options.environment}-${catalog.id}-${tenant.id}`, {
            ExternalId: connection.externalId,
            Tenant: tenant.id,
            Plan: tenant.plan,
          }),
  };
}

/** Of the newest entries of the audit, however long it is. The role in the customer's own account is not meant. */
async function lastGiven(tx: Tx, connected: string | null | undefined): Promise<Date | undefined> {
  const [row] = await tx.query<{ at: Date }>(
    `select recorded_at as at from (select * from audit_entries order by sequence desc limit 500) newest
     where action = 'aws.assumed' and data->>'role' is distinct from $1 order by sequence desc limit 1`,
    [connected ?? ""],
  );
  return row?.at;
}

/** CloudFormation user guide, "Create quick-create links". */
function quickCreateLink(
  templateURL: string,
  stackName: string,
  parameters: Readonly<Record<"ExternalId" | "Tenant" | "Plan", string>>,
): string {
  const query = new URLSearchParams({ templateURL, stackName });
  for (const [name, value] of Object.entries(parameters)) query.set(`param_${name}`, value);
  return `https://console.aws.amazon.com/cloudformation/home#/stacks/create/review?${query}`;
}

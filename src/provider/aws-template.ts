import type { Catalog } from "../catalog/catalog.ts";
import { ProviderError } from "../errors.ts";
import { awsConnectTemplate, type ConnectedTenant } from "../isolation/aws/aws.ts";
import type { Deps } from "./deps.ts";

/** The customer's template for an account of the vendor's. `not_permitted` where the product connects no accounts. */
export function connectTemplateOf(
  catalog: Catalog,
  environment: string,
  account: string,
  tenant?: ConnectedTenant,
): object {
  const [connection] = catalog.credentials.flatMap((declared) =>
    declared.kind === "aws" && declared.connection !== undefined ? [declared.connection] : [],
  );
  if (connection === undefined)
    throw new ProviderError("not_permitted", "This product does not work in AWS accounts of its customers.");
  const { id, name } = catalog;
  return awsConnectTemplate({ account, environment, product: { id, name }, tenant, ...connection }) as object;
}

/** The same with the account that this service runs in, for one tenant. */
export async function awsTemplate({ aws, catalog }: Deps, tenant: ConnectedTenant): Promise<object> {
  const account = await aws?.account();
  return connectTemplateOf(catalog, aws?.environment ?? "", account ?? "", tenant);
}

import type { Catalog } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { CredentialDeclaration } from "../credentials/credentials.ts";
import type { Store } from "../isolation/isolation.ts";
import type { Marketplace } from "../marketplaces/marketplace.ts";
import type { Provider } from "../provider/contract.ts";
import type { BrowserSessions } from "../sso/browser-sessions.ts";

/** What the pages stand on: they read through `store` as the signed-in tenant and write through `provider` alone. */
export interface DashboardOptions {
  readonly store: Store;
  readonly provider: Provider;
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly declarations: readonly CredentialDeclaration[];
  readonly marketplaceOf: (name: string) => Pick<Marketplace, "describe"> | undefined;
  readonly sessions: BrowserSessions;
  /** The name of this deployment; all but `production` is shown. */
  readonly environment: string;
  /** Our own origin: a form that another one sent is refused. */
  readonly publicUrl: string;
  /** Where in S3 the customer's CloudFormation template is. */
  readonly connectTemplateUrl?: string | undefined;
}

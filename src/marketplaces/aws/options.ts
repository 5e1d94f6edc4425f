import type { Catalog } from "../../catalog/catalog.ts";
import type { Clock } from "../../clock.ts";
import type { FailedAttempts } from "../../http/failed-attempts.ts";
import type { Metrics } from "../../http/metrics.ts";
import type { Store } from "../../isolation/isolation.ts";
import type { Logger } from "../../log.ts";
import type { Provider } from "../../provider/contract.ts";
import type { Vault } from "../../secrets/secrets.ts";
import type { AwsApi } from "./api/aws-api.ts";
import type { AwsSection } from "./section.ts";

/** The name under which tenants of this marketplace are kept. */
export const AWS = "aws";

export interface AwsSettings {
  /** Where licences are metered from now on, unless the product names another region. */
  readonly region: string;
  /** Topics whose messages are believed. */
  readonly topicArns: readonly string[];
  /** Bearer tokens of the API destination: several during a rotation, none closes `/aws/events`. */
  readonly eventsSecrets: readonly string[];
  /** Whether marketplace events come by a queue. */
  readonly pollsQueue: boolean;
  /** Outside production: where the host of SNS's certificates and confirmations is really reached. */
  readonly snsEndpoint?: string | undefined;
}

export interface AwsParts {
  readonly store: Store;
  readonly vault: Vault;
  readonly clock: Clock;
  readonly catalog: Catalog;
  readonly attempts: FailedAttempts;
  readonly metrics?: Metrics;
  readonly logger: Logger;
  readonly provider: Provider;
  readonly api: AwsApi;
  readonly settings: AwsSettings;
  readonly publicUrl: string;
  /** What our pages load: the addresses of the sheet and the script that all pages of the service share. */
  readonly assets: { readonly stylesheet: string; readonly htmx: string };
}

export interface AwsOptions extends AwsParts {
  readonly section: AwsSection;
}

import type { KeyObject } from "node:crypto";
import type { Catalog } from "../catalog/catalog.ts";
import type { Clock } from "../clock.ts";
import type { CredentialDeclaration, Mint } from "../credentials/credentials.ts";
import type { LastUse } from "../credentials/last-use.ts";
import type { TokenKeys } from "../credentials/token-keys.ts";
import type { Delivery } from "../deliveries/deliveries.ts";
import type { AuditKey } from "../events/audit-anchor.ts";
import type { ToldEvent } from "../events/envelope.ts";
import type { AwsAccess } from "../isolation/aws/aws.ts";
import type { Databases } from "../isolation/databases/databases.ts";
import type { Store } from "../isolation/isolation.ts";
import type { ReportingByMarketplace } from "../metering/billing.ts";
import type { Metering } from "../metering/metering.ts";
import type { Product } from "../product/product.ts";
import type { Vault } from "../secrets/secrets.ts";
import type { Tenant } from "../tenants/tenants.ts";

/** What a marketplace can do; calls that make no sense for it are never owed. */
export interface Abilities {
  /** We can set the customer's config vars after the purchase. */
  readonly pushesConfig: boolean;
  /** It wants to be told when a change it was answered "not yet" is over. */
  readonly wantsCompletion: boolean;
  /** Seconds after which an unfinished provision counts as failed over there. */
  readonly provisionDeadlineSeconds: number;
}

/** Addresses of customers that hear of their own tenant. */
export interface CustomerWebhooks {
  /** The address as it is kept; `request_malformed` for one that nothing may be sent to. */
  check(url: string): Promise<string>;
  /** One signed event. Never throws. */
  send(
    to: { readonly url: string; readonly secret: string; readonly attempt: number },
    event: ToldEvent,
  ): Promise<Delivery>;
}

/** Everything the provider's commands stand on; built once, by hand, in `compose/core.ts`. */
export interface Deps {
  readonly store: Store;
  readonly clock: Clock;
  readonly catalog: Catalog;
  /** The catalog's credentials with full names and, where they hold no secret, their values. */
  readonly declarations: readonly CredentialDeclaration[];
  readonly product: Product;
  readonly vault: Vault;
  readonly mint: Mint;
  readonly peppers: readonly KeyObject[];
  readonly lastUse: LastUse;
  /** Seals the anchors of the audit. */
  readonly auditKey: AuditKey;
  readonly tokens: TokenKeys;
  readonly metering: Metering;
  readonly webhooks: CustomerWebhooks;
  /** The databases of tenants, where there is a server for them. */
  readonly databases?: Databases;
  /** Temporary credentials of AWS, where tenants get some. */
  readonly aws?: AwsAccess;
  /** Number of the AWS account that bought, where the marketplace knows one. */
  readonly accountOf?: (tenant: Tenant) => Promise<string | undefined>;
  readonly abilitiesOf: (marketplace: string) => Abilities;
  /** The marketplaces that bill usage, by name. */
  readonly reporting: () => ReportingByMarketplace;
  readonly budgets: Budgets;
}

/** How long things may take inside a request, in milliseconds of real time. Together they stay far below 25 s. */
export interface Budgets {
  /** The product; then the answer is "not yet" and the worker goes on. */
  readonly product: number;
  /** The tenants' database server, before the product is asked. */
  readonly databases: number;
  /** The product inside a deprovision request, where nobody waits for an answer. */
  readonly parting: number;
  /** Another change of the same tenant, before this one is refused as `operation_running`. */
  readonly turn: number;
}

export const defaultBudgets: Budgets = { product: 8_000, databases: 6_000, parting: 2_000, turn: 6_000 };

import { type Catalog, type Dimension, findPlan, limitsOf, type Plan } from "../../catalog/catalog.ts";
import { type Credential, type CredentialDeclaration, liveCredentials } from "../../credentials/credentials.ts";
import type { Tx } from "../../db/db.ts";
import { isOwed, PUSH_CONFIG } from "../../deliveries/deliveries.ts";
import { ProviderError } from "../../errors.ts";
import { type LifecycleEvent, lastSignIns, recentEvents } from "../../events/events.ts";
import type { MarketplaceTexts } from "../../marketplaces/marketplace.ts";
import { alertsOf, type UsageAlert } from "../../metering/alerts.ts";
import { type Included, includedNow } from "../../metering/history.ts";
import { type MonthlyUsage, monthlyUsage } from "../../metering/read.ts";
import { type Operation, runningOperation } from "../../operations/operations.ts";
import type { SignedIn } from "../../sso/sso.ts";
import { type Person, peopleOf, readTenant, type Tenant } from "../../tenants/tenants.ts";
import type { DashboardOptions } from "../options.ts";
import { type AwsView, awsViewOf } from "./aws-view.ts";
import { type FirstSteps, firstStepsOf } from "./first-use.ts";

/** What the customer's pages show, as it was at one moment. */
export interface CustomerView {
  readonly now: Date;
  /** The name of the product. */
  readonly product: string;
  /** The name of the deployment, unless it is production. */
  readonly environment: string | undefined;
  readonly tenant: Tenant;
  readonly plan: Plan | undefined;
  readonly plans: readonly Plan[];
  /** The tenant's own, or its plan's. */
  readonly limits: Readonly<Record<string, number>>;
  /** What limits are called that are also metered: dimension ids to names. */
  readonly dimensions: Readonly<Record<string, string>>;
  /** What is metered. */
  readonly metered: readonly Dimension[];
  readonly usage: MonthlyUsage;
  /** What a contract includes, where there is one. */
  readonly included: readonly Included[];
  readonly alerts: readonly UsageAlert[];
  readonly steps: FirstSteps;
  readonly running: Operation | undefined;
  /** Names only. */
  readonly configVars: readonly string[];
  /** The marketplace has not been given the newest config vars yet. */
  readonly pushIsOwed: boolean;
  readonly declarations: readonly CredentialDeclaration[];
  readonly credentials: readonly Credential[];
  readonly events: readonly LifecycleEvent[];
  /** Where the next page of events begins, when there is one. */
  readonly olderThan: number | undefined;
  readonly people: readonly Person[];
  /** When a person of this e-mail address signed in last. */
  readonly seen: ReadonlyMap<string, Date>;
  readonly help: Catalog["help"];
  readonly texts: MarketplaceTexts;
  readonly aws: AwsView | undefined;
  readonly person: SignedIn["person"];
  readonly viewing: SignedIn["viewing"];
}

export interface EventPage {
  readonly size: number;
  /** The last sequence of the page before. */
  readonly before?: number | undefined;
  /** How types begin; any when absent. */
  readonly begins?: readonly string[];
}

/** Reads it all as it is now; of the config vars only the names. */
export async function loadView(options: DashboardOptions, who: SignedIn, page: EventPage): Promise<CustomerView> {
  const { store, provider, catalog, clock, declarations } = options;
  const rows = await store.asTenant(who.tenant, (tx) => readRows(tx, page, clock.now()));
  return {
    product: catalog.name,
    environment: options.environment === "production" ? undefined : options.environment,
    ...rows,
    plan: findPlan(catalog, rows.tenant.plan),
    plans: catalog.plans,
    limits: limitsOf(catalog, rows.tenant),
    dimensions: Object.fromEntries(catalog.dimensions.map(({ id, name }) => [id, name])),
    metered: catalog.dimensions,
    configVars: Object.keys(await provider.configVars(who.tenant)).sort(),
    declarations,
    help: catalog.help,
    texts: await textsOf(options, rows.tenant),
    aws: await awsViewOf(options, rows.tenant),
    person: who.person,
    viewing: who.viewing,
  };
}

async function readRows(tx: Tx, { size, before, begins = [] }: EventPage, now: Date) {
  const tenant = await readTenant(tx);
  if (tenant === undefined) throw new ProviderError("tenant_not_found", "There is no such tenant.");
  const events = await recentEvents(tx, size + 1, { before, forCustomer: true, begins });
  return {
    now,
    tenant,
    usage: await monthlyUsage(tx, now),
    included: await includedNow(tx, now),
    alerts: await alertsOf(tx),
    steps: await firstStepsOf(tx),
    running: await runningOperation(tx),
    credentials: await liveCredentials(tx),
    events: events.slice(0, size),
    olderThan: events.length > size ? events[size - 1]?.sequence : undefined,
    people: await peopleOf(tx),
    seen: await lastSignIns(tx),
    pushIsOwed: await isOwed(tx, PUSH_CONFIG),
  };
}

function textsOf({ marketplaceOf }: DashboardOptions, tenant: Tenant): Promise<MarketplaceTexts> {
  const marketplace = marketplaceOf(tenant.marketplace);
  if (marketplace === undefined) throw new Error(`The marketplace ${tenant.marketplace} is not set up.`);
  return marketplace.describe(tenant);
}

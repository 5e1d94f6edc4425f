import type { ConfigVars, Credential, Scope } from "../credentials/credentials.ts";
import type { NamedWish } from "../credentials/named.ts";
import type { KeyJudgement } from "../credentials/verify.ts";
import type { Delivery, NewOwedCall, OwedCall } from "../deliveries/deliveries.ts";
import type { AnchorMade } from "../events/audit-anchor.ts";
import type { By } from "../events/events.ts";
import type { Attached, ExternalEvent } from "../events/external.ts";
import type { AwsConnection, AwsSession } from "../isolation/aws/aws.ts";
import type { Share } from "../metering/alerts.ts";
import type { BillingEnd, Included, Payer } from "../metering/billing.ts";
import type { UsageReceipt, UsageSource } from "../metering/metering.ts";
import type { Mark, MeteringSummary, UsageFilter, UsageRecord } from "../metering/read.ts";
import type { Operation } from "../operations/operations.ts";
import type { SignedIn } from "../sso/sso.ts";
import type { Tenant, TenantFilter, TenantRef } from "../tenants/tenants.ts";

/** Done now, or running: the end then reaches the marketplace by an owed call. A repeat gives the same with `fresh` false. */
export type Outcome<T> =
  | { readonly kind: "done"; readonly fresh: boolean; readonly value: T }
  | { readonly kind: "running"; readonly operationId: string; readonly value: T };

/** What the customer gets for a purchase or a plan change. */
export interface Provisioned {
  readonly tenant: Tenant;
  /** The credentials that are active now, rendered as environment variables. */
  readonly config: ConfigVars;
  /** From the product, for the customer. */
  readonly message?: string;
}

/** Who asks, and when it happened over there. Every command carries it. */
export interface Command {
  readonly by: By;
  readonly at: Date;
  /** The id of the HTTP request that asked, where one did: kept with the operation it begins. */
  readonly request?: string | undefined;
}

export interface ProvisionRequest extends Command {
  readonly marketplace: string;
  readonly resourceId: string;
  readonly plan: string;
  readonly region: string | null;
  readonly name: string;
  readonly options: Readonly<Record<string, string | number | boolean>>;
  /** Display text from the marketplace. */
  readonly facts?: Readonly<Record<string, string>>;
  /** Kept sealed for the life of the tenant (log tokens). */
  readonly kept?: Readonly<Record<string, string>>;
  /** What the marketplace's adapter owes for this request (exchange the grant); a repeat may owe something newer. */
  readonly owed?: readonly NewOwedCall[];
}

export interface PlanChange extends Command {
  readonly ref: TenantRef;
  readonly plan: string;
}

/** What the marketplace says the customer is entitled to. */
export interface Entitlements extends Command {
  readonly ref: TenantRef;
  readonly plan: string;
  /** By name; they count in the place of the plan's. */
  readonly limits: Readonly<Record<string, number>>;
  readonly until?: Date | undefined;
}

export interface Suspension extends Command {
  readonly ref: TenantRef;
  /** Shown to the customer. */
  readonly reason: string;
}

export interface TenantCommand extends Command {
  readonly ref: TenantRef;
}

export interface Rotation extends Command {
  readonly ref: TenantRef;
  /** All kinds that hold a secret when absent. */
  readonly kind?: string | undefined;
  /** How long the old ones go on working; 2 hours when absent, 0 revokes at once, 7 days at most. */
  readonly overlapSeconds?: number | undefined;
}

export interface Revocation extends Command {
  readonly ref: TenantRef;
  readonly credential: string;
}

/** A credential beside those of the config vars, under a name of its own. */
export interface Issue extends Command, NamedWish {
  readonly ref: TenantRef;
}

/** Another value for a named credential. */
export interface Reissue extends Command {
  readonly ref: TenantRef;
  readonly credential: string;
  readonly overlapSeconds: number;
}

export interface Issued {
  readonly credential: Credential;
  /** Shown once. */
  readonly value: string;
}

/** A sign-in whose token the marketplace's adapter has verified. Everything but `ref` is display text. */
export interface VerifiedSignIn extends Command {
  readonly ref: TenantRef;
  readonly person: { readonly id: string; readonly email: string };
  /** Digests of the token that was verified and of those that came with it: the first works once, none works afterwards. */
  readonly tokenDigests: readonly string[];
  /** When the token would be refused as stale anyway. */
  readonly tokenEnds: Date;
}

/** What a key is worth now, with the limits of its tenant. */
export type KeyVerdict =
  | (Omit<KeyJudgement & { readonly valid: true }, "used" | "limits" | "credential"> & {
      readonly limits: Readonly<Record<string, number>>;
      /** Beyond a limit this month, or close to it: advice for the product. */
      readonly over?: Mark;
    })
  | (KeyJudgement & { readonly valid: false });

/** Who asks for credentials of AWS, and for how long. */
export interface AwsCredentialsAsked extends Command {
  readonly ref: TenantRef;
  /** 900 to 3600, rounded down to five minutes; 900 when absent. */
  readonly seconds?: number | undefined;
}

/** The role that a customer made for the vendor's product. */
export interface AwsRole extends TenantCommand {
  readonly roleArn: string;
}

/** A share of a limit, or of what is included, at which a customer wants to be told: once in each period. */
export interface AlertWish extends TenantCommand {
  readonly dimension: string;
  readonly of: Share;
  /** 1 to 1000. */
  readonly percent: number;
  /** The vendor's mailer writes to an e-mail address; a webhook is the customer's own. */
  readonly to: { readonly email: string } | { readonly url: string };
}

export interface AlertMade {
  readonly id: string;
  /** Signs what the webhook gets. Shown this once; undefined beside an e-mail address. */
  readonly secret: string | undefined;
}

export type ConnectionTried = { readonly works: true; readonly milliseconds: number } | { readonly works: false };

export interface AlertRemoval extends TenantCommand {
  readonly alert: string;
}

export interface AccessToken {
  readonly token: string;
  readonly expiresIn: number;
}

/** What any marketplace may ask of us. Each call may come twice: the answer is then the same and `fresh` is false. */
export interface Provider {
  /** `plan_unknown`, `region_unknown`, `request_conflict` (same id, other content), `tenant_gone`, `product_refused`. */
  provision(request: ProvisionRequest): Promise<Outcome<Provisioned>>;
  /** The same plan is done and not fresh. `plan_unknown`, `plan_change_refused`, `operation_running`, `tenant_gone`. */
  changePlan(change: PlanChange): Promise<Outcome<Provisioned>>;
  suspend(suspension: Suspension): Promise<Outcome<Tenant>>;
  resume(command: TenantCommand): Promise<Outcome<Tenant>>;
  /** From any living state; cancels what runs. Credentials are dead when it resolves. `tenant_gone` the second time. */
  deprovision(command: TenantCommand): Promise<Outcome<Tenant>>;
  /** New credentials are active when it resolves; the old ones work on for the overlap. */
  rotateCredentials(rotation: Rotation): Promise<Outcome<Tenant> & { readonly operationId: string }>;
  /** `request_conflict` when the name is taken, `quota_exceeded` at 20 of them, `not_permitted` for a scope too many. */
  issueCredential(issue: Issue): Promise<Issued>;
  /** A new value under the same name; `credential_not_found` unless it is a named one in use. */
  reissueCredential(reissue: Reissue): Promise<Issued>;
  /** Those that are not revoked, newest first; never their values. */
  listCredentials(ref: TenantRef): Promise<readonly Credential[]>;
  /** Refused from now on. The second time nothing happens. One in a config var is not left without a successor. */
  revokeCredential(revocation: Revocation): Promise<Tenant>;
  /** `signin_refused` whatever is wrong: unknown or gone tenant, token used before. */
  signIn(claim: VerifiedSignIn): Promise<SignedIn>;
  /** What the customer should have in the environment now. Secrets: for the marketplace, not for a page. */
  configVars(tenant: string): Promise<ConfigVars>;
  /** One value for the customer's eyes; a lifecycle event says who looked. */
  revealConfigVar(command: TenantCommand, name: string): Promise<string>;
  verifyKey(key: string): Promise<KeyVerdict>;
  /** A short token for the holder of an API key with the scope `token`. */
  issueToken(key: string): Promise<AccessToken>;
  /** The verdict on a key, `not_authenticated` or `not_permitted` when it may not do this. */
  authorise(key: string, scope: Scope): Promise<KeyVerdict & { readonly valid: true }>;
  /**
   * Temporary credentials of AWS that open this tenant's data and nothing else. Within their time the same may come again.
   * `not_permitted` where the product has none, `tenant_suspended`, `tenant_gone`, `aws_refused`, `aws_unavailable`.
   */
  awsCredentials(asked: AwsCredentialsAsked): Promise<AwsSession>;
  /** The connection to the customer's AWS account, or the offer of one. `not_permitted` where the product makes none. */
  awsConnection(tenant: string): Promise<AwsConnection | undefined>;
  /** Gives out an external id; the second time the same, until the connection is ended. */
  offerAwsConnection(command: TenantCommand): Promise<AwsConnection>;
  /**
   * Takes the role of the customer after really assuming it. The second time it is tried again. `request_malformed` for what
   * is no role, `aws_role_refused` with the reason, `aws_unavailable`; whatever was connected before stays then.
   */
  connectAws(role: AwsRole): Promise<AwsConnection>;
  /** Its external id is never given out again. The second time nothing happens. */
  disconnectAws(command: TenantCommand): Promise<void>;
  /** Temporary credentials of the customer's role. `aws_not_connected`; else as `awsCredentials`. */
  connectedCredentials(asked: AwsCredentialsAsked): Promise<AwsSession>;
  /** The CloudFormation template that this customer deploys. */
  awsTemplate(tenant: Pick<Tenant, "id" | "plan">): Promise<object>;
  /** Whatever its state; undefined when there never was one. */
  findTenant(ref: TenantRef): Promise<Tenant | undefined>;
  listTenants(filter: TenantFilter): Promise<readonly Tenant[]>;
  operation(tenant: string, id: string): Promise<Operation | undefined>;
  /** What one of the vendor's other systems tells: once, by its source and id. `request_conflict` with other content. */
  attachEvent(tenant: string, event: ExternalEvent): Promise<Attached>;
  /** A receipt for each item, in order; a faulty one is refused alone. `unavailable` when nothing can be stored now. */
  recordUsage(source: UsageSource, items: readonly unknown[]): Promise<readonly UsageReceipt[]>;
  /** By tenant, hour and dimension; `request_malformed` for a foreign cursor. */
  listUsage(filter: UsageFilter): Promise<readonly UsageRecord[]>;
  meteringSummary(): Promise<MeteringSummary>;
  /** `request_malformed` for a place that nothing may be sent to, `quota_exceeded` at 20 of them. */
  addUsageAlert(wish: AlertWish): Promise<AlertMade>;
  /** Opens the database of a config var as the customer does, within three seconds. */
  testConnection(command: TenantCommand, name: string): Promise<ConnectionTried>;
  /** A lifecycle event: the data themselves are read as the tenant. */
  noteExport(command: TenantCommand): Promise<void>;
  removeUsageAlert(removal: AlertRemoval): Promise<void>;
  /**
   * Plan and limits follow what the marketplace says the customer is entitled to. The same again is done and not fresh.
   * The product is told by a plan change, with the same plan where only limits differ. Refusals as of `changePlan`.
   */
  setEntitlements(ref: TenantRef, to: Omit<Entitlements, "ref">): Promise<Outcome<Tenant>>;
  /**
   * Who pays for the tenant's usage from an hour on. The second time it is brought up to date; an hour that was frozen
   * before stays with its payer. `request_conflict` while another tenant is billed under the same reference.
   */
  billTo(ref: TenantRef, payer: Payer): Promise<void>;
  /**
   * The purchase behind a billing reference ended: its records go first and are tried until `flushBy`. The second time
   * both moments are brought up to date. A renewal may have made another payer meanwhile.
   */
  endBilling(ref: TenantRef, end: BillingEnd): Promise<void>;
  /** A new quantity for the same period replaces the old one; what is used stays used. */
  include(ref: TenantRef, included: Included): Promise<void>;
  /** Records that wait because the marketplace said "not subscribed" are tried again: it says something newer now. */
  retryBilling(ref: TenantRef, billingReference: string): Promise<void>;
}

/** For the worker alone. */
export interface ProviderJobs {
  /** Starts due operations, at most `limit`: a promise for the end of each. */
  startDueOperations(limit: number): Promise<readonly Promise<void>[]>;
  /** Delivers a call owed to the product. */
  tellProduct(call: OwedCall): Promise<Delivery>;
  /** Delivers a call owed to a customer's own webhook. */
  tellCustomer(call: OwedCall): Promise<Delivery>;
  /** Seals, sums and freezes usage, keeps its deadlines and its tables; true when there was work. */
  meterUsage(): Promise<boolean>;
  /** Reports a batch of usage records; true when there was one. `lane`: which of several that do so at once. */
  reportUsage(lane: number): Promise<boolean>;
  /** Starts due changes on the tenants' database server, at most `limit`: a promise for the end of each. */
  startDueDatabases(limit: number): Promise<readonly Promise<void>[]>;
  /** Holds customers' database sessions to their plans, and measures what they store. */
  watchDatabases(): Promise<void>;
  /** Goes on with due moves of tenants' data, at most `limit`: a promise for the end of each. */
  startDueMoves(limit: number): Promise<readonly Promise<void>[]>;
  /** Tries the roles of customers again that are due; true when there was one. */
  checkAwsConnections(): Promise<boolean>;
  /** Ends what time ends: retiring credentials, sessions, used sign-in tokens. */
  sweep(): Promise<void>;
  /** Moves a rotation of everybody on, and starts at most `limit` turns of it: a promise for the end of each. */
  startRotations(limit: number): Promise<readonly Promise<void>[]>;
  /** Follows what was rotated until the old credentials have ended. */
  followRotations(): Promise<void>;
  /** Anchors the audit, once a minute: what was anchored. */
  anchorAudit(): Promise<readonly AnchorMade[]>;
}

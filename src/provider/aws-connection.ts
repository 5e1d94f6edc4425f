import type { Tx } from "../db/db.ts";
import { ProviderError } from "../errors.ts";
import { appendAudit } from "../events/audit.ts";
import { appendEvent, type EventType } from "../events/events.ts";
import type { AwsAccess, AwsConnection, AwsSession, RoleVerdict } from "../isolation/aws/aws.ts";
import type { Tenant } from "../tenants/tenants.ts";
import { entitled, secondsOf, tellFailed, triedRole } from "./aws-credentials.ts";
import type { AwsCredentialsAsked, AwsRole, Command, TenantCommand } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";

/** Where the product works in the accounts of customers; `not_permitted` where it does not. */
function connectingAws({ aws, catalog }: Deps): AwsAccess {
  const connects = catalog.credentials.some((declared) => declared.kind === "aws" && declared.connection !== undefined);
  if (aws !== undefined && connects) return aws;
  throw new ProviderError("not_permitted", "This product does not work in AWS accounts of its customers.");
}

export function awsConnection(deps: Deps, tenant: string): Promise<AwsConnection | undefined> {
  const aws = connectingAws(deps);
  return deps.store.asTenant(tenant, (tx) => aws.connections.read(tx));
}

export async function offerAwsConnection(deps: Deps, { ref }: TenantCommand): Promise<AwsConnection> {
  const aws = connectingAws(deps);
  const { id } = await entitled(deps, await idOf(deps, ref));
  return deps.store.asTenant(id, (tx) => aws.connections.offer(tx, id, deps.clock.now()));
}

/** Nothing of AWS is called inside a transaction; what was ended meanwhile stays ended. */
export async function connectAws(deps: Deps, { ref, roleArn: given, by, at }: AwsRole): Promise<AwsConnection> {
  const aws = connectingAws(deps);
  const roleArn = given.trim();
  const tenant = await entitled(deps, await idOf(deps, ref));
  const { externalId } = await deps.store.asTenant(tenant.id, (tx) =>
    aws.connections.offer(tx, tenant.id, deps.clock.now()),
  );
  const attempt = () => checked(deps, tenant, { roleArn, externalId });
  const verdict = await triedRole(deps, tenant.id, { by, at }, roleArn, attempt);
  if (verdict.kind === "refused") throw new ProviderError("aws_role_refused", verdict.reason);
  const { account } = verdict;
  return deps.store.asTenant(tenant.id, async (tx) => {
    const now = deps.clock.now();
    if (!(await aws.connections.keep(tx, externalId, { roleArn, account }, now)))
      throw new ProviderError(
        "aws_role_refused",
        "The connection was ended meanwhile. Begin anew with its new external id.",
      );
    await tell(tx, tenant.id, "aws.connected", { by, at }, { account, role: roleArn }, now);
    const connection = await aws.connections.read(tx);
    if (connection === undefined) throw new Error("The connection is not there.");
    return connection;
  });
}

export async function disconnectAws(deps: Deps, { ref, by, at }: TenantCommand): Promise<void> {
  const aws = connectingAws(deps);
  const tenant = await idOf(deps, ref);
  await deps.store.asTenant(tenant, async (tx) => {
    const now = deps.clock.now();
    const before = await aws.connections.read(tx);
    if (!(await aws.connections.end(tx, now))) return;
    await tell(tx, tenant, "aws.disconnected", { by, at }, { account: before?.account, role: before?.roleArn }, now);
  });
  aws.forget(tenant);
}

/** For the product alone: what it does in the customer's account, it does with these. */
export async function connectedCredentials(deps: Deps, asked: AwsCredentialsAsked): Promise<AwsSession> {
  const aws = connectingAws(deps);
  const seconds = secondsOf(asked.seconds);
  const { id, changedAt } = await entitled(deps, await idOf(deps, asked.ref));
  const connection = await awsConnection(deps, id);
  if (connection?.state !== "connected") {
    const reason = connection?.fault ?? "The customer has not connected an AWS account.";
    throw new ProviderError("aws_not_connected", reason);
  }
  const { by, at } = asked;
  const data = { seconds, role: connection.roleArn };
  const confirm = async (): Promise<void> => {
    await entitled(deps, id, (tx) => appendAudit(tx, id, { action: "aws.assumed", by, at, data }, deps.clock.now()));
  };
  const purpose = `${connection.externalId} ${by} ${changedAt.toISOString()}`;
  const failed = (reason: string, untold: number) =>
    tellFailed(deps, id, asked, { ...data, reason, ...(untold > 0 && { untold }) });
  const session = await aws.useConnected({ tenant: id, purpose, seconds, confirm, failed }, connection);
  if (session === undefined)
    throw new ProviderError("aws_not_connected", "AWS does not let us assume the customer's role any more.");
  return session;
}

const CHECKED_AT_ONCE = 5;
const LEASE_MS = 10 * 60_000;

/** Tries the roles that are due again. One that AWS gives no answer for stays as it is and is tried when its lease ends. */
export async function checkAwsConnections(deps: Deps): Promise<boolean> {
  const { aws, store, clock } = deps;
  if (aws === undefined) return false;
  const now = clock.now();
  const due = await store.throughDoor<{ tenant: string }>({
    text: "select claim_aws_connections as tenant from claim_aws_connections($1, $2, $3)",
    values: [now, new Date(now.getTime() + LEASE_MS), CHECKED_AT_ONCE],
  });
  await Promise.all(due.map(({ tenant }) => checkOne(deps, aws, tenant)));
  return due.length > 0;
}

async function checkOne(deps: Deps, aws: AwsAccess, id: string): Promise<void> {
  const tenant = await entitled(deps, id);
  const connection = await deps.store.asTenant(id, (tx) => aws.connections.read(tx));
  if (connection?.roleArn == null) return;
  const { roleArn, externalId } = connection;
  const verdict = await checked(deps, tenant, { roleArn, externalId }).catch((fault: unknown) => {
    if (fault instanceof ProviderError && fault.code === "aws_unavailable") return undefined;
    throw fault;
  });
  if (verdict === undefined) return;
  if (verdict.kind === "refused") aws.forget(id);
  await deps.store.asTenant(id, (tx) => noteCheck(deps, tx, tenant, connection, verdict));
}

async function noteCheck(
  deps: Deps,
  tx: Tx,
  { id }: Tenant,
  before: AwsConnection,
  verdict: RoleVerdict,
): Promise<void> {
  const { aws, clock } = deps;
  const now = clock.now();
  const by = "job:aws connections";
  const { roleArn, externalId, state } = before;
  const event = (type: EventType, data: object) => appendEvent(tx, id, { type, by, at: now, data: { ...data } }, now);
  if (verdict.kind === "refused") {
    const noted = await aws?.connections.break(tx, before, verdict.reason, now);
    if (!noted || state !== "connected") return;
    const { reason } = verdict;
    await event("aws.connection_broken", { reason });
    await appendAudit(tx, id, { action: "aws.assume_failed", by, at: now, data: { role: roleArn, reason } }, now);
    return;
  }
  const kept = await aws?.connections.keep(tx, externalId, { roleArn: roleArn ?? "", account: verdict.account }, now);
  if (kept && state === "broken") await event("aws.connection_mended", {});
}

/** A role is looked for in the account that bought, where the marketplace knows it, else in the first that was verified. */
async function checked(
  deps: Deps,
  tenant: Tenant,
  { roleArn, externalId }: { readonly roleArn: string; readonly externalId: string },
): Promise<RoleVerdict> {
  const aws = connectingAws(deps);
  const buyer = await deps.accountOf?.(tenant);
  const boundAccount = buyer ?? (await deps.store.asTenant(tenant.id, (tx) => aws.connections.verifiedAccount(tx)));
  return aws.verify({ roleArn, externalId, boundAccount });
}

/** Once in the events for the customer, once in the audit. */
async function tell(
  tx: Tx,
  tenant: string,
  what: "aws.connected" | "aws.disconnected",
  { by, at }: Command,
  data: Readonly<Record<string, unknown>>,
  now: Date,
): Promise<void> {
  await appendEvent(tx, tenant, { type: what, by, at, data }, now);
  await appendAudit(tx, tenant, { action: what, by, at, data }, now);
}

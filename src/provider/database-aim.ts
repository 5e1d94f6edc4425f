import { type Catalog, databaseOf, findPlan } from "../catalog/catalog.ts";
import { liveCredentials, loginOf } from "../credentials/credentials.ts";
import type { Tx } from "../db/db.ts";
import { oweCalls, PUSH_CONFIG } from "../deliveries/deliveries.ts";
import { appendEvent } from "../events/events.ts";
import type { Aim, Happening } from "../isolation/databases/databases.ts";
import { type Operation, runningOperation } from "../operations/operations.ts";
import type { Vault } from "../secrets/secrets.ts";
import { readTenant, type Tenant, type TenantState } from "../tenants/tenants.ts";

const standings: Readonly<Record<TenantState, Aim["standing"]>> = {
  provisioning: "open",
  active: "open",
  suspended: "suspended",
  deprovisioning: "ended",
  gone: "ended",
  failed: "never",
};

/** What this transaction's tenant should have on the tenants' server: it follows from our rows alone. */
export async function databaseAim(catalog: Catalog, vault: Vault, tx: Tx): Promise<Aim | undefined> {
  const tenant = await readTenant(tx);
  if (tenant === undefined) return undefined;
  const plan = findPlan(catalog, tenant.plan);
  const credentials = await liveCredentials(tx);
  return {
    standing: standingOf(tenant, await runningOperation(tx)),
    model: plan?.isolation,
    limits: databaseOf(plan),
    logins: credentials.flatMap((credential) => loginOf(vault, credential) ?? []),
  };
}

/** A suspension that has begun counts, and so does its end. */
function standingOf({ state }: Tenant, running: Operation | undefined): Aim["standing"] {
  if (running?.kind === "suspend" && state === "active") return "suspended";
  if (running?.kind === "resume" && state === "suspended") return "open";
  return standings[state];
}

const events = {
  retained: "database.retained",
  restored: "database.restored",
  removed: "database.removed",
  moved: "database.moved",
  move_failed: "database.move_failed",
  soft_mark: "database.soft_mark",
  hard_mark: "database.hard_mark",
  below_marks: "database.below_marks",
} as const satisfies Record<Happening["type"], string>;

interface Telling {
  readonly now: Date;
  /** Whether the marketplace lets us set config vars. */
  readonly pushesConfig: (marketplace: string) => boolean;
}

/** A lifecycle event for what became of a tenant's data; its config vars are told where a move has changed them. */
export async function tellOfDatabase(
  tx: Tx,
  tenant: string,
  { type, data }: Happening,
  { now, pushesConfig }: Telling,
): Promise<void> {
  await appendEvent(tx, tenant, { type: events[type], by: "job:databases", at: now, data }, now);
  if (type !== "moved") return;
  const marketplace = (await readTenant(tx))?.marketplace;
  if (marketplace === undefined || !pushesConfig(marketplace)) return;
  await oweCalls(tx, tenant, [{ marketplace, kind: PUSH_CONFIG }], now);
}

import { randomBytes } from "node:crypto";
import type { Tx } from "../db/db.ts";
import { cancelOwedCalls, type Delivery, type OwedCall } from "../deliveries/deliveries.ts";
import { ProviderError } from "../errors.ts";
import { appendEvent } from "../events/events.ts";
import { addAlert, alertsOf, findAlert, newAlertId, removeAlert, type UsageAlert } from "../metering/alerts.ts";
import type { SealContext, SealedPlace } from "../secrets/secrets.ts";
import { readTenant } from "../tenants/tenants.ts";
import { lockedTenant } from "./begin-change.ts";
import type { AlertMade, AlertRemoval, AlertWish, Command } from "./contract.ts";
import type { Deps } from "./deps.ts";
import { idOf } from "./ref.ts";

const ALERTS_AT_MOST = 20;
const EMAIL = /^[^\s@<>"',;:\\[\]()]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+$/i;
const LONGEST_EMAIL = 254;
const SECRET_BYTES = 32;

interface Target {
  readonly email: string | null;
  readonly url: string | null;
  readonly secretSealed: string | null;
}

/** Looks at an address now; it is looked at again whenever something is sent there. The secret is answered this once. */
export async function addUsageAlert(deps: Deps, wish: AlertWish): Promise<AlertMade> {
  const { dimension, of, percent } = wish;
  checkShare(deps, wish);
  const tenant = await idOf(deps, wish.ref);
  const id = newAlertId();
  const secret = "url" in wish.to ? `whsec_${randomBytes(SECRET_BYTES).toString("base64")}` : undefined;
  const target = await targetOf(deps, contextOf(tenant, id), wish.to, secret);
  await deps.store.asTenant(tenant, async (tx) => {
    await lockedTenant(tx);
    if ((await alertsOf(tx)).length >= ALERTS_AT_MOST)
      throw new ProviderError("quota_exceeded", `There are ${ALERTS_AT_MOST} alerts. Remove one first.`);
    const alert = { id, dimension, of, percent, ...target };
    const now = deps.clock.now();
    await addAlert(tx, tenant, alert, wish.by, now);
    await tell(tx, tenant, "added", alert, wish, now);
  });
  return { id, secret };
}

/** What it still owes is not sent any more. The second time nothing happens. */
export async function removeUsageAlert(deps: Deps, { ref, alert: id, ...who }: AlertRemoval): Promise<void> {
  const tenant = await idOf(deps, ref);
  await deps.store.asTenant(tenant, async (tx) => {
    await lockedTenant(tx);
    const alert = await removeAlert(tx, id);
    if (alert === undefined) return;
    const now = deps.clock.now();
    await cancelOwedCalls(tx, tenant, now, `alert ${id}`);
    await tell(tx, tenant, "removed", alert, who, now);
  });
}

/** Sends an alert to the customer's webhook, as the lifecycle event that it is. */
export async function tellCustomer(
  deps: Deps,
  { tenant: id, payload, attempt, createdAt }: OwedCall,
): Promise<Delivery> {
  const alert = String(payload["alert"]);
  const { tenant, found } = await deps.store.asTenant(id, async (tx) => {
    return { tenant: await readTenant(tx), found: await findAlert(tx, alert) };
  });
  if (tenant === undefined || found?.url == null || found.secretSealed === null)
    return { outcome: "given_up", fault: "The alert is no longer there." };
  const secret = deps.vault.open(contextOf(id, alert), found.secretSealed);
  return deps.webhooks.send(
    { url: found.url, secret, attempt },
    {
      ...{ tenant: id, marketplace: tenant.marketplace, resourceId: tenant.resourceId },
      ...{ id: String(payload["event"]), sequence: Number(payload["sequence"]) },
      ...{ type: "usage.alert", by: "job:metering", at: createdAt, recordedAt: createdAt },
      data: payload["data"] as Readonly<Record<string, unknown>>,
    },
  );
}

export const alertPlace: SealedPlace = {
  place: "usage_alerts.secret_sealed",
  contextOf: ([tenant = "", id = ""]) => contextOf(tenant, id),
};

const contextOf = (tenant: string, id: string) => ({ tenant, field: "usage_alert", id });

function checkShare({ catalog }: Deps, { dimension, percent }: AlertWish): void {
  const faults = [
    ...(catalog.dimensions.some(({ id }) => id === dimension)
      ? []
      : [{ at: "/dimension", message: "is not one that is metered" }]),
    ...(Number.isInteger(percent) && percent >= 1 && percent <= 1_000
      ? []
      : [{ at: "/percent", message: "is a whole number from 1 to 1000" }]),
  ];
  if (faults.length > 0) throw new ProviderError("request_malformed", "There can be no such alert.", { faults });
}

async function targetOf(
  { vault, webhooks }: Deps,
  context: SealContext,
  to: AlertWish["to"],
  secret: string | undefined,
): Promise<Target> {
  if ("url" in to) {
    return { email: null, url: await webhooks.check(to.url), secretSealed: vault.seal(context, String(secret)) };
  }
  if (to.email.length <= LONGEST_EMAIL && EMAIL.test(to.email))
    return { email: to.email, url: null, secretSealed: null };
  const faults = [{ at: "/email", message: "is an address such as ada@example.com" }];
  throw new ProviderError("request_malformed", "There can be no such alert.", { faults });
}

type Alert = Pick<UsageAlert, "id" | "dimension" | "of" | "percent" | "email">;

/** The address of a webhook may hold a secret, so it is in no event. */
function tell(tx: Tx, tenant: string, what: "added" | "removed", alert: Alert, { by, at }: Command, now: Date) {
  const { id, dimension, of, percent, email } = alert;
  const data = { what, alert: id, dimension, of, percent, to: email === null ? "webhook" : "email" };
  return appendEvent(tx, tenant, { type: "usage.alerts_changed", by, at, data }, now);
}

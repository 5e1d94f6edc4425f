import type { Tenant } from "../../../tenants/tenants.ts";
import { AWS } from "../options.ts";
import { isLiving, isRegistered, placeOf } from "./chain.ts";
import { learnAgreement } from "./learn-agreement.ts";
import { timeOf } from "./licence.ts";
import { after, by, isFault, keep, keepTenant, lookAgain, type Settling } from "./settling.ts";
import { stand } from "./stand.ts";

/** How long a purchase whose customer has bought before waits for word that it is a new one, while AWS is silent. */
const PATIENCE_MS = 10 * 60_000;
/** A purchase that continues another one is looked at this often until that is known. */
const LOOK_MS = 60_000;

/**
 * Finds the tenant of an active licence, or makes it once its buyer has registered. A licence that has a tenant keeps it;
 * one whose customer left and came back under the same key gets another.
 */
export async function placeTenant(settling: Settling): Promise<void> {
  const { state, superseded } = settling.standing;
  if (state !== "active" && !superseded) return;
  if (state === "active") await forgetPastTenant(settling);
  if (settling.view.tenant !== null) return;
  const isKnownNew = settling.standing.intent === "NEW" || settling.view.licence.generation === "legacy";
  const answered = isKnownNew || (await learnAgreement(settling));
  if (!isKnownNew) await stand(settling);
  const place = placeOf(settling.view, settling.standing);
  if (place.kind === "joins") return join(settling, place.tenant);
  if (place.kind === "unplaced") return leaveUnplaced(settling, place.why);
  if (settling.standing.state !== "active" || !isRegistered(settling.view)) return;
  if (!answered && mayContinue(settling))
    return leaveUnplaced(settling, "AWS does not say whether it continues another.");
  await provision(settling);
}

/** The tenant ended because AWS said so, and now AWS says that the purchase is there again. */
async function forgetPastTenant(settling: Settling): Promise<void> {
  const { licence, tenant } = settling.view;
  if (tenant === null || isLiving(tenant.state) || licence.parted_at === null) return;
  const past = { tenant_id: null, parted_at: null, bills_from: null, billing_ended_at: null, term: licence.term + 1 };
  await keep(settling, past);
  settling.view = { ...settling.view, tenant: null };
}

async function leaveUnplaced(settling: Settling, why: string): Promise<void> {
  if (settling.view.licence.review !== why) await keep(settling, { review: why });
  lookAgain(settling, after(settling, LOOK_MS));
}

/** Nobody has said that it is new, and its customer has a tenant of the same product: the event may still be on its way. */
function mayContinue({ view: { licence, relatives }, standing, now }: Settling): boolean {
  if (standing.intent !== undefined || licence.account === null) return false;
  const hasBought = relatives.some((one) => one.account === licence.account && isLiving(one.tenant_state));
  return hasBought && now.getTime() - (timeOf(licence.created_at)?.getTime() ?? 0) < PATIENCE_MS;
}

async function join(settling: Settling, id: string): Promise<void> {
  const tenant = await settling.options.provider.findTenant({ tenant: id });
  if (tenant === undefined) throw new Error("The tenant of a chain is not there.");
  await keepTenant(settling, tenant);
  await wakeRelatives(settling);
}

/** The marketplace's id of the tenant: the licence's key, with a number where that had a tenant before. */
const resourceIdOf = ({ key, term }: Settling["view"]["licence"]): string => (term === 1 ? key : `${key}~${term}`);

async function provision(settling: Settling): Promise<void> {
  const tenant = (await foundTenant(settling)) ?? (await madeTenant(settling));
  if (tenant === undefined) return;
  await keepTenant(settling, tenant);
  if (tenant.state === "failed")
    await keep(settling, { review: `The product refused: ${tenant.reason ?? "no reason"}` });
  await wakeRelatives(settling);
}

/** Made by an earlier go that ended before it could be written down. */
async function foundTenant({ options, view: { licence } }: Settling): Promise<Tenant | undefined> {
  const resourceId = resourceIdOf(licence);
  const found = await options.provider.findTenant({ marketplace: AWS, resourceId });
  return found?.resourceId === resourceId ? found : undefined;
}

async function madeTenant(settling: Settling): Promise<Tenant | undefined> {
  const { options, product, view, standing, now } = settling;
  const { licence } = view;
  try {
    const outcome = await options.provider.provision({
      marketplace: AWS,
      resourceId: resourceIdOf(licence),
      plan: product.plan,
      region: null,
      name: "",
      options: {},
      facts: licence.account === null ? {} : { owner: `AWS account ${licence.account}` },
      ...by(standing.startedAt ?? now),
    });
    return outcome.value.tenant;
  } catch (fault) {
    if (!isFault(fault, "product_refused")) throw fault;
    return foundTenant(settling);
  }
}

/** Licences that waited for this one to have a tenant. */
async function wakeRelatives({ options, view: { relatives }, now }: Settling): Promise<void> {
  if (relatives.length === 0) return;
  await options.store.throughDoor({
    text: "select aws_wake_licences($1, $2)",
    values: [relatives.map(({ key }) => key), now],
  });
}

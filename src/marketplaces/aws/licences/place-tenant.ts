import type { Tenant } from "../../../tenants/tenants.ts";
import { AWS } from "../options.ts";
import { isLiving, isRegistered, placeOf } from "./chain.ts";
import { learnAgreement } from "./learn-agreement.ts";
import { reserveTenant, timeOf } from "./licence.ts";
import { after, by, isFault, keep, keepTenant, lookAgain, type Settling } from "./settling.ts";
import { stand } from "./stand.ts";

/** How long a purchase whose customer has bought before waits for word that it is a new one, while AWS is silent. */
const PATIENCE_MS = 10 * 60_000;
/** A purchase that continues another one is looked at this often until that is known. */
const LOOK_MS = 60_000;

/** While a relative is about to get a tenant of its own, or has crashed on its way. */
const RESERVED_MS = 5_000;

/**
 * Finds the tenant of a licence, or makes it once its buyer has registered and the licence is in force. A licence that has
 * a tenant keeps it; one whose customer left and came back under the same key gets another. One that has ended before it
 * was placed is placed all the same where somebody lives: so its end is that tenant's, or a successor finds it.
 */
export async function placeTenant(settling: Settling): Promise<void> {
  const { state } = settling.standing;
  if (state === "active") await forgetPastTenant(settling);
  if (settling.view.tenant !== null || !mayBePlaced(settling)) return;
  const isKnownNew = settling.standing.intent === "NEW" || settling.view.licence.generation === "legacy";
  const answered = isKnownNew || (await learnAgreement(settling));
  if (!isKnownNew) await stand(settling);
  if (await isPlacedByOthers(settling)) return;
  // One that is superseded founds nothing: the tenant is its successor's.
  if (settling.standing.state !== "active" || settling.standing.superseded || !isRegistered(settling.view)) return;
  if (!answered && mayContinue(settling))
    return leaveUnplaced(settling, "AWS does not say whether it continues another.");
  if (!(await isReserved(settling))) return lookAgain(settling, after(settling, RESERVED_MS));
  if (await isPlacedByOthers(settling)) return;
  await provision(settling);
}

function mayBePlaced({ standing: { state }, view: { licence, relatives } }: Settling): boolean {
  if (state === "active") return true;
  const hasEnded = state === "ending" || state === "ended";
  return hasEnded && licence.generation === "licence" && relatives.some((one) => isLiving(one.tenant_state));
}

/** Those that are known already decide: it joins one of them, or waits for one. */
async function isPlacedByOthers(settling: Settling): Promise<boolean> {
  const place = placeOf(settling.view, settling.standing);
  if (place.kind === "joins") await join(settling, place.tenant);
  if (place.kind === "unplaced" && settling.standing.state === "active") await leaveUnplaced(settling, place.why);
  return place.kind !== "first";
}

/** One of a customer's licences at a time: afterwards the view shows what the others came to. */
async function isReserved(settling: Settling): Promise<boolean> {
  const view = await reserveTenant(settling.options.store, settling.view.licence);
  if (view !== undefined) settling.view = view;
  return view !== undefined;
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
  if (settling.view.licence.review !== why) {
    await keep(settling, { review: why });
    await wakeRelatives(settling);
  }
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

/** Licences that waited for this one to have a tenant, or whose agreement it waits to hear of. */
async function wakeRelatives({ options, view: { licence }, now }: Settling): Promise<void> {
  await options.store.throughDoor({ text: "select aws_wake_relatives($1, $2)", values: [licence.key, now] });
}

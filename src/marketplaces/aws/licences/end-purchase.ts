import { isLiving } from "./chain.ts";
import { endIsContradicted } from "./follow-entitlements.ts";
import { learnAgreement } from "./learn-agreement.ts";
import { timeOf } from "./licence.ts";
import { referenceOf } from "./payer.ts";
import { after, by, isFault, keep, lookAgain, type Settling } from "./settling.ts";

const MINUTE_MS = 60_000;
/** AWS takes the last usage for about an hour after the first notice of an end. (Seller guide.) */
const FLUSH_MS = 60 * MINUTE_MS;
/** An end that was announced, with nothing heard since, is an end: its final notice was lost. */
export const ANNOUNCED_MS = 120 * MINUTE_MS;
/** How long the end of a licence waits for word that its agreement was renewed, where AWS cannot be asked. */
const EXPLAINED_MS = 5 * MINUTE_MS;

/**
 * Ends what ended. At the first notice usage is closed, so that the running hour is sealed and sent in the hour that AWS
 * leaves for it; the customer is shut out by the final notice, unless the purchase goes on in a renewal or a replacement.
 * A customer who comes back before the final notice is let in again.
 */
export async function endPurchase(settling: Settling): Promise<void> {
  const { view, standing } = settling;
  const { tenant } = view;
  if (tenant === null) return;
  if (standing.state === "active") return isLiving(tenant.state) ? reopen(settling, tenant.id) : undefined;
  if (standing.endedAt === undefined || endIsContradicted(settling)) return;
  await endBilling(settling, tenant.id, standing.endedAt);
  if (!isLiving(tenant.state)) return;
  if (isCarriedOn(settling)) return settled(settling);
  const end = await finality(settling);
  if (end === "goes on") await waitForSuccessor(settling);
  if (end === "announced") await closeUsage(settling, tenant.id);
  if (end === "final") await part(settling, tenant.id, standing.endedAt);
}

async function endBilling(settling: Settling, tenant: string, endedAt: Date): Promise<void> {
  const { licence } = settling.view;
  if (licence.bills_from === null) return;
  if (timeOf(licence.billing_ended_at)?.getTime() === endedAt.getTime()) return;
  const flushBy = new Date(endedAt.getTime() + FLUSH_MS);
  await settling.options.provider.endBilling({ tenant }, { billingReference: referenceOf(licence), endedAt, flushBy });
  await keep(settling, { billing_ended_at: endedAt });
}

/** Another licence of the same tenant is in force; its own older name is none. */
function isCarriedOn({ view: { licence, tenant, relatives } }: Settling): boolean {
  return relatives.some(
    (one) =>
      one.tenant === tenant?.id &&
      (one.state === "active" || one.state === "ending") &&
      (one.generation === "licence" || licence.generation === "legacy"),
  );
}

async function settled(settling: Settling): Promise<void> {
  if (settling.view.licence.review !== null) await keep(settling, { review: null });
}

/** The tenant stays: somebody is about to pay for it, and its hours wait for that. */
async function waitForSuccessor(settling: Settling): Promise<void> {
  const why = "It was renewed or replaced, and the agreement that goes on is not known yet.";
  if (settling.view.licence.review !== why) await keep(settling, { review: why });
}

/** unknown: it may yet turn out that the purchase goes on. */
type Finality = "goes on" | "announced" | "unknown" | "final";

async function finality(settling: Settling): Promise<Finality> {
  const { view, standing, now } = settling;
  if (standing.superseded) return "goes on";
  if (standing.state === "ending") {
    const until = new Date((standing.endedAt ?? now).getTime() + ANNOUNCED_MS);
    if (now >= until) return "final";
    lookAgain(settling, until);
    return "announced";
  }
  return standing.explained || view.licence.generation === "legacy" ? "final" : unexplained(settling);
}

const ENDED = ["CANCELLED", "EXPIRED", "TERMINATED", "ARCHIVED", "ROLLED_BACK"];
const GOES_ON = ["RENEWED", "REPLACED"];

/**
 * The licence of a renewed agreement ends as well, and that event may come before the one that says "renewed": unless the
 * agreement has said why it ended, AWS is asked, and where AWS is silent it waits a little.
 */
async function unexplained(settling: Settling): Promise<Finality> {
  const { standing, now } = settling;
  const answered = await learnAgreement(settling, { anew: true });
  const status = (answered && settling.view.licence.agreement?.status) || "";
  if (ENDED.includes(status)) return "final";
  if (GOES_ON.includes(status)) return "goes on";
  const until = new Date((standing.endHeardAt ?? now).getTime() + EXPLAINED_MS);
  if (now >= until) return "final";
  lookAgain(settling, answered ? after(settling, MINUTE_MS) : until);
  return "unknown";
}

async function closeUsage({ options, now }: Settling, tenant: string): Promise<void> {
  await options.store.throughDoor({ text: "select close_usage_of($1, $2)", values: [tenant, now], repeatable: true });
}

async function reopen(settling: Settling, tenant: string): Promise<void> {
  const [row] = await settling.options.store.throughDoor<{ open: boolean }>({
    text: "select reopen_usage_of($1) as open",
    values: [tenant],
    repeatable: true,
  });
  if (!row?.open) lookAgain(settling, after(settling, MINUTE_MS));
}

async function part(settling: Settling, tenant: string, endedAt: Date): Promise<void> {
  await keep(settling, { parted_at: endedAt, review: null });
  try {
    await settling.options.provider.deprovision({ ref: { tenant }, ...by(endedAt) });
  } catch (fault) {
    if (!isFault(fault, "tenant_gone")) throw fault;
  }
}

import type { Agreement } from "../api/agreements.ts";
import type { Fetched } from "../api/fetched.ts";
import { keepFound } from "../inbox/keep.ts";
import { endOf, isOver } from "../inbox/read-event.ts";
import type { AwsOptions } from "../options.ts";
import { type AgreementFacts, findLicence } from "./licence.ts";
import { after, keep, lookAgain, type Settling } from "./settling.ts";

/** The Agreement API only enriches: this long, and then we go on without it. */
const ASK_MS = 4_000;
/** After silence nobody asks again for this long, so that a dead API delays one licence and not all of them. */
const REST_MS = 15_000;
const ASK_AGAIN_MS = 60_000;
const NOT_FOUND_MS = 10 * 60_000;

const silentUntil = new WeakMap<AwsOptions["api"], number>();

/**
 * Learns from AWS which agreement a licence belongs to, which chain that continues, and when the chain began. Says false
 * when AWS did not answer: then it is asked again in a minute, and nothing else waits. What is known is not asked again
 * unless `anew`.
 */
export async function learnAgreement(settling: Settling, { anew = false } = {}): Promise<boolean> {
  const { licence } = settling.view;
  if (licence.generation === "legacy") return true;
  if (!anew && licence.initial_agreement_id !== null && licence.agreement !== null) return learnChainStart(settling);
  const answer = await ask(settling, licence.agreement_id);
  if (answer === undefined || answer.kind !== "found") {
    lookAgain(settling, after(settling, ASK_AGAIN_MS));
    return false;
  }
  if (answer.value === undefined) {
    lookAgain(settling, after(settling, NOT_FOUND_MS));
    return false;
  }
  await keepAgreement(settling, answer.value);
  return learnChainStart(settling);
}

/** Asked once. Says false when AWS did not answer. */
async function learnChainStart(settling: Settling): Promise<boolean> {
  const { agreement, initial_agreement_id: initial } = settling.view.licence;
  if (agreement === null || agreement.chain_start !== undefined) return true;
  const answer = await ask(settling, initial);
  if (answer?.kind !== "found") {
    lookAgain(settling, after(settling, ASK_AGAIN_MS));
    return false;
  }
  const start = answer.value?.start?.toISOString() ?? null;
  await keep(settling, { agreement: { ...agreement, chain_start: start } });
  return true;
}

/** By its id; where that is not known, the agreement of this licence. */
async function ask(
  { options: { api }, view: { licence }, now }: Settling,
  id: string | null,
): Promise<Fetched<Agreement | undefined> | undefined> {
  if ((silentUntil.get(api) ?? 0) > now.getTime()) return undefined;
  const signal = AbortSignal.timeout(ASK_MS);
  const found = id === null ? await api.agreementOfLicence(licence.arn ?? "", signal) : await api.agreement(id, signal);
  if (found.kind !== "found") silentUntil.set(api, now.getTime() + REST_MS);
  return found;
}

async function keepAgreement(settling: Settling, agreement: Agreement): Promise<void> {
  const { licence } = settling.view;
  const initial = agreement.initialAgreementId ?? licence.initial_agreement_id ?? agreement.id;
  const start = agreement.start?.toISOString();
  const facts: AgreementFacts = {
    ...licence.agreement,
    checked_at: settling.now.toISOString(),
    status: agreement.status,
    ...(start && { start }),
    ...(initial === agreement.id && { chain_start: start ?? null }),
    ...(agreement.end && { end: agreement.end.toISOString() }),
    ...(agreement.atEnd && { at_end: agreement.atEnd }),
    ...(agreement.freeTrial && { trial: true }),
    ...(agreement.freeTrial?.until && { trial_until: agreement.freeTrial.until.toISOString() }),
  };
  // Before it is written down that the agreement is known: it is not asked about again.
  if (settling.standing.state === "active" && isOver(agreement.status)) await keepEnd(settling, agreement);
  await keep(settling, {
    agreement_id: licence.agreement_id ?? agreement.id,
    initial_agreement_id: initial,
    agreement: facts,
    trial: licence.trial || agreement.freeTrial !== undefined,
  });
  // What was said of the agreement counts for the licence from now on.
  if (licence.agreement_id === null)
    settling.view = (await findLicence(settling.options.store, licence.key)) ?? settling.view;
}

/**
 * AWS spoke of the licence after its agreement was over, as when a customer of the older generation who has left is moved:
 * no event will ever end it, and the sweep has passed by. Kept like a fact of the sweep, not before the licence began.
 */
async function keepEnd({ options, view: { licence }, standing }: Settling, agreement: Agreement): Promise<void> {
  const { id, status, updatedAt } = agreement;
  const at = new Date(Math.max(updatedAt?.getTime() ?? 0, standing.startedAt?.getTime() ?? 0));
  await keepFound(options, `${id} ${status} of ${licence.key}`, {
    ...{ fact: endOf(status), at: at.toISOString() },
    ...{ arn: licence.arn, productCode: licence.product_code, account: licence.account, agreementId: id },
    about: { swept: true, status },
  });
}

import type { Agreement } from "../api/agreements.ts";
import type { AwsOptions } from "../options.ts";
import { endRound, type Progress, takeRound } from "../rounds.ts";
import { findProduct, notSoldHere } from "../section.ts";
import { keepFound } from "./keep.ts";
import { endOf, isOver } from "./read-event.ts";
import { withoutGaps } from "./reading.ts";

const ROUND = "agreements";
const MINUTE_MS = 60_000;
const EVERY_MS = 10 * MINUTE_MS;
const AFTER_SILENCE_MS = 2 * MINUTE_MS;
/** What changed while a round was under way is seen by the next one. */
const OVERLAP_MS = 15 * MINUTE_MS;
const FIRST_LOOK_BACK_MS = 90 * 24 * 60 * MINUTE_MS;
const MOST_PAGES = 20;

/**
 * Asks AWS which agreements changed since the last round, and keeps what it says as messages: so an event that was lost, or
 * came before we could hear it, is made good. When AWS is silent the round comes again in two minutes; nothing waits for it.
 */
export async function sweepAgreements(options: AwsOptions): Promise<void> {
  const before = await takeRound(options, ROUND, EVERY_MS);
  if (before === undefined) return;
  const now = options.clock.now();
  const since = before.through ?? new Date(now.getTime() - FIRST_LOOK_BACK_MS);
  const outcome = await pages(options, { through: since, place: before.place });
  const wait = outcome.kind === "silent" ? AFTER_SILENCE_MS : EVERY_MS;
  if (outcome.kind !== "silent") await askAwaited(options);
  const through = outcome.kind === "all" ? new Date(now.getTime() - OVERLAP_MS) : since;
  const dueAt = outcome.kind === "more" ? now : new Date(now.getTime() + wait);
  await endRound(options, ROUND, { through, place: outcome.place }, dueAt);
}

interface Outcome {
  readonly kind: "all" | "more" | "silent";
  readonly place: string | undefined;
}

async function pages(options: AwsOptions, { through, place }: Progress & { through: Date }): Promise<Outcome> {
  let next = place;
  for (let page = 0; page < MOST_PAGES; page += 1) {
    const answer = await options.api.changedAgreements(through, next);
    // A place in the pages may itself be what AWS no longer takes: the next round begins anew.
    if (answer.kind !== "found") return { kind: "silent", place: undefined };
    for (const agreement of answer.value.agreements) await keepAgreement(options, agreement);
    next = answer.value.next;
    if (next === undefined) return { kind: "all", place: undefined };
  }
  return { kind: "more", place: next };
}

const MOST_AWAITED = 20;
const ASK_MS = 8_000;

/** Agreements that were made ahead and whose start has come: that changes nothing of them, so the search does not show it. */
async function askAwaited(options: AwsOptions): Promise<void> {
  const awaited = await options.store.throughDoor<{ agreement_id: string }>({
    text: "select * from aws_awaited_agreements($1, $2)",
    values: [options.clock.now(), MOST_AWAITED],
  });
  for (const { agreement_id: id } of awaited) {
    const answer = await options.api.agreement(id, AbortSignal.timeout(ASK_MS));
    if (answer.kind !== "found") return;
    if (answer.value !== undefined) await keepAgreement(options, answer.value);
  }
}

async function keepAgreement(options: AwsOptions, agreement: Agreement): Promise<void> {
  const { id, status, productIds, updatedAt, start, end, accountId } = agreement;
  const now = options.clock.now();
  const product = productIds.map((productId) => findProduct(options.section, { productId })).find(Boolean);
  if (product === undefined) return setAside(options, agreement);
  if (status === "") return;
  if (await isOlderCustomer(options, product.code, accountId)) return;
  const said = `${id} ${status} ${(updatedAt ?? start ?? now).toISOString()}`;
  const common = { productCode: product.code, account: accountId, agreementId: id };
  const about = withoutGaps({ swept: true, status, start: start?.toISOString(), end: end?.toISOString() });
  if (status === "ACTIVE") return beginnings(options, agreement, said, { ...common, about });
  if (!isOver(status)) return;
  const at = (updatedAt ?? end ?? now).toISOString();
  await keepFound(options, said, { fact: endOf(status), at, ...common, about });
}

/**
 * A customer of the older generation has agreements and licences too, and is not metered by them: only AWS's own events, or
 * a registration, say that a purchase has moved on to its licence. After that its agreements are swept like any.
 */
async function isOlderCustomer(
  { store }: AwsOptions,
  productCode: string,
  account: string | undefined,
): Promise<boolean> {
  const [row] = await store.throughDoor<{ older: boolean }>({
    text: "select aws_is_older_customer($1, $2) as older",
    values: [productCode, account ?? null],
  });
  return row?.older ?? false;
}

/** Events about an agreement do not name its product: those of a product that is not sold here would wait for ever. */
async function setAside({ store }: AwsOptions, { id, productIds }: Agreement): Promise<void> {
  if (productIds.length === 0) return;
  await store.throughDoor({
    text: "select aws_set_aside($1, $2)",
    values: [id, notSoldHere(productIds[0])],
    repeatable: true,
  });
}

/** A licence that an active agreement has was made for it. One that begins later is asked about again when it has. */
async function beginnings(
  options: AwsOptions,
  { licenceArns, start, updatedAt }: Agreement,
  said: string,
  found: { readonly about: object },
): Promise<void> {
  const now = options.clock.now();
  const at = start ?? updatedAt ?? now;
  if (at > now) return void (await keepFound(options, said, { fact: "agreed", at: now.toISOString(), ...found }));
  for (const arn of licenceArns) {
    await keepFound(options, `${said} ${arn}`, { fact: "began", at: at.toISOString(), arn, ...found });
  }
}

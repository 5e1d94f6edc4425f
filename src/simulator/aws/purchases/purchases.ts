import type { JsonObject } from "../../json.ts";
import { amendment, moving } from "../emission/announce.ts";
import { emit } from "../emission/outbox.ts";
import type { Agreement } from "../model/agreement.ts";
import { isContract } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { accept, announceStart, watchEndDate } from "./accept.ts";
import { end, succeed } from "./end.ts";
import { isOn, type Order, readQuantities, wholeSecond } from "./order.ts";

/** The agreement an action leads to, or why it cannot be. */
export type Done = Agreement | string;

/** Accepts an order. With `silent`, nobody is told of it: not of this step, and not by a later sign of its own. */
export async function buy(aws: Aws, order: Order, silent: boolean): Promise<Agreement> {
  const agreement = accept(aws, order);
  watchEndDate(aws, agreement, () => renew(aws, agreement, {}));
  if (!silent) await announceStart(aws, agreement);
  return agreement;
}

/** What can be done with an agreement, by the last part of its address. */
export const purchaseActions: Readonly<
  Record<string, (aws: Aws, agreement: Agreement, body: JsonObject) => Promise<Done>>
> = {
  renew,
  replace: (aws, agreement, body) => follow(aws, agreement, body, "REPLACE"),
  amend,
  cancel: (aws, agreement, body) => finish(aws, agreement, body, "CANCELLED"),
  expire: (aws, agreement, body) => finish(aws, agreement, body, "EXPIRED"),
  terminate: (aws, agreement, body) => finish(aws, agreement, body, "TERMINATED"),
  resubscribe,
  move,
  suspend: async (_aws, agreement) => Object.assign(agreement, { suspended: true }),
  restore: async (_aws, agreement) => Object.assign(agreement, { suspended: false }),
};

function renew(aws: Aws, agreement: Agreement, body: JsonObject): Promise<Done> {
  return follow(aws, agreement, body, "RENEW");
}

/** A new agreement with a new licence takes the old one's place; only `initialAgreementId` says so. */
async function follow(aws: Aws, old: Agreement, body: JsonObject, intent: "RENEW" | "REPLACE"): Promise<Done> {
  if (old.status !== "ACTIVE") return `${old.id} is ${old.status}: it cannot be followed by another.`;
  const quantities = readQuantities(old.product, body["quantities"], old.quantities);
  if (typeof quantities === "string") return quantities;
  const ended = succeed(aws, old, intent === "RENEW" ? "RENEWED" : "REPLACED");
  const { initialId, customerIdentifier } = old;
  const order = { ...orderLike(aws, old), quantities };
  const agreement = accept(aws, order, { intent, initialId, customerIdentifier });
  watchEndDate(aws, agreement, () => renew(aws, agreement, {}));
  if (!isSilent(body)) await announceStart(aws, agreement, ended);
  return agreement;
}

async function amend(aws: Aws, agreement: Agreement, body: JsonObject): Promise<Done> {
  if (agreement.status !== "ACTIVE") return `${agreement.id} is ${agreement.status}: it cannot be amended.`;
  if (!isContract(agreement.product)) return "Only a contract has quantities.";
  const quantities = readQuantities(agreement.product, body["quantities"], agreement.quantities);
  if (typeof quantities === "string") return quantities;
  Object.assign(agreement, { quantities, updatedAt: wholeSecond(aws.clock.now()) });
  if (!isSilent(body)) await emit(aws, amendment(aws, agreement));
  return agreement;
}

async function finish(
  aws: Aws,
  agreement: Agreement,
  body: JsonObject,
  status: "CANCELLED" | "EXPIRED" | "TERMINATED",
): Promise<Done> {
  if (agreement.status !== "ACTIVE") return `${agreement.id} is ${agreement.status} already.`;
  await end(aws, agreement, status, isSilent(body));
  return agreement;
}

/** The same buyer buys the same product anew: a new chain, and for a legacy customer the old identifier. */
async function resubscribe(aws: Aws, old: Agreement, body: JsonObject): Promise<Done> {
  if (old.status === "ACTIVE") return `${old.id} is ACTIVE: there is nothing to subscribe again.`;
  return buy(aws, orderLike(aws, old), isSilent(body));
}

/** A legacy agreement comes to tell its licence, as when the product is moved to the licence generation. */
async function move(aws: Aws, agreement: Agreement, body: JsonObject): Promise<Done> {
  if (agreement.generation === "licence") return `${agreement.id} tells its licence already.`;
  agreement.generation = "licence";
  agreement.updatedAt = wholeSecond(aws.clock.now());
  if (!isSilent(body)) await emit(aws, moving(aws, agreement));
  return agreement;
}

function orderLike(aws: Aws, old: Agreement): Order {
  const { product, generation, account, quantities, autoRenew, startsAt, endsAt } = old;
  const months = endsAt === null ? 12 : Math.round(((endsAt.getTime() - startsAt.getTime()) / (365 * 86_400_000)) * 12);
  return {
    product,
    generation,
    account,
    quantities,
    trialDays: null,
    start: wholeSecond(aws.clock.now()),
    months,
    autoRenew,
    resold: false,
    paymentFails: false,
  };
}

function isSilent(body: JsonObject): boolean {
  return body["events"] === "none" || isOn(body["silent"]);
}

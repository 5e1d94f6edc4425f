import { asQueued, keepFound, keepMessage } from "../../src/marketplaces/aws/inbox/keep.ts";
import { type AwsShop, arrive, event, next, notice, type Purchase, sendEvent, tokenFor } from "./aws.ts";

/** What arrives here, in whatever order: a message, or a buyer. */
export type Arrival = (shop: AwsShop, at: (minutesAgo: number) => Date) => Promise<unknown>;

const ev =
  (ago: number, type: string, of: Purchase, more: object = {}): Arrival =>
  (shop, at) =>
    sendEvent(shop, event(type, of, at(ago), more));
const sns =
  (ago: number, action: string, of: Purchase): Arrival =>
  (shop, at) =>
    keepMessage(shop.options, asQueued(`sns-${next()}`, Buffer.from(JSON.stringify(notice(action, of))), at(ago)));
export const registers =
  (of: Purchase, generation: "licence" | "legacy" = "licence"): Arrival =>
  (shop) =>
    arrive(shop, tokenFor(shop, of, generation));

/** A sweep has found the agreement in force. */
const swept =
  (ago: number, of: Purchase): Arrival =>
  (shop, at) =>
    keepFound(shop.options, `swept ${of.arn}`, {
      ...{ fact: "began", at: at(ago).toISOString(), about: { swept: true, status: "ACTIVE" } },
      ...{ arn: of.arn, agreementId: of.agreement, account: of.account, productCode: of.product.code },
    });

export const subscribes = (one: Purchase): Arrival[] => [sns(DAYS, "subscribe-success", one), registers(one, "legacy")];
export const moves = (ago: number, one: Purchase): Arrival[] => [ev(ago, "License Updated", one)];
const follows = (ago: number, old: Purchase, fresh: Purchase, intent: "RENEW" | "REPLACE"): Arrival[] => [
  ev(ago, "Purchase Agreement Ended", old, { status: `${intent}${intent === "RENEW" ? "ED" : "D"}` }),
  ev(ago, "License Deprovisioned", old),
  ev(ago, "Purchase Agreement Created", fresh, { intent }),
  ev(ago, "License Updated", fresh),
];
const cancels = (ago: number, one: Purchase): Arrival[] => [
  ev(ago, "Purchase Agreement Ended", one, { status: "CANCELLED" }),
  ev(ago, "License Deprovisioned", one),
];

export const DAYS = 2_880;

/** A customer who bought in the older generation. The agreements of the chain, with how many minutes ago each began. */
export interface History {
  readonly name: string;
  readonly began: readonly number[];
  arrivals(one: Purchase, two: Purchase, three: Purchase): readonly Arrival[];
  /** Which agreement is in force in the end. */
  readonly last: number | undefined;
}

export const histories: readonly History[] = [
  {
    name: "moved and was replaced within the hour",
    began: [DAYS, 2],
    arrivals: (one, two) => [...subscribes(one), ...moves(3, one), ...follows(2, one, two, "REPLACE"), registers(two)],
    last: 1,
  },
  {
    name: "was replaced, moved, and was replaced again",
    began: [DAYS, 300, 2],
    arrivals: (one, two, three) => [
      ...subscribes(one),
      sns(300, "entitlement-updated", one),
      ...moves(3, two),
      ...follows(2, two, three, "REPLACE"),
      registers(three),
    ],
    last: 2,
  },
  {
    name: "had been swept before registering, was replaced, moved, and was replaced again",
    began: [DAYS, 300, 2],
    arrivals: (one, two, three) => [
      swept(DAYS, one),
      swept(300, two),
      ...subscribes(one),
      ...moves(3, two),
      ...follows(2, two, three, "REPLACE"),
    ],
    last: 2,
  },
  {
    name: "renewed and then moved",
    began: [DAYS, 300],
    arrivals: (one, two) => [
      ...subscribes(one),
      sns(300, "entitlement-updated", one),
      ...moves(3, two),
      registers(two),
    ],
    last: 1,
  },
  {
    name: "moved, and was replaced twice in a row",
    began: [DAYS, 200, 2],
    arrivals: (one, two, three) => [
      ...subscribes(one),
      ...moves(400, one),
      ...follows(200, one, two, "REPLACE"),
      ...follows(2, two, three, "REPLACE"),
      registers(three),
    ],
    last: 2,
  },
  {
    name: "moved, renewed, and was heard of by nothing but the licence",
    began: [DAYS, 200],
    arrivals: (one, two) => [...subscribes(one), ev(200, "License Updated", two), registers(two)],
    last: 1,
  },
  {
    name: "moved, and was replaced with nobody telling of it",
    began: [DAYS, 2],
    arrivals: (one) => [...subscribes(one), ...moves(3, one)],
    last: 1,
  },
  {
    name: "moved and cancelled",
    began: [DAYS],
    arrivals: (one) => [...subscribes(one), ...moves(200, one), ...cancels(2, one)],
    last: undefined,
  },
  {
    name: "moved, was replaced, and cancelled",
    began: [DAYS, 200],
    arrivals: (one, two) => [
      ...subscribes(one),
      ...moves(300, one),
      ...follows(200, one, two, "REPLACE"),
      registers(two),
      ...cancels(2, two),
    ],
    last: undefined,
  },
];

import { isLiving } from "../licences/chain.ts";
import { type LicenceView, timeOf } from "../licences/licence.ts";
import { hasContract, type ListedProduct } from "../section.ts";

/** How far a buyer's purchase has come. */
export type Stage = "resolving" | "waiting" | "making" | "ready" | "unpaid" | "ended" | "refused";

export function stageOf(view: LicenceView | undefined): Stage {
  if (view === undefined) return "resolving";
  const { licence, tenant } = view;
  if (licence.state === "failed") return "unpaid";
  if (tenant !== null) {
    if (tenant.state === "provisioning") return "making";
    if (isLiving(tenant.state)) return "ready";
    if (tenant.state === "failed") return "refused";
    return licence.state === "active" && licence.parted_at !== null ? "making" : "ended";
  }
  if (licence.state === "ended" || licence.state === "ending") return "ended";
  return licence.state === "active" ? "making" : "waiting";
}

interface StageText {
  readonly tone: "good" | "wait" | "bad";
  readonly word: string;
  readonly text: string;
  /** It will change without anybody doing anything. */
  readonly passing: boolean;
}

export const stageTexts: Readonly<Record<Stage, StageText>> = {
  resolving: {
    tone: "wait",
    word: "Being checked",
    text: "AWS has not confirmed your purchase yet. This page goes on by itself as soon as it has; usually that takes a few seconds.",
    passing: true,
  },
  waiting: {
    tone: "wait",
    word: "Waiting for AWS",
    text: "You are registered. AWS has not started your subscription yet: usually that takes a few minutes, and for a purchase with a later start it happens on that day. Access begins then, and this page shows it.",
    passing: true,
  },
  making: {
    tone: "wait",
    word: "Being set up",
    text: "Your subscription is active, and your account is being made. It takes a moment.",
    passing: true,
  },
  ready: {
    tone: "good",
    word: "Active",
    text: "Your subscription is active and your account is ready.",
    passing: false,
  },
  unpaid: {
    tone: "bad",
    word: "Payment failed",
    text: "AWS could not charge your account, so the subscription did not start. Please look at the payment method of your AWS account, and subscribe again.",
    passing: false,
  },
  ended: {
    tone: "bad",
    word: "Ended",
    text: "This subscription has ended, and so has access. To come back, subscribe again in AWS Marketplace.",
    passing: false,
  },
  refused: {
    tone: "bad",
    word: "Not set up",
    text: "Your account could not be made. Please ask for help at the address below; your subscription is known.",
    passing: false,
  },
};

const models: Readonly<Record<ListedProduct["model"], string>> = {
  subscription: "Pay as you go: AWS bills what you use, by the hour",
  contract: "Contract: what you bought ahead",
  "contract-with-consumption": "Contract, and AWS bills what you use beyond it",
};

export interface Term {
  readonly term: string;
  readonly text: string;
}

/** The terms of a purchase in the buyer's words. */
export function termsOf({ licence }: LicenceView, product: ListedProduct | undefined): readonly Term[] {
  const { agreement, trial, started_at, ended_at, account, agreement_id } = licence;
  const end = timeOf(agreement?.end);
  const rows: readonly (readonly [string, string | null | undefined])[] = [
    ["Price", product && models[product.model]],
    ["Free trial", trial ? trialText(timeOf(agreement?.trial_until)) : undefined],
    ["Started", dateText(timeOf(started_at ?? agreement?.start))],
    ["Ended", dateText(timeOf(ended_at))],
    ["Runs until", end && `${dateText(end)}${afterwards[agreement?.at_end ?? ""] ?? ""}`],
    ["Included", product && hasContract(product) ? includedText(licence.entitlements) : undefined],
    ["Agreement", agreement_id],
    ["AWS account", account],
  ];
  return rows.flatMap(([term, text]) => (text ? [{ term, text }] : []));
}

const afterwards: Readonly<Record<string, string>> = {
  RENEW: ", then renews",
  REPLACE: ", then is replaced",
  EXPIRE: ", then ends",
};

const dateText = (date: Date | undefined): string | undefined => date?.toISOString().slice(0, 10);

const trialText = (until: Date | undefined): string =>
  until === undefined ? "yes" : `until ${dateText(until)}; billed as agreed from then on`;

function includedText(entitlements: LicenceView["licence"]["entitlements"]): string | undefined {
  if (entitlements === null || entitlements.length === 0) return undefined;
  return entitlements
    .map(({ dimension, value }) => (value === undefined ? dimension : `${dimension}: ${value}`))
    .join(", ");
}

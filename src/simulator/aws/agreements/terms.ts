import { DAY_MS } from "../../durations.ts";
import type { JsonObject } from "../../json.ts";
import type { Agreement } from "../model/agreement.ts";
import { stableLetters } from "../model/ids.ts";

const CURRENCY = "USD";
const PRICE = "0.01";

/** The terms that the buyer accepted, each in a member of its own. */
export function acceptedTerms(agreement: Agreement): readonly JsonObject[] {
  const terms = [usageTerm(agreement), upfrontTerm(agreement), trialTerm(agreement), renewalTerm(agreement)];
  const legal = {
    legalTerm: {
      type: "LegalTerm",
      id: termId(agreement, "legal"),
      documents: [{ type: "StandardEula", version: "2022-07-14" }],
    },
  };
  return [...terms.filter((term) => term !== undefined), legal];
}

function usageTerm(agreement: Agreement): JsonObject | undefined {
  const metered = agreement.product.dimensions.filter((dimension) => dimension.metered);
  if (metered.length === 0) return undefined;
  const rateCard = metered.map(({ code }) => ({ dimensionKey: code, price: PRICE }));
  return {
    usageBasedPricingTerm: {
      type: "UsageBasedPricingTerm",
      id: termId(agreement, "usage"),
      currencyCode: CURRENCY,
      rateCards: [{ rateCard }],
    },
  };
}

function upfrontTerm(agreement: Agreement): JsonObject | undefined {
  const entitled = agreement.product.dimensions.filter((dimension) => dimension.entitled);
  if (entitled.length === 0) return undefined;
  const duration = durationOf(agreement);
  const rateCard = entitled.map(({ code }) => ({ dimensionKey: code, price: PRICE }));
  const dimensions = [...agreement.quantities]
    .filter(([, value]) => typeof value === "number")
    .map(([dimensionKey, dimensionValue]) => ({ dimensionKey, dimensionValue }));
  return {
    configurableUpfrontPricingTerm: {
      type: "ConfigurableUpfrontPricingTerm",
      id: termId(agreement, "upfront"),
      currencyCode: CURRENCY,
      rateCards: [
        {
          selector: { type: "Duration", value: duration },
          constraints: { multipleDimensionSelection: "Allowed", quantityConfiguration: "Allowed" },
          rateCard,
        },
      ],
      configuration: { selectorValue: duration, dimensions },
    },
  };
}

function trialTerm(agreement: Agreement): JsonObject | undefined {
  if (agreement.trialDays === null) return undefined;
  return {
    freeTrialPricingTerm: {
      type: "FreeTrialPricingTerm",
      id: termId(agreement, "trial"),
      duration: `P${agreement.trialDays}D`,
      grants: agreement.product.dimensions.map(({ code }) => ({ dimensionKey: code })),
    },
  };
}

function renewalTerm(agreement: Agreement): JsonObject | undefined {
  if (agreement.endsAt === null) return undefined;
  const configuration = { enableAutoRenew: agreement.autoRenew };
  return { renewalTerm: { type: "RenewalTerm", id: termId(agreement, "renewal"), configuration } };
}

function durationOf({ startsAt, endsAt }: Agreement): string {
  const days = endsAt === null ? 0 : Math.round((endsAt.getTime() - startsAt.getTime()) / DAY_MS);
  return days % 365 === 0 ? `P${(days / 365) * 12}M` : `P${days}D`;
}

function termId({ id }: Agreement, kind: string): string {
  return `term-${stableLetters(`${id} ${kind}`, 64)}`;
}

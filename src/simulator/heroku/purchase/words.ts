import { type Refusal, refuse } from "../model/answers.ts";
import type { Platform } from "../model/platform.ts";
import type { Judgement } from "./answer-checks.ts";

const TRY_AGAIN = "Please try again later.";

/** The provider said no: the customer reads its own words. */
export function providerRefusal(wish: string, judgement: Judgement): Refusal {
  return refuse(422, "invalid_params", wrapped(wish, judgement));
}

/** The provider's answer is of no use: the customer hears that something went wrong over there. */
export function brokenRefusal(wish: string, judgement: Judgement): Refusal {
  return refuse(503, "service_unavailable", wrapped(wish, judgement));
}

function wrapped(wish: string, { message }: Judgement): string {
  return `There was a problem contacting the add-on partner to ${wish}: ${message ?? TRY_AGAIN}`;
}

export function blameAll({ journal }: Platform, judgement: Judgement, exchange: number): void {
  for (const { rule, sentence } of judgement.complaints) journal.blame(rule, sentence, exchange);
}

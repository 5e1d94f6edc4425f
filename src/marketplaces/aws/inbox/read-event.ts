import type { Fact } from "./fact.ts";
import { asObject, flagged, ignored, type JsonObject, momentIn, type Reading, textIn, withoutGaps } from "./reading.ts";

const SOURCE = "aws.agreement-marketplace";
/** A seller that made the product and the offer gets some events in one role and some in the other. */
const ROLE = / - (?:Manufacturer|Proposer)$/;
/** Ends that are none: another agreement goes on. */
const GOES_ON = ["RENEWED", "REPLACED"];

/**
 * An event of AWS Marketplace on EventBridge. (Seller guide, "Managing SaaS subscription events with Amazon EventBridge".)
 * Only the licence events name a licence; the others name the agreement.
 */
export function readEvent(event: JsonObject): Reading {
  if (event["source"] !== SOURCE) return ignored("An event of another source.");
  const type = (textIn(event, "detail-type") ?? "").replace(ROLE, "");
  const detail = asObject(event["detail"]);
  const fact = factOf(type, asObject(detail?.["agreement"]));
  if (fact === undefined) return ignored(`An event of a kind that says nothing about licences: ${type.slice(0, 100)}.`);
  return factual(fact, event, detail);
}

function factual(fact: Fact, event: JsonObject, detail: JsonObject | undefined): Reading {
  const at = new Date(textIn(event, "time") ?? "");
  if (Number.isNaN(at.getTime())) return flagged("The event has no time.");
  const agreement = asObject(detail?.["agreement"]);
  const product = asObject(detail?.["product"]);
  const agreementId = textIn(agreement, "id");
  const arn = textIn(asObject(detail?.["license"]), "arn");
  const ofLicence = fact === "began" || fact === "ended";
  if (ofLicence && arn === undefined) return flagged("A licence event without a licence.");
  if (ofLicence && product === undefined) return flagged("A licence event without a product.");
  if (!ofLicence && agreementId === undefined) return flagged("An agreement event without an agreement.");
  const about = {
    intent: textIn(agreement, "intent"),
    status: textIn(agreement, "status"),
    start: momentIn(agreement, "startTime"),
    end: momentIn(agreement, "endTime"),
    offer: textIn(asObject(detail?.["offer"]), "id"),
  };
  return {
    kind: "fact",
    said: {
      fact,
      at,
      about: withoutGaps(about),
      agreementId,
      ...(ofLicence ? { arn } : {}),
      productCode: textIn(product, "code"),
      productId: textIn(product, "id"),
      account: textIn(asObject(detail?.["acceptor"]), "accountId"),
    },
  };
}

function factOf(type: string, agreement: JsonObject | undefined): Fact | undefined {
  switch (type) {
    case "License Updated":
      return "began";
    case "License Deprovisioned":
      return "ended";
    case "Purchase Agreement Created":
      return "agreed";
    case "Purchase Agreement Amended":
      return "changed";
    case "Purchase Agreement Ended":
      return endOf(textIn(agreement, "status") ?? "");
    default:
      return undefined;
  }
}

const ENDS = ["CANCELLED", "EXPIRED", "TERMINATED", "RENEWED", "REPLACED"];

/** Whether an agreement of this status is over, or goes on in another one. */
export const isOver = (status: string): boolean => ENDS.includes(status);

/** What the end of an agreement means for its licence. */
export const endOf = (status: string): Fact => (GOES_ON.includes(status.toUpperCase()) ? "superseded" : "ending");

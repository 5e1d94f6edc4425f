import { type JsonObject, textIn } from "../../json.ts";
import type { Agreement } from "../model/agreement.ts";
import { isOurs, licenceState } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, isAwsError, onWire } from "../wire/answers.ts";
import { pageOf } from "../wire/pages.ts";
import type { Operation } from "../wire/service.ts";
import { searchAgreements } from "./search.ts";
import { acceptedTerms } from "./terms.ts";
import { agreementDescription } from "./views.ts";

const MOST_RESULTS = 50;

export const agreementOperations: Readonly<Record<string, Operation>> = {
  DescribeAgreement: whileUp((aws, body) => {
    const agreement = named(aws, body);
    return isAwsError(agreement) ? agreement : agreementDescription(agreement);
  }),
  GetAgreementTerms: whileUp((aws, body) => {
    const agreement = named(aws, body);
    if (isAwsError(agreement)) return agreement;
    return paged(aws, body, "acceptedTerms", acceptedTerms(agreement));
  }),
  GetAgreementEntitlements: whileUp((aws, body) => {
    const agreement = named(aws, body);
    if (isAwsError(agreement)) return agreement;
    return paged(aws, body, "agreementEntitlements", [entitlementOf(aws, agreement)]);
  }),
  SearchAgreements: whileUp((aws, body) => {
    const found = searchAgreements(aws, body);
    return "error" in found ? found : paged(aws, body, "agreementViewSummaries", found.summaries);
  }),
};

function whileUp(answer: (aws: Aws, body: JsonObject) => JsonObject | AwsError): Operation {
  return (aws, { body }) => {
    if (aws.faults.take("aws_agreements_down") === undefined) return answer(aws, body);
    return awsError("InternalServerException", "Unexpected error during processing of request.", 500);
  };
}

/** A resold agreement is the reseller's: its manufacturer is not let in. */
function named({ state }: Aws, body: JsonObject): Agreement | AwsError {
  const id = textIn(body, "agreementId");
  if (id === undefined) return awsError("ValidationException", "agreementId must not be null");
  const agreement = state.agreements.find(id);
  if (agreement === undefined) return awsError("ResourceNotFoundException", `Agreement ${id} does not exist.`);
  if (!isOurs(agreement)) return awsError("AccessDeniedException", "You do not have access to this agreement.");
  return agreement;
}

function paged(aws: Aws, body: JsonObject, member: string, all: readonly JsonObject[]): JsonObject | AwsError {
  const most = body["maxResults"] ?? MOST_RESULTS;
  if (typeof most !== "number" || !Number.isInteger(most) || most < 1 || most > MOST_RESULTS)
    return awsError("ValidationException", `maxResults must be 1 to ${MOST_RESULTS}.`);
  const page = pageOf(all, most, textIn(body, "nextToken"), aws.faults);
  if (page === undefined) return awsError("ValidationException", "nextToken is not valid.");
  return onWire({ [member]: page.items, nextToken: page.nextToken });
}

function entitlementOf({ clock }: Aws, agreement: Agreement): JsonObject {
  return onWire({
    resource: { id: agreement.product.id, type: "SaaSProduct" },
    type: "License",
    ...STATUS[licenceState(agreement, clock.now())],
    licenseArn: agreement.licenceArn,
  });
}

const STATUS = {
  active: { status: "PROVISIONED", statusReasonCode: "AGREEMENT_ACTIVE" },
  scheduled: { status: "SCHEDULED", statusReasonCode: "FUTURE_START_DATE" },
  failed: { status: "FAILED", statusReasonCode: "INVALID_PAYMENT_INSTRUMENT" },
  ended: { status: "DEPROVISIONED", statusReasonCode: "AGREEMENT_INACTIVE" },
} as const;

import { asJsonObject, type JsonObject, textIn } from "../../json.ts";
import type { Agreement, EntitlementValue } from "../model/agreement.ts";
import { entitlementsInForce } from "../model/agreements.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, onWire } from "../wire/answers.ts";
import { pageOf } from "../wire/pages.ts";
import type { Operation } from "../wire/service.ts";

const MOST_RESULTS = 25;
const FILTERS = ["CUSTOMER_IDENTIFIER", "CUSTOMER_AWS_ACCOUNT_ID", "LICENSE_ARN", "DIMENSION"] as const;
type Filters = Readonly<Partial<Record<(typeof FILTERS)[number], readonly string[]>>>;

/** What buyers of a product are entitled to by contract; nothing once it has ended, and nothing for pay as you go. */
export const getEntitlements: Operation = (aws, { body }) => {
  if (aws.faults.take("aws_entitlements_down") !== undefined)
    return awsError("InternalServiceErrorException", "An internal error has occurred.", 500);
  const productCode = textIn(body, "ProductCode");
  if (productCode === undefined || !aws.state.products.some(({ code }) => code === productCode))
    return invalid("ProductCode is missing or not valid.");
  const most = body["MaxResults"] ?? MOST_RESULTS;
  if (typeof most !== "number" || !Number.isInteger(most) || most < 1 || most > MOST_RESULTS)
    return invalid(`MaxResults must be 1 to ${MOST_RESULTS}.`);
  const filters = readFilters(body["Filter"]);
  if (typeof filters === "string") return invalid(filters);
  const agreements = aws.state.agreements.all().filter(({ product }) => product.code === productCode);
  const all = agreements.flatMap((agreement) => entitlementsOf(aws, agreement)).filter((one) => passes(one, filters));
  const page = pageOf(all, most, textIn(body, "NextToken"), aws.faults);
  if (page === undefined) return invalid("NextToken is not valid.");
  return onWire({ Entitlements: page.items, NextToken: page.nextToken });
};

function invalid(message: string): AwsError {
  return awsError("InvalidParameterException", message);
}

/** The filters, or what is wrong with them. */
function readFilters(written: unknown): Filters | string {
  const entries = Object.entries(asJsonObject(written));
  if (!entries.every(([name]) => FILTERS.some((known) => known === name))) return "A filter's name is not known.";
  const usable = entries.every(
    ([, values]) => Array.isArray(values) && values.length > 0 && values.every((value) => typeof value === "string"),
  );
  if (!usable) return "A filter needs at least one text.";
  const filters: Filters = Object.fromEntries(entries);
  if (filters.CUSTOMER_IDENTIFIER && filters.CUSTOMER_AWS_ACCOUNT_ID)
    return "CUSTOMER_IDENTIFIER and CUSTOMER_AWS_ACCOUNT_ID exclude each other.";
  return filters;
}

function entitlementsOf({ clock }: Aws, agreement: Agreement): readonly JsonObject[] {
  return [...entitlementsInForce(agreement, clock.now())].map(([dimension, value]) =>
    onWire({
      ProductCode: agreement.product.code,
      Dimension: dimension,
      CustomerIdentifier: agreement.customerIdentifier,
      CustomerAWSAccountId: agreement.account,
      Value: typedValue(value),
      ExpirationDate: agreement.endsAt,
      LicenseArn: agreement.licenceArn,
    }),
  );
}

function typedValue(value: EntitlementValue): JsonObject {
  if (typeof value === "boolean") return { BooleanValue: value };
  if (typeof value === "string") return { StringValue: value };
  return Number.isInteger(value) ? { IntegerValue: value } : { DoubleValue: value };
}

/** Values of one name are united, names are intersected. */
function passes(entitlement: JsonObject, filters: Filters): boolean {
  const members: Readonly<Record<(typeof FILTERS)[number], string>> = {
    CUSTOMER_IDENTIFIER: "CustomerIdentifier",
    CUSTOMER_AWS_ACCOUNT_ID: "CustomerAWSAccountId",
    LICENSE_ARN: "LicenseArn",
    DIMENSION: "Dimension",
  };
  return FILTERS.every((name) => filters[name]?.includes(String(entitlement[members[name]])) ?? true);
}

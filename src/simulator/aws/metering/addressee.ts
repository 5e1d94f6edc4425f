import type { Agreement, Generation } from "../model/agreement.ts";
import { coversInstant, takesUsage } from "../model/agreements.ts";
import type { Product } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { type AwsError, awsError, isAwsError } from "../wire/answers.ts";
import { hourOf } from "./time-rules.ts";
import type { UsageRecord } from "./usage-record.ts";

/** Whom a record bills. */
export interface Addressee {
  readonly generation: Generation;
  readonly product: Product;
  readonly account: string;
  /** null = nobody whom usage may be billed to: the record's status says so. */
  readonly agreement: Agreement | null;
}

/** By licence, or by the request's product code and a customer. An error is the whole request's. */
export function addresseeOf(aws: Aws, record: UsageRecord, productCode: string | undefined): Addressee | AwsError {
  if (record.licenceArn !== undefined) return byLicence(aws, record, record.licenceArn, productCode);
  return byProductCode(aws, record, productCode);
}

/** The product that all the addressees share. */
export function oneProduct(addressees: readonly Addressee[]): Product | AwsError | undefined {
  const products = new Set(addressees.map(({ product }) => product));
  if (products.size <= 1) return [...products][0];
  return awsError("InvalidLicenseException", "The licenses of one request must be of one product.");
}

function byLicence(
  { state, clock }: Aws,
  record: UsageRecord,
  arn: string,
  productCode: string | undefined,
): Addressee | AwsError {
  if (productCode !== undefined)
    return awsError("ValidationException", "ProductCode must be left out when records carry LicenseArn.");
  const agreement = state.agreements.ofLicence(arn);
  if (agreement === undefined || agreement.account !== record.account)
    return awsError("InvalidLicenseException", "The license does not exist or is not the customer's.");
  if (!coversInstant(agreement, record.timestamp))
    return awsError("InvalidLicenseException", "The timestamp lies outside the active period of the license.");
  const { product, account } = agreement;
  const open = takesUsage(agreement, clock.now());
  return { generation: "licence", product, account, agreement: open ? agreement : null };
}

function byProductCode(
  { state, clock }: Aws,
  record: UsageRecord,
  productCode: string | undefined,
): Addressee | AwsError {
  if (productCode === undefined)
    return awsError("ValidationException", "A request needs ProductCode, or LicenseArn in each record.");
  const product = state.products.find(({ code }) => code === productCode);
  if (product === undefined) return awsError("InvalidProductCodeException", "The product code is not valid.");
  const account = accountNamed(state.agreements, record, productCode);
  if (typeof account !== "string") return account;
  const now = clock.now();
  const agreement = state.agreements
    .ofBuyer(account, productCode)
    .find((one) => takesUsage(one, now) && coversHour(one, record.timestamp));
  return { generation: "legacy", product, account, agreement: agreement ?? null };
}

function accountNamed(agreements: Aws["state"]["agreements"], record: UsageRecord, productCode: string) {
  const { account, customerIdentifier } = record;
  if (account !== undefined) return account;
  const named = agreements.accountOf(customerIdentifier ?? "", productCode);
  return named ?? awsError("InvalidCustomerIdentifierException", "The customer identifier is not valid.");
}

/** The legacy generation knows no moment of a licence: the hour of the start counts as a whole. */
function coversHour(agreement: Agreement, instant: Date): boolean {
  return coversInstant({ ...agreement, startsAt: hourOf(agreement.startsAt) }, instant);
}

export function isAddressee(value: Addressee | AwsError): value is Addressee {
  return !isAwsError(value);
}

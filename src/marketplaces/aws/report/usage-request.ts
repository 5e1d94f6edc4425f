import type { BatchMeterUsageRequest, UsageAllocation, UsageRecord } from "@aws-sdk/client-marketplace-metering";
import type { ReportBatch, ReportRecord } from "../../../metering/reporting.ts";
import { type BillingIdentity, type Lot, readBillingReference } from "./billing-reference.ts";
import {
  isAccountId,
  isCustomerIdentifier,
  isDimension,
  isLicenceArn,
  isProductCode,
  isTagKey,
  isTagValue,
  MOST_ALLOCATIONS,
  MOST_BYTES,
  MOST_RECORDS,
  MOST_TAGS,
  MOST_UNITS,
} from "./rules.ts";

/** A record with what is sent of it. */
export interface Prepared {
  readonly record: ReportRecord;
  readonly sent: UsageRecord;
}

export interface UsageRequest {
  readonly request: BatchMeterUsageRequest;
  readonly prepared: readonly Prepared[];
}

/** Something AWS would refuse the whole call for, found before it is asked. */
export interface LocalFault {
  readonly fault: string;
}

/** AWS's name of a catalog's dimension in a product's listing. */
export type CodeOf = (productCode: string, dimension: string) => string;

/**
 * What is sent for a batch: the same bytes of a record every time. The older generation names its product in the call,
 * the newer one its licence in each record; never both, since they are billed apart.
 */
export function usageRequest(batch: ReportBatch, lot: Lot, codeOf: CodeOf): UsageRequest | LocalFault {
  if (batch.records.length > MOST_RECORDS) return { fault: `more than ${MOST_RECORDS} records` };
  if (!isProductCode(lot.productCode)) return { fault: "the product code is none" };
  const prepared: Prepared[] = [];
  for (const record of batch.records) {
    const sent = prepare(record, lot, codeOf);
    if ("fault" in sent) return { fault: `${record.dimension} of ${record.hour.toISOString()}: ${sent.fault}` };
    prepared.push({ record, sent });
  }
  const records = prepared.map(({ sent }) => sent);
  const request = {
    UsageRecords: records,
    ...(lot.generation === "legacy" ? { ProductCode: lot.productCode } : {}),
  };
  if (Buffer.byteLength(JSON.stringify(request)) >= MOST_BYTES) return { fault: `${MOST_BYTES} bytes or more` };
  return { request, prepared };
}

function prepare(record: ReportRecord, lot: Lot, codeOf: CodeOf): UsageRecord | LocalFault {
  const identity = readBillingReference(record.billingReference);
  if (identity === undefined) return { fault: "the billing reference is none of AWS's" };
  const dimension = codeOf(lot.productCode, record.dimension);
  const fault = identityFault(identity, lot) ?? quantityFault(record, dimension) ?? allocationFault(record);
  if (fault !== undefined) return { fault };
  const { allocations, units } = record;
  const shared = units > 0 && allocations.some(({ tags }) => Object.keys(tags).length > 0);
  return {
    Timestamp: record.stampedAt,
    Dimension: dimension,
    Quantity: units,
    ...(identity.generation === "licence"
      ? { CustomerAWSAccountId: identity.accountId, LicenseArn: identity.licenceArn }
      : { CustomerIdentifier: identity.customerIdentifier }),
    ...(shared ? { UsageAllocations: allocations.map(toAllocation) } : {}),
  };
}

function identityFault(identity: BillingIdentity, lot: Lot): string | undefined {
  if (identity.generation !== lot.generation) return "it belongs to another generation than its lot";
  if (identity.region !== lot.region) return "it belongs to another region than its lot";
  if (identity.generation === "licence") {
    if (!isLicenceArn(identity.licenceArn)) return "the licence ARN is none";
    return isAccountId(identity.accountId) ? undefined : "the account id is none";
  }
  if (identity.productCode !== lot.productCode) return "it belongs to another product than its lot";
  return isCustomerIdentifier(identity.customerIdentifier) ? undefined : "the customer identifier is none";
}

function quantityFault({ units, stampedAt }: ReportRecord, dimension: string): string | undefined {
  if (!isDimension(dimension)) return "the dimension's name is none";
  if (!Number.isInteger(units) || units < 0 || units > MOST_UNITS) return `${units} is no quantity`;
  return Number.isNaN(stampedAt.getTime()) ? "the timestamp is none" : undefined;
}

function allocationFault({ allocations, units }: ReportRecord): string | undefined {
  if (allocations.length === 0) return undefined;
  if (allocations.length > MOST_ALLOCATIONS) return `more than ${MOST_ALLOCATIONS} allocations`;
  const parts = allocations.map((part) => part.units);
  if (parts.some((part) => !Number.isInteger(part) || part < 0)) return "an allocation is no quantity";
  if (parts.reduce((sum, part) => sum + part, 0) !== units) return "the allocations do not add up to the quantity";
  const sets = allocations.map(({ tags }) => JSON.stringify(sortedTags(tags)));
  if (new Set(sets).size < sets.length) return "two allocations have the same tags";
  return tagFault(allocations.flatMap(({ tags }) => Object.entries(tags)));
}

function tagFault(tags: readonly [string, string][]): string | undefined {
  if (new Set(tags.map(([key]) => key)).size > MOST_TAGS) return `more than ${MOST_TAGS} tag keys`;
  return tags.every(([key, value]) => isTagKey(key) && isTagValue(value)) ? undefined : "a tag is out of alphabet";
}

function toAllocation({ units, tags }: ReportRecord["allocations"][number]): UsageAllocation {
  const sorted = sortedTags(tags);
  const given = sorted.length === 0 ? {} : { Tags: sorted.map(([Key, Value]) => ({ Key, Value })) };
  return { AllocatedUsageQuantity: units, ...given };
}

const sortedTags = (tags: Readonly<Record<string, string>>): [string, string][] =>
  Object.entries(tags).sort(([one], [other]) => (one < other ? -1 : 1));

import { randomUUID } from "node:crypto";
import type { JsonObject } from "../../json.ts";
import type { Agreement } from "../model/agreement.ts";
import type { Aws } from "../model/world.ts";
import type { WireCall } from "../wire/service.ts";
import type { Addressee } from "./addressee.ts";
import { blameBilling } from "./billing-checks.ts";
import type { BilledRecord } from "./ledger.ts";
import { hourOf } from "./time-rules.ts";
import type { UsageRecord } from "./usage-record.ts";

/** The first write of a key is billed; an identical repeat answers the same; another quantity is a duplicate. */
export function billRecord(aws: Aws, call: WireCall, record: UsageRecord, addressee: Addressee): JsonObject {
  const { agreement } = addressee;
  if (agreement === null) return { UsageRecord: record.sent, Status: "CustomerNotSubscribed" };
  const { ledger } = aws.state;
  const key = keyOf(call.region, record, addressee);
  const held = ledger.find(key);
  const entry = held ?? entryOf(aws, call.region, record, { ...addressee, agreement });
  if (held === undefined) ledger.bill(key, entry);
  blameBilling(aws, call, { record, agreement, entry, held });
  if (held !== undefined && !repeats(aws, held, record)) return { UsageRecord: record.sent, Status: "DuplicateRecord" };
  return { UsageRecord: record.sent, MeteringRecordId: entry.recordId, Status: "Success" };
}

/** The two generations are two spaces, and so is each region: the same hour may be billed in each. */
function keyOf(region: string, record: UsageRecord, { generation, product, account }: Addressee): string {
  const who = generation === "licence" ? record.licenceArn : `${product.code} ${account}`;
  return `${region} ${generation} ${who} ${record.dimension} ${hourOf(record.timestamp).toISOString()}`;
}

function entryOf(
  aws: Aws,
  region: string,
  record: UsageRecord,
  { generation, product, account, agreement }: Addressee & { readonly agreement: Agreement },
): BilledRecord {
  return {
    region,
    generation,
    productCode: product.code,
    licenceArn: generation === "licence" ? agreement.licenceArn : null,
    account,
    customer: agreement.customerIdentifier,
    dimension: record.dimension,
    hour: hourOf(record.timestamp),
    timestamp: record.timestamp,
    quantity: record.quantity,
    recordId: randomUUID(),
    allocations: record.allocations ?? null,
    receivedAt: aws.clock.now(),
  };
}

/** AWS's documents disagree on what an identical repeat is called, so a fault switch decides. */
function repeats({ faults }: Aws, held: BilledRecord, record: UsageRecord): boolean {
  if (faults.take("aws_repeat_is_duplicate") !== undefined) return false;
  return held.quantity === record.quantity && sameAllocations(held, record);
}

function sameAllocations(held: BilledRecord, { allocations }: UsageRecord): boolean {
  return JSON.stringify(held.allocations) === JSON.stringify(allocations ?? null);
}

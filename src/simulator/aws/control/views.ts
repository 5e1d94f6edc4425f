import type { Message } from "../emission/message.ts";
import type { BilledRecord, MeteringCall } from "../metering/ledger.ts";
import type { Agreement } from "../model/agreement.ts";
import { licenceState } from "../model/agreements.ts";
import type { Product } from "../model/products.ts";
import type { Aws } from "../model/world.ts";

export function purchaseView({ clock }: Aws, agreement: Agreement) {
  return {
    agreement: agreement.id,
    initial_agreement: agreement.initialId,
    intent: agreement.intent,
    status: agreement.status,
    licence: agreement.licenceArn,
    licence_state: licenceState(agreement, clock.now()),
    generation: agreement.generation,
    product_code: agreement.product.code,
    product_id: agreement.product.id,
    model: agreement.product.model,
    account: agreement.account,
    customer: agreement.customerIdentifier,
    quantities: Object.fromEntries(agreement.quantities),
    trial_days: agreement.trialDays,
    started_at: agreement.startsAt.toISOString(),
    ends_at: agreement.endsAt?.toISOString() ?? null,
    ended_at: agreement.endedAt?.toISOString() ?? null,
    suspended: agreement.suspended,
  };
}

export function productView({ code, id, model, plan, dimensions, sample }: Product) {
  return { code, id, model, plan, dimensions, sample };
}

export function billedView(record: BilledRecord) {
  return {
    region: record.region,
    generation: record.generation,
    product_code: record.productCode,
    licence: record.licenceArn,
    account: record.account,
    customer: record.customer,
    dimension: record.dimension,
    hour: record.hour.toISOString(),
    timestamp: record.timestamp.toISOString(),
    quantity: record.quantity,
    record_id: record.recordId,
    allocations: record.allocations,
    received_at: record.receivedAt.toISOString(),
  };
}

export function callView({ at, region, requestId, records, outcome }: MeteringCall) {
  return { at: at.toISOString(), region, request_id: requestId, records, outcome };
}

export function messageView({ id, about, channel, type, topic, state, attempts, status, createdAt, body }: Message) {
  return { id, agreement: about, channel, type, topic, state, attempts, status, at: createdAt.toISOString(), body };
}

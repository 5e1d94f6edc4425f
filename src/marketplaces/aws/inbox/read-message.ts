import { type AwsSection, findProduct, type ListedProduct } from "../section.ts";
import { type About, facts, type LicenceIdentity, licenceKey } from "./fact.ts";
import { readEvent } from "./read-event.ts";
import { readNotice } from "./read-notice.ts";
import { asObject, flagged, type JsonObject, parsed, type Reading, type Said, textIn } from "./reading.ts";

/** A message as the inbox holds it. */
export interface StoredMessage {
  readonly body: Buffer;
  readonly sentAt: Date | null;
  readonly receivedAt: Date;
}

/** What the message says. The same bytes always say the same. */
export function readMessage(message: StoredMessage): Reading {
  const envelope = asObject(parsed(message.body));
  if (envelope === undefined) return flagged("The body is no JSON object.");
  return readObject(envelope, message.sentAt ?? message.receivedAt);
}

function readObject(object: JsonObject, sentAt: Date): Reading {
  if ("detail-type" in object) return readEvent(object);
  if (object["Type"] === "Notification") return unwrapped(object);
  const found = asObject(object["found"]);
  if (found !== undefined) return readFound(found);
  return readNotice(object, sentAt);
}

/** `Message` is JSON text, or, as AWS's own sample puts it into a queue, an object. */
function unwrapped(envelope: JsonObject): Reading {
  const { Message: message } = envelope;
  const inner = asObject(typeof message === "string" ? parsed(Buffer.from(message)) : message);
  const at = new Date(textIn(envelope, "Timestamp") ?? "");
  if (inner === undefined) return flagged("The notification holds no JSON object.");
  if (Number.isNaN(at.getTime())) return flagged("The notification has no time.");
  return "detail-type" in inner ? readEvent(inner) : readNotice(inner, at);
}

/** What a sweep of ours found out. */
function readFound(found: JsonObject): Reading {
  const fact = facts.find((known) => known === found["fact"]);
  const at = new Date(textIn(found, "at") ?? "");
  if (fact === undefined || Number.isNaN(at.getTime())) return flagged("A finding without a fact or a time.");
  const about = (asObject(found["about"]) ?? {}) as About;
  const names = ["arn", "productCode", "productId", "account", "customer", "agreementId"] as const;
  return {
    kind: "fact",
    said: { fact, at, about, ...Object.fromEntries(names.map((name) => [name, textIn(found, name)])) },
  };
}

/** Whose licence the fact is about; undefined for one about an agreement alone. */
export function identityOf(section: AwsSection, region: string, said: Said): LicenceIdentity | "foreign" | undefined {
  const { arn, customer, agreementId } = said;
  if (arn === undefined && customer === undefined) return undefined;
  const product = findProduct(section, said);
  if (product === undefined) return "foreign";
  return {
    key: licenceKey({ arn, customer, productCode: product.code }),
    generation: arn === undefined ? "legacy" : "licence",
    arn: arn ?? null,
    agreement_id: agreementId ?? null,
    account: said.account ?? null,
    customer: customer ?? null,
    ...soldAs(product, region),
  };
}

export const soldAs = (product: ListedProduct, region: string) => ({
  product_code: product.code,
  product_id: product.id ?? null,
  region: product.region ?? region,
});

import { z } from "zod";

/** Who pays, as AWS names it. The region is part of it: AWS bills the same hour again in another one. */
export type BillingIdentity =
  | {
      readonly generation: "licence";
      readonly licenceArn: string;
      readonly accountId: string;
      readonly region: string;
    }
  | {
      readonly generation: "legacy";
      readonly productCode: string;
      readonly customerIdentifier: string;
      readonly region: string;
    };

/** A compact text that is the same for the same identity, for as long as records live. */
export function billingReference(identity: BillingIdentity): string {
  return identity.generation === "licence"
    ? JSON.stringify(["licence", identity.licenceArn, identity.accountId, identity.region])
    : JSON.stringify(["legacy", identity.productCode, identity.customerIdentifier, identity.region]);
}

const text = z.string().min(1);
const shape = z.tuple([z.enum(["licence", "legacy"]), text, text, text]);

/** The identity behind a billing reference; undefined when the text is none. */
export function readBillingReference(reference: string): BillingIdentity | undefined {
  const parsed = shape.safeParse(asJson(reference));
  if (!parsed.success) return undefined;
  const [generation, first, second, region] = parsed.data;
  return generation === "licence"
    ? { generation, licenceArn: first, accountId: second, region }
    : { generation, productCode: first, customerIdentifier: second, region };
}

function asJson(reference: string): unknown {
  try {
    return JSON.parse(reference);
  } catch {
    return undefined;
  }
}

export interface Lot {
  readonly generation: BillingIdentity["generation"];
  readonly region: string;
  readonly productCode: string;
}

/** One call holds one product of one generation, in one region. */
export const lotOf = ({ generation, region, productCode }: Lot): string => `${generation} ${region} ${productCode}`;

export function readLot(lot: string): Lot | undefined {
  const [generation, region, productCode, ...rest] = lot.split(" ");
  if ((generation !== "licence" && generation !== "legacy") || !region || !productCode || rest.length > 0) {
    return undefined;
  }
  return { generation, region, productCode };
}

/** AWS counts calls by account and region. */
export const paceOf = ({ region }: { readonly region: string }): string => `aws ${region}`;

import type { AwsApi } from "../api/aws-api.ts";
import { type AwsFinding, fault, ok, warning } from "./finding.ts";

const CHECK = "aws-products";

interface Product {
  readonly code: string;
  readonly model: string;
}

/** Whether entitlements can be asked for where a product has a contract. */
export function checkProducts(api: AwsApi, products: readonly Product[]): Promise<AwsFinding[]> {
  return Promise.all(products.map((product) => checkProduct(api, product)));
}

async function checkProduct(api: AwsApi, { code, model }: Product): Promise<AwsFinding> {
  if (model === "subscription") return ok(CHECK, `${code}: ${model}`);
  const answer = await api.entitlements({ productCode: code, account: "000000000000" });
  if (answer.kind === "found") return ok(CHECK, `${code}: ${model}, its entitlements can be asked for`);
  if (answer.kind === "misconfigured") {
    const cure = "Look at the product code, and allow aws-marketplace:GetEntitlements.";
    return fault(CHECK, `${code}: no entitlements: ${answer.code}`, cure);
  }
  return warning(CHECK, `${code}: AWS did not say anything of its entitlements`, "Ask again in a minute.");
}

import { ProviderError } from "../../errors.ts";
import type { Tenant } from "../../tenants/tenants.ts";
import type { Said } from "../marketplace.ts";
import type { Agreement } from "./api/agreements.ts";
import type { Entitlement } from "./api/entitlements.ts";
import type { Fetched } from "./api/fetched.ts";
import { licenceOfTenant } from "./licences/licence.ts";
import type { AwsOptions } from "./options.ts";
import { findProduct, hasContract } from "./section.ts";

/**
 * What AWS says of the purchase now: its agreement (DescribeAgreement, or SearchAgreements by the licence), and for a contract
 * what it entitles to (GetEntitlements). Throws `marketplace_unavailable` when the agreement is not told; entitlements
 * that are not told are a line that says so.
 */
export async function currentTruth(options: AwsOptions, tenant: Tenant, within: AbortSignal): Promise<readonly Said[]> {
  const { api, section, store } = options;
  const licence = await licenceOfTenant(store, tenant.id);
  if (licence === undefined) return [{ term: "Licence", text: "none is known" }];
  const { agreement_id: id, arn, product_code: productCode, customer, account } = licence;
  if (id === null && arn === null) return [{ term: "Agreement", text: "AWS names none in the older generation" }];
  const product = findProduct(section, { productCode });
  const [agreement, entitlements] = await Promise.all([
    id === null ? api.agreementOfLicence(arn ?? "", within) : api.agreement(id, within),
    product !== undefined && hasContract(product)
      ? api.entitlements(
          {
            productCode: product.code,
            ...(arn && { licenceArn: arn }),
            ...(customer && { customer }),
            ...(account && { account }),
          },
          within,
        )
      : undefined,
  ]);
  return [...saidOfAgreement(told(agreement)), ...(entitlements === undefined ? [] : saidOfEntitlements(entitlements))];
}

function told<T>(answer: Fetched<T>): T {
  if (answer.kind === "found") return answer.value;
  throw new ProviderError("marketplace_unavailable", `AWS does not tell: ${whyNot(answer)}.`);
}

function whyNot(answer: Exclude<Fetched<unknown>, { readonly kind: "found" }>): string {
  if (answer.kind === "down") return answer.fault;
  return answer.kind === "misconfigured" ? answer.code : "it is asked too often";
}

function saidOfAgreement(agreement: Agreement | undefined): readonly Said[] {
  if (agreement === undefined) return [{ term: "State", text: "there is no such agreement" }];
  const { id, status, start, end, atEnd, accountId } = agreement;
  return [
    { term: "State", text: status || "not said" },
    { term: "Agreement", text: id },
    { term: "Account", text: accountId ?? "not said" },
    { term: "Started", text: start?.toISOString() ?? "not said" },
    {
      term: "Ends",
      text: end === undefined ? "open" : `${end.toISOString()}${atEnd === undefined ? "" : `, ${atEnd}`}`,
    },
  ];
}

function saidOfEntitlements(answer: Fetched<readonly Entitlement[]>): readonly Said[] {
  if (answer.kind !== "found") return [{ term: "Entitlements", text: `not told: ${whyNot(answer)}` }];
  const texts = answer.value.map(({ dimension, value, expiresAt }) => {
    const until = expiresAt === undefined ? "" : ` until ${expiresAt.toISOString()}`;
    return `${dimension} ${String(value ?? "")}${until}`;
  });
  return [{ term: "Entitlements", text: texts.length === 0 ? "none" : texts.join(", ") }];
}

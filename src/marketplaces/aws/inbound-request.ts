import type { Tenant } from "../../tenants/tenants.ts";
import type { Asked, InboundRequest } from "../marketplace.ts";
import type { AwsOptions } from "./options.ts";

const OWNER = /^AWS account (\d{12})$/;
const LICENCE = /^arn:[^\s]+:license:/;

/** AWS tells that there is a licence and that there is none any more; what it entitles to, the provider asks. */
const TYPES: Partial<Readonly<Record<Asked["kind"], string>>> = {
  provision: "License Updated",
  change_plan: "License Updated",
  deprovision: "License Deprovisioned",
};

/**
 * The event of EventBridge that asks for this. (Seller guide, "Managing SaaS subscription events with Amazon EventBridge".)
 * A purchase of the older generation is told by SNS, whose signature nobody else can make: there is none for it.
 */
export function requestOf(
  { clock, section }: Pick<AwsOptions, "clock" | "section">,
  { id, resourceId, plan, facts }: Tenant,
  { kind }: Asked,
): InboundRequest | undefined {
  const type = TYPES[kind];
  const product = section.products.find((listed) => listed.plan === plan);
  if (type === undefined || product === undefined || !LICENCE.test(resourceId)) return undefined;
  const [, account] = OWNER.exec(String(facts["owner"] ?? "")) ?? [];
  return {
    method: "POST",
    path: "/aws/events",
    authorization: { bearer: "$AWS_EVENTS_SECRET" },
    headers: {},
    body: {
      version: "0",
      id: `replay-${kind}-${id}`,
      "detail-type": `${type} - Manufacturer`,
      source: "aws.agreement-marketplace",
      time: clock.now().toISOString().replace(/\.\d+/, ""),
      detail: {
        ...(account && { acceptor: { accountId: account } }),
        license: { arn: resourceId },
        product: { code: product.code, ...(product.id && { id: product.id }) },
      },
    },
  };
}

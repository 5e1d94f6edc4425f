import type { Json } from "./cloudformation-text.ts";
import { TENANT_TAG, type Wanted } from "./statement.ts";

/** Everything that is made can be found, and paid for, by these. */
export function tagsInTerraform({ environment, product, model }: Wanted): Json {
  return {
    Product: product,
    Environment: environment,
    Plan: `\${var.plan}`,
    ...(model === "silo" && { [TENANT_TAG]: `\${var.tenant_id}` }),
  };
}

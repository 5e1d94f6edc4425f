import type { Delivery, OwedCall } from "../deliveries/deliveries.ts";
import { RetryLater } from "../product/product.ts";
import { getTenant } from "../tenants/tenants.ts";
import type { Deps } from "./deps.ts";
import { undoCall } from "./product-call.ts";
import { within } from "./within.ts";

/** The product among the receivers of owed calls. */
export const PRODUCT = "product";

/** Tells the product to undo a provision that came too late. A product that refuses is asked again: nobody else can undo it. */
export async function tellProduct(deps: Deps, call: OwedCall): Promise<Delivery> {
  const tenant = await getTenant(deps.store, { tenant: call.tenant });
  const undo = undoCall(deps, tenant, String(call.payload["operation"]));
  try {
    await within(deps.budgets.product, (signal) => deps.product.deprovision(undo, signal));
    return { outcome: "delivered" };
  } catch (fault) {
    const afterSeconds = fault instanceof RetryLater ? fault.afterSeconds : undefined;
    return {
      outcome: "retry",
      fault: fault instanceof Error ? fault.message : "The product failed.",
      ...(afterSeconds === undefined ? {} : { afterSeconds }),
    };
  }
}

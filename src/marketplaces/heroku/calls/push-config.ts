import { undeclaredConfigVars } from "../../../catalog/catalog.ts";
import type { Delivery, OwedCall } from "../../../deliveries/deliveries.ts";
import type { HerokuOptions } from "../options.ts";
import { openResource } from "../platform/resource.ts";
import { verdictOf } from "./verdict.ts";

/**
 * Sets the config vars of the add-on to what they are now: an older push that is late sends no older values.
 * One that the manifest does not declare stays here: over there it would make the whole change fail.
 */
export async function pushConfig(options: HerokuOptions, call: OwedCall, attempt: AbortSignal): Promise<Delivery> {
  const config = await options.configVars(call.tenant);
  const undeclared = undeclaredConfigVars(options.catalog, Object.keys(config));
  if (undeclared.length > 0) {
    return { outcome: "given_up", fault: `The manifest does not declare the config vars ${undeclared.join(", ")}.` };
  }
  const resource = await openResource(options, call, attempt);
  const body = { config: Object.entries(config).map(([name, value]) => ({ name, value })) };
  const reply = await resource.send({ method: "PATCH", path: `/addons/${call.resourceId}/config`, body });
  return verdictOf(reply, call, resource.tenant, options.clock.now());
}

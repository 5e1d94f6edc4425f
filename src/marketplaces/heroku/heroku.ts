import type { Marketplace } from "../marketplace.ts";
import { deliverCall } from "./calls/deliver.ts";
import { PROVISION_DEADLINE_SECONDS } from "./calls/verdict.ts";
import { checkConnection } from "./check.ts";
import { currentTruth } from "./current-truth.ts";
import { describeTenant } from "./describe.ts";
import { requestOf } from "./inbound-request.ts";
import { herokuRoutes } from "./intake/routes.ts";
import { HEROKU, type HerokuOptions } from "./options.ts";
import { webhookEvents } from "./webhooks/section.ts";

/** Grants looked at in one go; a worker comes back every second. */
const UPKEEP_AT_ONCE = 100;

/**
 * Heroku's add-on platform: the Add-on Partner API (version 3 and the shape before it), its single sign-on, the calls
 * we owe its Platform API, and its webhooks. Throws `config_invalid` when the catalog's section for it is not usable.
 */
export function herokuMarketplace(options: HerokuOptions): Marketplace {
  webhookEvents(options.catalog);
  return {
    name: HEROKU,
    abilities: {
      pushesConfig: true,
      wantsCompletion: true,
      provisionDeadlineSeconds: PROVISION_DEADLINE_SECONDS,
    },
    routes: (intake) => herokuRoutes(options, intake),
    deliver: (call) => deliverCall(options, call),
    describe: (tenant) => describeTenant(options, tenant),
    currentTruth: (tenant, within) => currentTruth(options, tenant, within),
    check: (within) => checkConnection(options, within),
    requestOf: (tenant, asked) => requestOf(options, tenant, asked),
    upkeep: async () => {
      await options.store.throughDoor({
        text: "select heroku_upkeep($1, $2)",
        values: [options.clock.now(), UPKEEP_AT_ONCE],
      });
    },
  };
}

import {
  ABANDON_PROVISION,
  type Delivery,
  FINISH_PROVISION,
  type OwedCall,
  PUSH_CONFIG,
} from "../../../deliveries/deliveries.ts";
import type { HerokuOptions } from "../options.ts";
import { exchangeGrant, refreshGrant } from "./exchange-grant.ts";
import { fetchPeople } from "./fetch-people.ts";
import { EXCHANGE_GRANT, FETCH_PEOPLE, REFRESH_GRANT, SUBSCRIBE_WEBHOOKS } from "./kinds.ts";
import { abandonProvision, finishProvision } from "./provision-actions.ts";
import { pushConfig } from "./push-config.ts";
import { subscribeWebhooks } from "./subscribe-webhooks.ts";
import { deliveryOf } from "./verdict.ts";

type Deliverer = (options: HerokuOptions, call: OwedCall, attempt: AbortSignal) => Promise<Delivery>;

const deliverers: ReadonlyMap<string, Deliverer> = new Map([
  [EXCHANGE_GRANT, exchangeGrant],
  [REFRESH_GRANT, refreshGrant],
  [PUSH_CONFIG, pushConfig],
  [FINISH_PROVISION, finishProvision],
  [ABANDON_PROVISION, abandonProvision],
  [FETCH_PEOPLE, fetchPeople],
  [SUBSCRIBE_WEBHOOKS, subscribeWebhooks],
]);

/** All requests of one attempt together; the lease of an owed call is 30 s. */
const ATTEMPT_MS = 25_000;

/** One attempt of an owed call. Faults on Heroku's side are outcomes; only faults of our own are thrown. */
export async function deliverCall(options: HerokuOptions, call: OwedCall): Promise<Delivery> {
  const deliver = deliverers.get(call.kind);
  if (deliver === undefined) return { outcome: "given_up", fault: `Nothing called ${call.kind} is told to Heroku.` };
  try {
    return await deliver(options, call, AbortSignal.timeout(ATTEMPT_MS));
  } catch (fault) {
    return deliveryOf(fault);
  }
}

import { z } from "zod";
import { type Delivery, type OwedCall, PUSH_CONFIG } from "../../../deliveries/deliveries.ts";
import { ProviderError } from "../../../errors.ts";
import type { HerokuOptions } from "../options.ts";
import { openResource, type Resource } from "../platform/resource.ts";
import type { Reply } from "../platform/send.ts";
import { faultOf, isSuccess, knownBy, verdictOf } from "./verdict.ts";

/**
 * Tells Heroku that a provision it was answered 202 is done: now the config vars are released and the app restarts.
 * Where Heroku has given the purchase up meanwhile, the tenant is deprovisioned: nobody else would.
 */
export async function finishProvision(options: HerokuOptions, call: OwedCall, attempt: AbortSignal): Promise<Delivery> {
  if (await configWasRefused(options, call)) {
    const fault = "Heroku did not take the config vars, so the provision is not finished.";
    return { outcome: "given_up", fault };
  }
  const resource = await openResource(options, call, attempt);
  const said = await resource.send({ method: "POST", path: `/addons/${call.resourceId}/actions/provision` });
  const reply = said.status === 422 ? await lookAt(resource, call) : said;
  if (said.status === 422 && stateIn(reply) === "provisioned") return { outcome: "delivered", status: said.status };
  if (isRemoved(options, reply, call, resource)) return removedOverThere(options, call, reply);
  if (isSuccess(said)) return { outcome: "delivered", status: said.status };
  if (isSuccess(reply)) return { outcome: "given_up", status: said.status, fault: faultOf(said) };
  return verdictOf(reply, call, resource.tenant, options.clock.now());
}

/** Tells Heroku that a provision it was answered 202 has failed. That it knows the resource no more is as good. */
export async function abandonProvision(
  options: HerokuOptions,
  call: OwedCall,
  attempt: AbortSignal,
): Promise<Delivery> {
  const resource = await openResource(options, call, attempt);
  const said = await resource.send({ method: "POST", path: `/addons/${call.resourceId}/actions/deprovision` });
  const reply = said.status === 422 ? await lookAt(resource, call) : said;
  if (isRemoved(options, reply, call, resource)) return { outcome: "delivered", status: said.status };
  if (said.status === 422 && isSuccess(reply)) return { outcome: "given_up", status: 422, fault: faultOf(said) };
  return verdictOf(reply, call, resource.tenant, options.clock.now());
}

/** The newest push before this call was given up: an add-on without its config vars must not be released. */
async function configWasRefused({ store }: HerokuOptions, call: OwedCall): Promise<boolean> {
  const [row] = await store.asTenant(call.tenant, (tx) =>
    tx.query<{ state: string }>(
      "select state from owed_calls where kind = $1 and sequence < $2 order by sequence desc limit 1",
      [PUSH_CONFIG, call.sequence],
    ),
  );
  return row?.state === "given_up";
}

/** 422 says only that the action does not fit the state: which one it is in has to be asked. */
const lookAt = (resource: Resource, call: OwedCall): Promise<Reply> =>
  resource.send({ method: "GET", path: `/addons/${call.resourceId}` });

const addonShape = z.looseObject({ state: z.string() });

const stateIn = ({ body }: Reply): string | undefined => addonShape.safeParse(body).data?.state;

function isRemoved({ clock }: HerokuOptions, reply: Reply, call: OwedCall, { tenant }: Resource): boolean {
  if (reply.status === 410 || (isSuccess(reply) && stateIn(reply) === "deprovisioned")) return true;
  return reply.status === 404 && clock.now() >= knownBy(call, tenant);
}

async function removedOverThere(options: HerokuOptions, call: OwedCall, { status }: Reply): Promise<Delivery> {
  await options
    .deprovision({ ref: { tenant: call.tenant }, by: "job:heroku", at: options.clock.now() })
    .catch((fault: unknown) => {
      if (!(fault instanceof ProviderError && fault.code === "tenant_gone")) throw fault;
    });
  return { outcome: "given_up", status, fault: "Heroku has given this purchase up; it was deprovisioned." };
}

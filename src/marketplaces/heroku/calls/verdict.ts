import { z } from "zod";
import type { Delivery, OwedCall } from "../../../deliveries/deliveries.ts";
import { ProviderError } from "../../../errors.ts";
import type { Tenant } from "../../../tenants/tenants.ts";
import type { Reply } from "../platform/send.ts";

/** A purchase that is not finished after this time counts as failed. (Dev Center, asynchronous provisioning) */
export const PROVISION_DEADLINE_SECONDS = 12 * 3_600;

const PATIENCE_MS = 3_600_000;

export const isSuccess = ({ status }: Reply): boolean => status >= 200 && status < 300;

/**
 * Until when "not found" may mean "not known yet": Heroku stores a resource only after our answer to the provision, and
 * until the deadline it may still do so.
 */
export function knownBy(call: OwedCall, tenant: Tenant): Date {
  const deadline = tenant.createdAt.getTime() + PROVISION_DEADLINE_SECONDS * 1_000;
  return new Date(Math.max(call.createdAt.getTime() + PATIENCE_MS, deadline));
}

/** What an answer means for the call: delivered, again later, or never. */
export function verdictOf(reply: Reply, call: OwedCall, tenant: Tenant, now: Date): Delivery {
  const { status, retryAfter } = reply;
  const fault = faultOf(reply);
  if (isSuccess(reply)) return { outcome: "delivered", status };
  if (isFinal(status) || (isUnknown(status) && now >= knownBy(call, tenant))) {
    return { outcome: "given_up", status, fault };
  }
  return { outcome: "retry", status, fault, ...(retryAfter === undefined ? {} : { afterSeconds: retryAfter }) };
}

/** A token sees no resource but its own, so "forbidden" may mean the same as "not found". */
const isUnknown = (status: number): boolean => status === 403 || status === 404;

/** Refusals that the same call will meet again. The rest may pass: 401 with the next token, 429 and 5xx with time. */
const isFinal = (status: number): boolean =>
  status >= 400 && status < 500 && ![401, 403, 404, 408, 409, 423, 425, 429].includes(status);

const errorShape = z.looseObject({ id: z.string().regex(/^\w{1,40}$/) });

/** Names the error by its id only: Heroku's sentence may repeat a value it was sent. */
export function faultOf({ status, body }: Reply): string {
  const { data } = errorShape.safeParse(body);
  return data === undefined ? `Heroku answered ${status}.` : `Heroku answered ${status} (${data.id}).`;
}

/** What a fault met on the way means; one that is not about Heroku is thrown again. */
export function deliveryOf(fault: unknown): Delivery {
  if (!(fault instanceof ProviderError)) throw fault;
  if (fault.code === "marketplace_refused") return { outcome: "given_up", fault: fault.message };
  if (fault.code !== "marketplace_unavailable") throw fault;
  const { message, retryAfter } = fault;
  return { outcome: "retry", fault: message, ...(retryAfter === undefined ? {} : { afterSeconds: retryAfter }) };
}

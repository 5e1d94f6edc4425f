import { setTimeout as sleep } from "node:timers/promises";
import type { AwsAccess } from "./access.ts";
import { type Clients, openClients } from "./clients.ts";
import { type CallFault, faultOf } from "./faults.ts";

export type Called<T> = { readonly kind: "found"; readonly value: T } | CallFault;

/** The clients with the one way to use them. */
export interface Caller {
  readonly clients: Clients;
  /**
   * Runs `work` within the limit and reads what it throws. The credentials are had first, so that a fault of theirs is
   * never taken for a call whose outcome is unknown. `secrets` never get into a message.
   */
  call<T>(limits: CallLimits, work: (signal: AbortSignal) => Promise<T>): Promise<Called<T>>;
}

interface CallLimits {
  readonly ms: number;
  readonly signal?: AbortSignal | undefined;
  readonly secrets?: readonly string[];
}

export function openCaller(access: AwsAccess): Caller {
  const clients = openClients(access);
  const own = [access.sellerRole?.arn, access.sellerRole?.externalId].filter((text) => text !== undefined);
  return {
    clients,
    call: async ({ ms, signal, secrets = [] }, work) => {
      const limit = AbortSignal.timeout(ms);
      const bound = signal === undefined ? limit : AbortSignal.any([signal, limit]);
      try {
        await withinSignal(bound, clients.credentials());
      } catch (thrown) {
        return credentialFault(faultOf(thrown, own));
      }
      try {
        return { kind: "found", value: await withinSignal(bound, work(bound)) };
      } catch (thrown) {
        const fault = faultOf(thrown, [...own, ...secrets]);
        return fault.kind === "down" && limit.aborted ? { ...fault, fault: `no answer within ${ms} ms` } : fault;
      }
    },
  };
}

/** Without credentials nothing was sent, whatever the reason. */
function credentialFault(fault: CallFault): CallFault {
  if (fault.kind === "refused") return { ...fault, kind: "misconfigured" };
  if (fault.kind === "misconfigured") return fault;
  return { kind: "down", fault: `no credentials: ${fault.kind === "down" ? fault.fault : fault.kind}`, unsent: true };
}

/** What `work` gives, or the signal's end of it; the work may go on unheard. */
async function withinSignal<T>(signal: AbortSignal, work: Promise<T>): Promise<T> {
  signal.throwIfAborted();
  let stop: () => void = () => undefined;
  const ended = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason);
    signal.addEventListener("abort", stop, { once: true });
  });
  return Promise.race([work, ended]).finally(() => signal.removeEventListener("abort", stop));
}

/** Waits, or less when the signal ends it. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
}

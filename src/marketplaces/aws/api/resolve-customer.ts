import { type Called, type Caller, pause } from "./call.ts";
import type { CallFault } from "./faults.ts";

/** Who bought what, as AWS says of a registration token. */
export interface Resolved {
  readonly kind: "resolved";
  /** Absent for the legacy generation. */
  readonly licenceArn?: string;
  readonly productCode: string;
  /** Text: it may begin with zeros. */
  readonly accountId?: string;
  /** Absent for products of the new generation. */
  readonly customerIdentifier?: string;
}

export type Unresolved =
  /** Mangled, of another seller, or none. */
  | { readonly kind: "invalid_token" }
  /** The buyer starts again from their AWS subscriptions page; no new purchase is needed. */
  | { readonly kind: "expired_token" }
  | { readonly kind: "throttled" }
  | { readonly kind: "down"; readonly fault: string }
  | { readonly kind: "misconfigured"; readonly code: string; readonly message: string };

/** A buyer waits in front of a page: all tries together end by then. */
const RESOLVE_MS = 8_000;
const PAUSES_MS = [200, 600, 1_500];

/**
 * Asks AWS whose registration token this is. Throttling and faults of AWS's own are tried again for a few seconds; to
 * ask twice is harmless. The token is in no message. (API reference, ResolveCustomer.)
 */
export async function resolveCustomer(
  caller: Caller,
  region: string,
  token: string,
  signal?: AbortSignal,
): Promise<Resolved | Unresolved> {
  const called = await caller.call({ ms: RESOLVE_MS, signal, secrets: [token] }, async (bound) => {
    for (const wait of PAUSES_MS) {
      const answer = await askOnce(caller, region, token, bound);
      if (answer.kind !== "throttled" && answer.kind !== "down") return answer;
      await pause(wait * (0.5 + Math.random()), bound);
    }
    return askOnce(caller, region, token, bound);
  });
  return unresolvedOf(called.kind === "found" ? called.value : called);
}

type Answer = Resolved | CallFault;

async function askOnce(caller: Caller, region: string, token: string, signal: AbortSignal): Promise<Answer> {
  const called: Called<Resolved> = await caller.call({ ms: RESOLVE_MS, signal, secrets: [token] }, async (bound) => {
    const { ResolveCustomerCommand } = await import("@aws-sdk/client-marketplace-metering");
    const client = await caller.clients.metering(region);
    const answer = await client.send(new ResolveCustomerCommand({ RegistrationToken: token }), { abortSignal: bound });
    return {
      kind: "resolved",
      productCode: answer.ProductCode ?? "",
      ...present("licenceArn", answer.LicenseArn),
      ...present("accountId", answer.CustomerAWSAccountId),
      ...present("customerIdentifier", answer.CustomerIdentifier),
    };
  });
  return called.kind === "found" ? called.value : called;
}

/** AWS leaves out what it does not know, or sends it empty. */
const present = <K extends string>(name: K, value: string | undefined): { [name in K]?: string } =>
  (value === undefined || value === "" ? {} : { [name]: value }) as { [name in K]?: string };

function unresolvedOf(answer: Answer): Resolved | Unresolved {
  if (answer.kind === "refused") {
    if (answer.code === "ExpiredTokenException") return { kind: "expired_token" };
    if (answer.code === "InvalidTokenException") return { kind: "invalid_token" };
    return { ...answer, kind: "misconfigured" };
  }
  if (answer.kind === "down") return { kind: "down", fault: answer.fault };
  if (answer.kind !== "resolved") return answer;
  const named = answer.licenceArn !== undefined || answer.customerIdentifier !== undefined;
  if (named && answer.productCode !== "") return answer;
  return { kind: "down", fault: "an answer without a product or a purchase" };
}

import type { AwsAccess } from "./access.ts";
import {
  type Agreement,
  type AgreementPage,
  describeAgreement,
  findAgreementOfLicence,
  findChangedAgreements,
} from "./agreements.ts";
import { type Caller, openCaller } from "./call.ts";
import { type Entitlement, type EntitlementsOf, fetchEntitlements } from "./entitlements.ts";
import type { Fetched } from "./fetched.ts";
import { type QueuedMessage, receiveMessages, settleMessages } from "./queue.ts";
import { type Resolved, resolveCustomer, type Unresolved } from "./resolve-customer.ts";

export interface AwsApiOptions extends AwsAccess {
  /** Where marketplace events are waited for; without it `receive` says `misconfigured`. */
  readonly queueUrl?: string | undefined;
}

/**
 * What we ask of AWS. Nothing here throws for what AWS does, and every call ends by itself; the signal ends it earlier.
 * Credentials, tokens and ARNs are in no message.
 */
export interface AwsApi {
  resolveCustomer(token: string, signal?: AbortSignal): Promise<Resolved | Unresolved>;
  entitlements(of: EntitlementsOf, signal?: AbortSignal): Promise<Fetched<Entitlement[]>>;
  agreementOfLicence(licenceArn: string, signal?: AbortSignal): Promise<Fetched<Agreement | undefined>>;
  agreement(id: string, signal?: AbortSignal): Promise<Fetched<Agreement | undefined>>;
  changedAgreements(since: Date, after?: string, signal?: AbortSignal): Promise<Fetched<AgreementPage>>;
  receive(signal?: AbortSignal): Promise<Fetched<QueuedMessage[]>>;
  settle(handles: readonly string[], signal?: AbortSignal): Promise<Fetched<number>>;
}

/**
 * Opens AWS without a byte being sent or a part of the SDK being loaded: that waits for the first call. A caller that is
 * given is shared, with its clients and credentials.
 */
export function awsApi(options: AwsApiOptions, caller: Caller = openCaller(options)): AwsApi {
  const { queueUrl } = options;
  const noQueue = { kind: "misconfigured", code: "NoQueue", message: "AWS_EVENTS_QUEUE_URL is not set." } as const;
  return {
    resolveCustomer: (token, signal) => resolveCustomer(caller, options.region, token, signal),
    entitlements: (of, signal) => fetchEntitlements(caller, of, signal),
    agreementOfLicence: (licenceArn, signal) => findAgreementOfLicence(caller, licenceArn, signal),
    agreement: (id, signal) => describeAgreement(caller, id, signal),
    changedAgreements: (since, after, signal) => findChangedAgreements(caller, since, after, signal),
    receive: async (signal) => (queueUrl === undefined ? noQueue : receiveMessages(caller, queueUrl, signal)),
    settle: async (handles, signal) =>
      queueUrl === undefined ? noQueue : settleMessages(caller, queueUrl, handles, signal),
  };
}

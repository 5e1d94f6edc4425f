import type { AwsAccess, AwsKeys } from "./access.ts";
import { homeRegion } from "./access.ts";

export type Credentials = () => Promise<AwsKeys>;

/** Credentials are renewed this long before their end: earlier than the SDK itself would ask for new ones. */
const EARLY_MS = 10 * 60_000;
const STS = { maxAttempts: 2, requestHandler: { connectionTimeout: 2_000, requestTimeout: 4_000 } };
const SESSION_NAME = "stallholder";

/**
 * The credentials that every client shares: the given ones, the seller's role, or the SDK's own chain. Asked once for
 * all who wait; while a renewal fails, those that are still good are used.
 */
export function sharedCredentials(access: AwsAccess): Credentials {
  if (access.keys !== undefined) {
    const { keys } = access;
    return async () => keys;
  }
  return kept(async () => {
    const { fromNodeProviderChain, fromTemporaryCredentials } = await import("@aws-sdk/credential-providers");
    const clientConfig = {
      ...STS,
      region: homeRegion(access.region),
      ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
    };
    const { sellerRole } = access;
    if (sellerRole === undefined) return fromNodeProviderChain({ clientConfig });
    const { arn: RoleArn, externalId: ExternalId } = sellerRole;
    const params = { RoleArn, RoleSessionName: SESSION_NAME, ...(ExternalId === undefined ? {} : { ExternalId }) };
    return fromTemporaryCredentials({ params, clientConfig });
  });
}

function kept(open: () => Promise<Credentials>): Credentials {
  let source: Promise<Credentials> | undefined;
  let held: AwsKeys | undefined;
  let asking: Promise<AwsKeys> | undefined;
  const ask = async (): Promise<AwsKeys> => {
    source ??= open();
    held = await (await source)();
    return held;
  };
  return async () => {
    if (lasts(held, EARLY_MS)) return held;
    asking ??= ask().finally(() => {
      asking = undefined;
    });
    return asking.catch((fault: unknown) => {
      if (lasts(held, 0)) return held;
      throw fault;
    });
  };
}

function lasts(keys: AwsKeys | undefined, ms: number): keys is AwsKeys {
  return keys !== undefined && (keys.expiration === undefined || keys.expiration.getTime() - Date.now() > ms);
}

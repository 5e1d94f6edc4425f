import type { EventBridgeClient } from "@aws-sdk/client-eventbridge";
import type { MarketplaceAgreementClient } from "@aws-sdk/client-marketplace-agreement";
import type { MarketplaceEntitlementServiceClient } from "@aws-sdk/client-marketplace-entitlement-service";
import type { MarketplaceMeteringClient } from "@aws-sdk/client-marketplace-metering";
import type { SQSClient } from "@aws-sdk/client-sqs";
import type { STSClient } from "@aws-sdk/client-sts";
import { type AwsAccess, homeRegion } from "./access.ts";
import { type Credentials, sharedCredentials } from "./credentials.ts";
import { skewWatch } from "./skew.ts";

/** The SDK's clients, each loaded and made when it is first asked for: until then AWS costs nothing. */
export interface Clients {
  readonly credentials: Credentials;
  metering(region: string): Promise<MarketplaceMeteringClient>;
  entitlements(): Promise<MarketplaceEntitlementServiceClient>;
  agreements(): Promise<MarketplaceAgreementClient>;
  queue(url: string): Promise<SQSClient>;
  identity(region: string): Promise<STSClient>;
  /** The rules of the region that a queue is in. */
  rules(queueUrl: string): Promise<EventBridgeClient>;
}

/** The caller of each function bounds the whole; these bound a connection that never comes and a silent one. */
const WAITS = { connectionTimeout: 3_000, requestTimeout: 25_000 };
const nothing = (): void => undefined;
const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** The SDK repeats nothing by itself: what a repeat means is decided where the answer is read. */
export function openClients(access: AwsAccess): Clients {
  const credentials = sharedCredentials(access);
  const common = {
    credentials,
    maxAttempts: 1,
    requestHandler: WAITS,
    logger: SILENT,
    ...(access.endpoint === undefined ? {} : { endpoint: access.endpoint }),
  };
  const home = homeRegion(access.region);
  const remember = remembering();
  const once = <C>(name: string, open: () => Promise<C>): Promise<C> =>
    remember(name, async () => skewWatch(await open(), access.onSkew));
  return {
    credentials,
    metering: (region) =>
      once(`metering ${region}`, async () => {
        const { MarketplaceMeteringClient: Client } = await import("@aws-sdk/client-marketplace-metering");
        return new Client({ ...common, region });
      }),
    entitlements: () =>
      once("entitlements", async () => {
        const sdk = await import("@aws-sdk/client-marketplace-entitlement-service");
        return new sdk.MarketplaceEntitlementServiceClient({ ...common, region: home });
      }),
    agreements: () =>
      once("agreements", async () => {
        const { MarketplaceAgreementClient: Client } = await import("@aws-sdk/client-marketplace-agreement");
        return new Client({ ...common, region: home });
      }),
    queue: (url) =>
      once(`queue ${url}`, async () => {
        const { SQSClient: Client } = await import("@aws-sdk/client-sqs");
        return new Client({ ...common, region: regionOfQueue(url) ?? home });
      }),
    rules: (url) =>
      once(`rules ${url}`, async () => {
        const { EventBridgeClient: Client } = await import("@aws-sdk/client-eventbridge");
        return new Client({ ...common, region: regionOfQueue(url) ?? home });
      }),
    identity: (region) =>
      once(`identity ${region}`, async () => {
        const { STSClient: Client } = await import("@aws-sdk/client-sts");
        return new Client({ ...common, region });
      }),
  };
}

/** `https://sqs.eu-west-1.amazonaws.com/…`: a queue is in the region that its address names. */
const regionOfQueue = (url: string): string | undefined =>
  /^https:\/\/(?:[\w-]+\.)*sqs\.([a-z0-9-]+)\.(?:vpce\.)?(?:amazonaws|api)\./.exec(url)?.[1];

function remembering() {
  const made = new Map<string, Promise<unknown>>();
  return <T>(name: string, make: () => Promise<T>): Promise<T> => {
    const before = made.get(name) as Promise<T> | undefined;
    if (before !== undefined) return before;
    const now = make();
    made.set(name, now);
    return now;
  };
}

/** What the SDK signs with. */
export interface AwsKeys {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
  readonly expiration?: Date;
}

/** How AWS is reached. Whatever is absent here the SDK finds by its own rules (`AWS_ENDPOINT_URL_…`, its chain of credentials). */
export interface AwsAccess {
  /** Where new licences are metered, and where tokens are resolved. */
  readonly region: string;
  /** One address that plays every service. */
  readonly endpoint?: string;
  /** Used instead of the SDK's chain. */
  readonly keys?: AwsKeys;
  /** The role in the seller's account, where this service runs in another one. */
  readonly sellerRole?: { readonly arn: string; readonly externalId?: string | undefined };
  /** Told at every answer how far AWS's clock is ahead of ours. A whole second of it may be rounding. */
  readonly onSkew?: (aheadMs: number) => void;
}

/**
 * The region that serves entitlements, agreements, events and topics for the sellers of a region's partition: one of
 * them in each (seller guide, "Checking entitlements" and "Managing SaaS subscription events").
 */
export function homeRegion(region: string): string {
  if (region.startsWith("cn-")) return "cn-northwest-1";
  return region.startsWith("eusc-") ? region : "us-east-1";
}

import type { Settings } from "../config.ts";

/** Where sellers are at home. */
const HOME = "us-east-1";

/** How the settings have AWS reached; the rest the SDK finds by its own rules. */
export function awsAccess({ aws }: Settings) {
  const { sellerRoleArn: arn, sellerExternalId: externalId, simulated } = aws;
  return {
    region: aws.region ?? HOME,
    ...simulated,
    ...(arn === undefined ? {} : { sellerRole: { arn, externalId } }),
  };
}

import { entitlementTopic, subscriptionTopic } from "../emission/notices.ts";
import { SELLER_KEY } from "../model/accounts.ts";
import { isContract } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { queueUrl } from "../queue/operations.ts";
import { HOME_REGION } from "../wire/regions.ts";

/** The environment of a provider that takes this simulator for AWS. */
export function providerSettings(aws: Aws): Readonly<Record<string, string>> {
  const topics = aws.state.products.flatMap((product) => [
    subscriptionTopic(product.code),
    ...(isContract(product) ? [entitlementTopic(product.code)] : []),
  ]);
  return {
    AWS_REGION: HOME_REGION,
    AWS_ACCESS_KEY_ID: SELLER_KEY.accessKeyId,
    AWS_SECRET_ACCESS_KEY: SELLER_KEY.secretAccessKey,
    AWS_ENDPOINT_URL: aws.origin,
    AWS_SNS_TOPIC_ARNS: topics.join(","),
    AWS_EVENTS_SECRET: aws.eventsSecret,
    AWS_EVENTS_QUEUE_URL: queueUrl(aws),
  };
}

import { entitlementTopic, subscriptionTopic } from "../emission/notices.ts";
import { SELLER_KEY } from "../model/accounts.ts";
import { isContract } from "../model/products.ts";
import type { Aws } from "../model/world.ts";
import { queueUrl } from "../queue/operations.ts";
import { HOME_REGION } from "../wire/regions.ts";

/** What a provider has to be told so that it takes this simulator for AWS. */
export interface AwsAtSimulator {
  /** Plays every service, and the host of SNS's certificates and confirmations. */
  readonly endpoint: string;
  readonly region: string;
  readonly keys: { readonly accessKeyId: string; readonly secretAccessKey: string };
  readonly topicArns: readonly string[];
  readonly eventsSecret: string;
  readonly queueUrl: string;
  /** The role of the stack that is there from the start. */
  readonly tenantRoleArn: string | undefined;
}

export function awsAtSimulator(aws: Aws): AwsAtSimulator {
  const topicArns = aws.state.products.flatMap((product) => [
    subscriptionTopic(product.code),
    ...(isContract(product) ? [entitlementTopic(product.code)] : []),
  ]);
  const { origin: endpoint, eventsSecret } = aws;
  const [tenantRoleArn] = aws.stack === undefined ? [] : aws.state.roles.keys();
  return {
    endpoint,
    region: HOME_REGION,
    keys: SELLER_KEY,
    topicArns,
    eventsSecret,
    queueUrl: queueUrl(aws),
    tenantRoleArn,
  };
}

/** The same as an environment. */
export function providerEnvironment(facts: AwsAtSimulator): Readonly<Record<string, string>> {
  return {
    AWS_REGION: facts.region,
    AWS_ACCESS_KEY_ID: facts.keys.accessKeyId,
    AWS_SECRET_ACCESS_KEY: facts.keys.secretAccessKey,
    AWS_ENDPOINT_URL: facts.endpoint,
    AWS_SNS_TOPIC_ARNS: facts.topicArns.join(","),
    AWS_EVENTS_SECRET: facts.eventsSecret,
    AWS_EVENTS_QUEUE_URL: facts.queueUrl,
    ...(facts.tenantRoleArn !== undefined && { AWS_TENANT_ROLE_ARN: facts.tenantRoleArn }),
  };
}

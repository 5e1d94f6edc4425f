import { SELLER_ACCOUNT } from "../model/accounts.ts";
import { awsError } from "../wire/answers.ts";
import type { Operation } from "../wire/service.ts";
import { queueArn } from "./operations.ts";

const RULE = "stallholder-marketplace-events";

/** The one rule of EventBridge: it puts the marketplace's events into the queue. */
export const ruleOperations: Readonly<Record<string, Operation>> = {
  ListRuleNamesByTarget: (_aws, { body }) => ({ RuleNames: body["TargetArn"] === queueArn() ? [RULE] : [] }),
  DescribeRule: ({ state }, { body }) => {
    if (body["Name"] !== RULE) return awsError("ResourceNotFoundException", "The rule does not exist.");
    return {
      Name: RULE,
      Arn: `arn:aws:events:us-east-1:${SELLER_ACCOUNT}:rule/${RULE}`,
      EventPattern: JSON.stringify({ source: ["aws.agreement-marketplace"] }),
      State: state.delivery.queue ? "ENABLED" : "DISABLED",
    };
  },
};

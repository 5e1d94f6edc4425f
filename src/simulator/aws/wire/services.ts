import { agreementOperations } from "../agreements/operations.ts";
import { putEvents } from "../bus/put-events.ts";
import { getEntitlements } from "../entitlements/get-entitlements.ts";
import { batchMeterUsage } from "../metering/batch-meter-usage.ts";
import { resolveCustomer } from "../metering/resolve-customer.ts";
import { queueOperations } from "../queue/operations.ts";
import { ruleOperations } from "../queue/rules.ts";
import type { Service } from "./service.ts";

export const services: readonly Service[] = [
  {
    prefix: "AWSMPMeteringService",
    signedFor: "aws-marketplace",
    namespace: "com.amazonaws.marketplacemetering",
    version: "1.1",
    shown: true,
    homeOnly: false,
    operations: { BatchMeterUsage: batchMeterUsage, ResolveCustomer: resolveCustomer },
  },
  {
    prefix: "AWSMPEntitlementService",
    signedFor: "aws-marketplace",
    namespace: "com.amazonaws.marketplaceentitlementservice",
    version: "1.1",
    shown: true,
    homeOnly: true,
    operations: { GetEntitlements: getEntitlements },
  },
  {
    prefix: "AWSMPCommerceService_v20200301",
    signedFor: "aws-marketplace",
    namespace: "com.amazonaws.marketplaceagreement",
    version: "1.0",
    shown: true,
    homeOnly: true,
    operations: agreementOperations,
  },
  {
    prefix: "AmazonSQS",
    signedFor: "sqs",
    namespace: "com.amazonaws.sqs",
    version: "1.0",
    shown: false,
    homeOnly: false,
    operations: queueOperations,
  },
  {
    prefix: "AWSEvents",
    signedFor: "events",
    namespace: "com.amazonaws.eventbridge",
    version: "1.1",
    shown: true,
    homeOnly: false,
    operations: { ...ruleOperations, PutEvents: putEvents },
  },
];

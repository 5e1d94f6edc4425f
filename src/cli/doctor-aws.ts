import type { Catalog } from "../catalog/catalog.ts";
import { awsAccess } from "../config/aws-access.ts";
import type { Settings } from "../config.ts";
import { examineAws, sellsOnAws } from "../marketplaces/aws/aws-operator.ts";
import { type Finding, ok } from "./finding.ts";

/** What `doctor` says of AWS: nothing where nothing is sold there. */
export async function awsFindings(settings: Settings, catalog: Catalog): Promise<Finding[]> {
  if (!sellsOnAws(catalog)) return [];
  if (!settings.production && !isSetUp(settings)) return [ok("aws", "the simulator's: no setting of AWS is made")];
  const { eventsQueueUrl, eventsSecret, snsTopicArns } = settings.aws;
  return examineAws({
    catalog,
    access: awsAccess(settings),
    publicUrl: settings.publicUrl,
    queueUrl: eventsQueueUrl,
    hasEventsSecret: eventsSecret !== undefined,
    topicArns: snsTopicArns,
  });
}

const isSetUp = ({ aws }: Settings): boolean =>
  [aws.region, aws.eventsQueueUrl, aws.sellerRoleArn, aws.eventsSecret].some((setting) => setting !== undefined);

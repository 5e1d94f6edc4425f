import { awsAccess } from "../config/aws-access.ts";
import type { Logger } from "../log.ts";
import type { Surroundings } from "./surroundings.ts";

/** How AWS is reached, and what of it is believed. */
export function awsSettings({ settings, clock, logger }: Surroundings) {
  const { simulated, eventsQueueUrl, usageReporting, ...aws } = settings.aws;
  const access = awsAccess(settings);
  return {
    access: { ...access, queueUrl: eventsQueueUrl, ...(clock.real && { onSkew: skewAlarm(logger) }) },
    ...(usageReporting !== "live" && { mode: usageReporting }),
    settings: {
      region: access.region,
      topicArns: aws.snsTopicArns,
      eventsSecrets: aws.eventsSecret?.split(",") ?? [],
      pollsQueue: eventsQueueUrl !== undefined,
      snsEndpoint: aws.snsEndpoint ?? simulated?.endpoint,
    },
  };
}

const SKEW_MS = 30_000;
const SAID_AGAIN_AFTER_MS = 600_000;

/** A clock that is far off spoils hours and signatures: that is said, but not with every answer. */
function skewAlarm(logger: Logger): (aheadMs: number) => void {
  let saidAt = Number.NEGATIVE_INFINITY;
  return (aheadMs) => {
    if (Math.abs(aheadMs) < SKEW_MS || performance.now() - saidAt < SAID_AGAIN_AFTER_MS) return;
    saidAt = performance.now();
    logger.error(
      { aheadSeconds: Math.round(aheadMs / 1000) },
      "the clock of this machine is off: AWS's says another time",
    );
  };
}

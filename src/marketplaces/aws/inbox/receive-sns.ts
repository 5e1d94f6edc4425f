import type { Request, RequestHandler } from "express";
import { systemClock } from "../../../clock.ts";
import { ProviderError } from "../../../errors.ts";
import { answerJson } from "../../../http/answer.ts";
import { rawBody } from "../../../http/body.ts";
import type { AwsOptions } from "../options.ts";
import { keepMessage } from "./keep.ts";
import { type FetchFromSns, snsCertificates, snsFetcher } from "./sns-certificates.ts";
import {
  isCertificateUrl,
  isConfirmationUrl,
  isSigned,
  readEnvelope,
  type SnsEnvelope,
  snsHost,
} from "./sns-envelope.ts";

/**
 * An older message is somebody's copy. Well within the time for which ids are remembered, so that no copy is taken twice.
 * One from ahead of our clock is taken: whoever signed it has the better clock.
 */
const OLDEST_MS = 30 * 24 * 3_600_000;

const refused = (): ProviderError => new ProviderError("not_permitted", "The message cannot be believed.");

/**
 * `POST /sns`: takes messages of the topics that are believed, signed by SNS. Whatever is wrong with one, it is refused
 * alike; 200 means that it is stored. A subscription of such a topic is confirmed.
 */
export function receiveSns(options: AwsOptions, fetchFromSns: FetchFromSns = snsFetcher(options.settings.snsEndpoint)) {
  // A certificate is of this world, whatever day it is for the tenants.
  const keyAt = snsCertificates(fetchFromSns, systemClock);
  const handler: RequestHandler = async (req, res, next) => {
    const body = rawBody(req);
    const envelope = isRaw(req) ? undefined : readEnvelope(body);
    if (envelope === undefined || !(await isBelieved(options, keyAt, envelope)))
      return options.attempts.refuse(req, res, next, refused());
    if (envelope.type === "Notification") await keepMessage(options, { source: "sns", id: envelope.messageId, body });
    else await confirm(options, envelope, fetchFromSns);
    answerJson(res, 200, { stored: envelope.type === "Notification" });
  };
  return handler;
}

/** Raw delivery leaves the envelope out, and with it everything that could be checked. */
const isRaw = (req: Request): boolean => req.get("x-amz-sns-rawdelivery")?.toLowerCase() === "true";

async function isBelieved(
  { settings, clock }: AwsOptions,
  keyAt: ReturnType<typeof snsCertificates>,
  envelope: SnsEnvelope,
): Promise<boolean> {
  const { topicArn, certificateUrl, timestamp } = envelope;
  if (!settings.topicArns.includes(topicArn)) return false;
  const host = snsHost(topicArn);
  if (host === undefined || !isCertificateUrl(certificateUrl, host)) return false;
  if (clock.now().getTime() - timestamp.getTime() > OLDEST_MS) return false;
  const key = await keyAt(certificateUrl);
  return key !== undefined && isSigned(envelope, key);
}

async function confirm({ logger }: AwsOptions, envelope: SnsEnvelope, fetchFromSns: FetchFromSns): Promise<void> {
  const { type, topicArn, subscribeUrl = "" } = envelope;
  if (type === "UnsubscribeConfirmation") {
    logger.error({ topic: topicArn }, "SNS says that the subscription to a topic ended");
    return;
  }
  if (!isConfirmationUrl(subscribeUrl, snsHost(topicArn) ?? "")) throw refused();
  await fetchFromSns(subscribeUrl).catch((cause: unknown) => {
    throw new ProviderError("unavailable", "The subscription cannot be confirmed now.", { cause });
  });
  logger.info({ topic: topicArn }, "the subscription to a topic is confirmed");
}

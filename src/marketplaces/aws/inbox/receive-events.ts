import type { RequestHandler } from "express";
import { answerJson } from "../../../http/answer.ts";
import { bearerToken } from "../../../http/basic-auth.ts";
import { rawBody } from "../../../http/body.ts";
import { secretTest } from "../../../same-secret.ts";
import type { AwsOptions } from "../options.ts";
import { asEvent, keepMessage } from "./keep.ts";

/** Lets EventBridge's API destination in, before the body is read. Without a secret nobody gets in. */
export function admitEvents({ settings, attempts }: AwsOptions): RequestHandler {
  const tests = settings.eventsSecrets.map(secretTest);
  return function admitEvents(req, res, next) {
    const token = bearerToken(req) ?? "";
    // Every secret is tried, so that the time does not tell which one was right.
    const verdicts = tests.map((isRight) => isRight(token));
    return verdicts.includes(true) ? next() : attempts.refuse(req, res, next);
  };
}

/** `POST /events`: 200 means that the event is stored, or was before. One that cannot be read is stored too. */
export function receiveEvent(options: AwsOptions): RequestHandler {
  return async function receiveEvent(req, res) {
    const fresh = await keepMessage(options, asEvent(rawBody(req)));
    answerJson(res, 200, { stored: true, fresh });
  };
}

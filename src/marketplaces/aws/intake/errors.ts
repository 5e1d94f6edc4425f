import type { ErrorRequestHandler, Request } from "express";
import { render } from "preact-render-to-string";
import { type ErrorCode, errorFacts, type ProviderError } from "../../../errors.ts";
import { type ErrorShape, errorAnswer } from "../../../http/problem.ts";
import type { AwsOptions } from "../options.ts";
import { type NoticeKind, NoticePage } from "../pages/notice-page.tsx";

const CHALLENGE = 'Bearer realm="aws"';

const machines: ErrorShape = {
  type: "application/json; charset=utf-8",
  challenge: CHALLENGE,
  body: ({ code, message }: ProviderError) => JSON.stringify({ code, message }),
};

/** Errors to AWS's own machines as JSON, to a buyer's browser as a page. */
export function awsErrors(options: AwsOptions): ErrorRequestHandler {
  const toMachines = errorAnswer(machines);
  const toBrowsers = errorAnswer({
    type: "text/html; charset=utf-8",
    challenge: CHALLENGE,
    body: ({ code }: ProviderError) => `<!doctype html>${render(NoticePage({ options, kind: kindOf(code) }))}`,
  });
  return (thrown, req, res, next) => (isMachine(req) ? toMachines : toBrowsers)(thrown, req, res, next);
}

const isMachine = ({ path }: Request): boolean => /^\/(?:events|sns)\/?$/i.test(path);

const kindOf = (code: ErrorCode): NoticeKind => (errorFacts[code].status >= 500 ? "not_now" : "malformed");

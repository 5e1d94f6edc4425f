import type { ErrorRequestHandler, Request } from "express";
import { type ErrorCode, errorFacts, type Fault, type ProviderError } from "../../../errors.ts";
import { JSON_TYPE } from "../../../http/answer.ts";
import { type ErrorShape, errorAnswer } from "../../../http/problem.ts";
import { isSignIn, pageAnswer } from "../sign-in/pages.ts";
import { contentTypeFor, VENDOR_TYPE } from "./answers.ts";

/** Heroku knows two refusals it shows to the customer, 410 for a used uuid and 422 for the rest. */
const statuses: Partial<Record<ErrorCode, number>> = { request_conflict: 422, operation_running: 422 };

/** Errors as Heroku's own APIs word them, `{id, message}`; to a browser that comes to sign in, as a page. */
export const herokuErrors: ErrorRequestHandler = (thrown, req, res, next) => {
  const answer = isSignIn(req) ? pageAnswer : answers[contentTypeFor(req)];
  return answer(thrown, req, res, next);
};

const shapeOf = (type: string): ErrorShape => ({
  type,
  challenge: 'Basic realm="heroku", charset="UTF-8"',
  status: statusOf,
  body: (error: ProviderError, _req: Request) => JSON.stringify({ id: error.code, message: messageOf(error) }),
});

const answers = { [JSON_TYPE]: errorAnswer(shapeOf(JSON_TYPE)), [VENDOR_TYPE]: errorAnswer(shapeOf(VENDOR_TYPE)) };

/** A JSON body with faults is 422; what is no JSON, or no request at all, is 400. */
function statusOf({ code, faults }: ProviderError): number {
  if (code === "request_malformed") return faults.some(isInBody) ? 422 : 400;
  return statuses[code] ?? errorFacts[code].status;
}

/** A JSON pointer is empty for the whole body or begins with a slash; a header's name does not. */
const isInBody = ({ at }: Fault): boolean => at === "" || at.startsWith("/");

/** Only `message` is shown to the customer, so it names the faults too. */
function messageOf({ message, faults }: ProviderError): string {
  if (faults.length === 0) return message;
  return `${message} ${faults.map((fault) => `${placeOf(fault)} ${fault.message}`).join("; ")}.`;
}

const placeOf = ({ at }: Fault): string => (at === "" ? "the body" : at.replace(/^\//, "").replaceAll("/", "."));

import type { ErrorRequestHandler, Request, RequestHandler, Response } from "express";
import { asProviderError, errorFacts, ProviderError } from "../errors.ts";
import { answerText } from "./answer.ts";
import { noteRequest, requestId } from "./request-log.ts";

/** How one side of the service words its errors; everything else about an error answer is the same everywhere. */
export interface ErrorShape {
  /** The content type of `body`. */
  readonly type: string;
  /** `WWW-Authenticate` of a 401. */
  readonly challenge: string;
  body(error: ProviderError, req: Request): string;
  /** For a marketplace with its own statuses; the facts of the code otherwise. */
  status?(error: ProviderError): number;
}

/**
 * The last handler of an app or of a marketplace's router: answers whatever was thrown in the given shape, notes it
 * for the log, and lets no text of an unknown error out. An answer that has begun already is cut off, because its
 * reader could not tell it from a complete one.
 */
export function errorAnswer(shape: ErrorShape): ErrorRequestHandler {
  return function answerError(thrown: unknown, req, res, _next) {
    const error = asProviderError(asMalformedAddress(thrown));
    noteRequest(req, { error });
    if (res.headersSent) res.destroy();
    else if (!res.destroyed) answer(shape, error, req, res);
  };
}

function answer(shape: ErrorShape, error: ProviderError, req: Request, res: Response): void {
  const status = shape.status?.(error) ?? errorFacts[error.code].status;
  if (status === 401) res.setHeader("WWW-Authenticate", shape.challenge);
  if (error.retryAfter !== undefined) res.setHeader("Retry-After", Math.ceil(error.retryAfter));
  res.setHeader("Cache-Control", "no-store");
  answerText(res, status, shape.type, shape.body(error, req));
}

/** Express throws a `URIError` when a path parameter holds a broken percent escape. */
function asMalformedAddress(thrown: unknown): unknown {
  if (!(thrown instanceof URIError)) return thrown;
  return new ProviderError("request_malformed", "The address holds a broken percent escape.", { cause: thrown });
}

const problemShape: ErrorShape = {
  type: "application/problem+json",
  challenge: 'Bearer realm="stallholder"',
  body: problemBody,
};

/** The errors of our own API: RFC 9457, with `code`, and `faults` where the input has any. */
export const problemAnswer: ErrorRequestHandler = errorAnswer(problemShape);

function problemBody(error: ProviderError, req: Request): string {
  const { status, title } = errorFacts[error.code];
  return JSON.stringify({
    type: `/docs/errors#${error.code}`,
    title,
    status,
    detail: error.message,
    instance: requestId(req),
    code: error.code,
    faults: error.faults.length > 0 ? error.faults : undefined,
  });
}

/** The handler after the last route. */
export const notFound: RequestHandler = (_req, _res, next) => {
  next(new ProviderError("route_not_found", "There is nothing at this address."));
};

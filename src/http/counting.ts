import type { RequestHandler } from "express";
import type { Metrics } from "./metrics.ts";
import { noteRequest, whenAnswered } from "./request-log.ts";

export interface CountedRequest {
  readonly marketplace: string;
  readonly operation: string;
}

/** Names the operation in the log line of the request, and measures it. */
export function counting(metrics: Metrics | undefined, counted: CountedRequest): RequestHandler {
  return function count(req, res, next) {
    noteRequest(req, { ...counted });
    whenAnswered(req, res, (seconds) => {
      const outcome = res.writableFinished ? outcomeOf(res.statusCode) : "aborted";
      metrics?.countOperation({ ...counted, outcome }, seconds);
    });
    next();
  };
}

function outcomeOf(status: number): string {
  if (status === 202) return "running";
  if (status < 400) return "done";
  return status < 500 ? "refused" : "failed";
}

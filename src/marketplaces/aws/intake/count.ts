import type { RequestHandler } from "express";
import type { Metrics } from "../../../http/metrics.ts";
import { noteRequest, whenAnswered } from "../../../http/request-log.ts";
import { AWS } from "../options.ts";

/** Names the operation in the log line of the request, and measures it. */
export function counting(metrics: Metrics | undefined, operation: string): RequestHandler {
  return function count(req, res, next) {
    noteRequest(req, { marketplace: AWS, operation });
    whenAnswered(req, res, (seconds) => {
      const outcome = res.writableFinished ? outcomeOf(res.statusCode) : "aborted";
      metrics?.countOperation({ marketplace: AWS, operation, outcome }, seconds);
    });
    next();
  };
}

function outcomeOf(status: number): string {
  if (status < 400) return "done";
  return status < 500 ? "refused" : "failed";
}

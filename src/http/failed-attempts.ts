import type { NextFunction, Request, RequestHandler, Response } from "express";
import { type AugmentedRequest, ipKeyGenerator, rateLimit } from "express-rate-limit";
import { ProviderError } from "../errors.ts";

const WINDOW_MS = 60_000;
const LIMIT = 100;

interface AttemptLimits {
  /** How many failures of one source are answered as such before the limit answers instead. */
  readonly limit?: number;
  readonly windowMs?: number;
}

export interface FailedAttempts {
  /**
   * Ends a request whose credentials are missing or wrong: `next` gets `error`, or `rate_limited` once the source
   * (`req.ip`; of IPv6 its /56) has failed too often. A guard calls it only after the check has failed, so that a
   * right credential is never counted and never refused.
   */
  refuse(req: Request, res: Response, next: NextFunction, error?: ProviderError): Promise<void>;
}

/** Counts in the memory of this process: a brake on guessing, not a quota. */
export function failedAttempts({ limit = LIMIT, windowMs = WINDOW_MS }: AttemptLimits = {}): FailedAttempts {
  const limiter = rateLimit({
    windowMs,
    limit,
    legacyHeaders: false,
    standardHeaders: false,
    validate: false,
    keyGenerator: (req) => ipKeyGenerator(req.ip ?? "unknown"),
    handler: (req, _res, next) => next(tooMany(req as AugmentedRequest, windowMs)),
  });
  return {
    async refuse(req, res, next, error = wrongCredentials()) {
      await limiter(req, res, (fault?: unknown) => next(fault ?? error));
    },
  };
}

/** Has the failed credentials of a handler counted: whatever it throws as `not_authenticated`. */
export function refusing(attempts: FailedAttempts, handler: RequestHandler): RequestHandler {
  return async function refuseWrongCredentials(req, res, next) {
    try {
      await handler(req, res, next);
    } catch (thrown) {
      if (!(thrown instanceof ProviderError && thrown.code === "not_authenticated")) throw thrown;
      await attempts.refuse(req, res, next, thrown);
    }
  };
}

export function wrongCredentials(): ProviderError {
  return new ProviderError("not_authenticated", "The credentials are missing or wrong.");
}

function tooMany(req: AugmentedRequest, windowMs: number): ProviderError {
  const resetTime = req["rateLimit"]?.resetTime?.getTime() ?? Date.now() + windowMs;
  const retryAfter = Math.max(1, Math.ceil((resetTime - Date.now()) / 1_000));
  return new ProviderError("rate_limited", "Too many failed attempts. Try again later.", { retryAfter });
}
